#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Uses the page of `ctrace-bpf serve` as a person does, and photographs it.

In: Chromium, the URL of the service, a directory, the PID and the name of a process that may be recorded. Out: pictures, and
what was saved by a click, in the directory; a line for each on stdout. Exit 1 when something is not as it should be: a
script or a style that the page's own policy forbids counts, too.
"""

import os
import sys
import time

from shots import Browser, Failure, PATIENCE

TROUBLE = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
ROWS = "[...document.querySelectorAll('#processes tr')]"
OWN = "document.querySelector('#under-way tr:not(.other)')"


class Page(Browser):
    """A browser that saves what it downloads into a directory."""

    def __init__(self, program, url, outdir):
        super().__init__(program)
        self.outdir = outdir
        session, self.session = self.session, None
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=os.path.abspath(outdir))
        self.session = session
        self.call("Log.enable")
        self.call("Network.enable")
        self.open(url + "/debug/pprof/")

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def take(self, name):
        size = self.shot(os.path.join(self.outdir, name + ".png"))
        print(f"{name + '.png':24} {size:8d}", flush=True)

    def type_into(self, selector, text):
        self.eval(f"(e => {{ e.focus(); e.select(); }})(document.querySelector('{selector}'))")
        self.call("Input.insertText", text=text)

    def click(self, expression):
        """Where it is drawn, by the mouse."""
        at = self.eval(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2]; }})({expression})"
        )
        for kind in "mousePressed", "mouseReleased":
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def state(self):
        return self.eval(f"{OWN} && [{OWN}.dataset.state, {OWN}.querySelector('.state').textContent]")

    def until_state(self, state):
        self.until(f"{OWN} && {OWN}.dataset.state != 'starting' && {OWN}.dataset.state != 'recording' || {OWN} && {OWN}.dataset.state == '{state}'", state)
        got = self.state()
        if got[0] != state:
            raise Failure(f"the recording is {got}, not {state}")

    def saved(self, name):
        path, end = os.path.join(self.outdir, name), time.monotonic() + PATIENCE
        while not os.path.exists(path):
            if time.monotonic() > end:
                raise Failure(f"{name} was not saved, but {os.listdir(self.outdir)}")
            self.frames(1)
        print(f"{name:24} {os.path.getsize(path):8d}", flush=True)
        return path


def visit(page, name, pid):
    page.until(f"{ROWS}.length > 0", "a list of processes")
    if not page.eval(f"{ROWS}.some(tr => tr.dataset.pid == '{pid}')"):
        raise Failure(f"process {pid} is not listed")
    page.take("page")
    page.scheme("dark")
    page.take("page-dark")
    page.scheme("light")

    page.type_into("#filter", f"{name} {pid}")
    page.until(f"{ROWS}.length == 1 && {ROWS}[0].dataset.pid == '{pid}'", "one process by the filter")
    page.type_into("#seconds", "2")
    page.click("document.querySelector('#sample')")
    page.click(f"{ROWS}[0].querySelector('button')")
    page.until_state("recording")
    page.until(f"/s left/.test({OWN}.querySelector('.state').textContent)", "the time that is left")
    page.take("page-recording")
    page.until_state("saved")
    path = page.saved(f"trace-{name}-{pid}.out")
    page.take("page-saved")
    os.rename(path, os.path.join(page.outdir, "by-time.out"))
    page.click(f"[...{OWN}.querySelectorAll('button')].pop()")
    page.until(f"!{OWN}", "a recording that is dismissed")

    # for longer than anybody waits: it is the button that ends it
    page.type_into("#seconds", "300")
    page.click(f"{ROWS}[0].querySelector('button')")
    page.until_state("recording")
    page.click(f"{OWN}.querySelector('button')")
    page.until_state("saved")
    os.rename(page.saved(f"trace-{name}-{pid}.out"), os.path.join(page.outdir, "by-stop.out"))

    # asked for by somebody else, with his own words: it is in the list, with a button
    page.eval("rpc('debug_startGoTrace', 'elsewhere.trace', {pid: %d}); 0" % pid)
    page.until("document.querySelector('tr.other')", "a recording of somebody else")
    page.take("page-elsewhere")
    page.click("document.querySelector('tr.other button')")
    page.until("!document.querySelector('tr.other')", "the end of the recording of somebody else")
    page.eval("rpc('debug_stopGoTrace').catch(e => e.message)")

    # what is refused is said
    page.type_into("#seconds", "2")
    page.eval("record({ pid: 4194303 }, 'nobody-4194303', 'nobody'); 0")
    page.until_state("failed")
    if "no process" not in page.state()[1]:
        raise Failure(f"a process that is not there is told as {page.state()[1]!r}")
    page.take("page-refused")


def visit_as_stranger(page, pid):
    """Who may record his own processes alone sees those, and is told why nothing comes of others."""
    page.until(f"{ROWS}.length > 0", "a list of processes")
    if page.eval(f"{ROWS}.some(tr => tr.dataset.pid == '{pid}')"):
        raise Failure(f"process {pid} of somebody else is listed")
    page.until("/your own processes/.test(document.querySelector('#about').textContent)", "what one may")
    if page.eval("!document.querySelector('#all').hidden"):
        raise Failure("the whole system is offered")
    page.eval("record({ pid: %d }, 'other', 'of somebody else'); 0" % pid)
    page.until_state("failed")
    print(page.state()[1], flush=True)
    page.take("page-stranger")


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit("usage: page.py CHROMIUM URL OUTDIR PID [NAME]; without NAME it is the process of somebody else")
    program, url, outdir, pid, *name = sys.argv[1:]
    page = None
    try:
        page = Page(program, url, outdir)
        if name:
            visit(page, name[0], int(pid))
        else:
            visit_as_stranger(page, int(pid))
        trouble = TROUBLE.intersection(page.events)
        if trouble - {"Log.entryAdded"}:
            raise Failure(f"the page complains: {sorted(trouble)}")
    except (Failure, OSError) as e:
        print(f"page: {e}", file=sys.stderr)
        return 1
    finally:
        if page:
            page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
