#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Photographs what `go tool trace` shows of a trace.

In: a trace file, the viewer's binary, a directory, names of threads. Out: one PNG per page in the directory and a line
per picture on stdout: name, size, what was seen there. Exit 1 when a page shows an error, or a timeline or the list of
goroutines lacks one of the threads. Chromium is driven over its debugging pipe (two file descriptors), so nothing but Python's
own library is needed. All that was started is stopped again, the profile directory is removed.
"""

import base64
import html
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

WIDTH, HEIGHT = 1600, 1000
PATIENCE = 60  # seconds for any one step

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]


class Failure(Exception):
    pass


class Browser:
    """One headless Chromium with one page, spoken to in the DevTools protocol."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="shots-profile-")
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()

        def wire():
            # the browser reads descriptor 3 and writes descriptor 4
            a, b = os.dup(to_read), os.dup(from_write)
            os.dup2(a, 3)
            os.dup2(b, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, *CHROMIUM_FLAGS, "--user-data-dir=" + self.profile, f"--window-size={WIDTH},{HEIGHT}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            close_fds=False,
            preexec_fn=wire,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(from_write)
        self.buffer = b""
        self.counter = 0
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Runtime.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False
        )

    def message(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.from_read], [], [], left)[0]:
                raise Failure("the browser does not answer")
            got = os.read(self.from_read, 1 << 20)
            if not got:
                self.log.seek(0)
                raise Failure("the browser is gone: " + self.log.read()[-500:].decode("utf-8", "replace"))
            self.buffer += got
        raw, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(raw)

    def call(self, method, **params):
        self.counter += 1
        request = {"id": self.counter, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to_write, json.dumps(request).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            m = self.message(deadline)
            if m.get("id") == self.counter:
                if "error" in m:
                    raise Failure(f"{method}: {m['error'].get('message')}")
                return m["result"]
            self.events.append(m.get("method"))

    def eval(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            d = r["exceptionDetails"]
            raise Failure("script: " + d.get("exception", {}).get("description", d.get("text", "?"))[:300])
        return r["result"].get("value")

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.until("document.readyState == 'complete' && location.href != 'about:blank'", url)

    def until(self, condition, what):
        """Polls: each question is one round trip that also lets the page work."""
        deadline = time.monotonic() + PATIENCE
        while not self.eval(f"new Promise(r => setTimeout(() => r(!!({condition})), 50))"):
            if time.monotonic() > deadline:
                raise Failure(f"not reached in {PATIENCE} s: {what}")

    def frames(self, n=3):
        """Lets the page draw n frames."""
        self.eval(
            f"new Promise(done => {{ let n = {n}; const f = () => n-- ? requestAnimationFrame(f) : done(true); f(); }})"
        )

    def shot(self, path, clip=None):
        self.frames()
        more = {"clip": dict(x=0, y=0, scale=1, **clip)} if clip else {}
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png", **more)["data"])
        with open(path, "wb") as f:
            f.write(data)
        return len(data)

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (Failure, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session: only what this script started
        except ProcessLookupError:
            pass
        self.process.wait()
        for _ in range(100):
            shutil.rmtree(self.profile, ignore_errors=True)
            if not os.path.exists(self.profile):
                break
            time.sleep(0.05)


class Viewer:
    """`go tool trace` on a port of its own choice."""

    def __init__(self, tool, trace):
        env = dict(os.environ, BROWSER="true")
        self.process = subprocess.Popen(
            [tool, "-http=127.0.0.1:0", trace], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env
        )
        text, deadline = b"", time.monotonic() + PATIENCE
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.close()
                raise Failure("go tool trace does not come up: " + text.decode("utf-8", "replace"))
            got = os.read(self.process.stdout.fileno(), 4096)
            text += got
            found = re.search(rb"listening on (http://[0-9.:\[\]]+)", text)
            if found:
                self.url = found.group(1).decode()
                return
            if not got:
                self.close()
                raise Failure("go tool trace ended: " + text.decode("utf-8", "replace"))

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as r:
            return r.read().decode("utf-8", "replace")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


VIEW = "document.querySelector('tr-ui-timeline-view')"
READY = f"{VIEW} && {VIEW}.model && {VIEW}.trackView && !{VIEW}.model.bounds.isEmpty && !document.querySelector('.overlay-root.visible')"
COUNTS = f"""(() => {{
  const m = {VIEW}.model; let slices = 0; const rows = [], titles = new Set();
  for (const t of m.getAllThreads()) {{
    slices += t.sliceGroup.slices.length;
    rows.push(t.name || String(t.tid));
    for (const s of t.sliceGroup.slices) titles.add(s.title);
  }}
  return {{slices, flows: m.flowEvents.length, rows, titles: Array.from(titles)}};
}})()"""
# A stretch of the trace that holds about 40 slices in which most time is spent, or as many wake-ups.
ZOOM = """(n, onFlows) => {
  const v = VIEW, m = v.model, vp = v.trackView.viewport;
  let at = onFlows && m.flowEvents.length ? m.flowEvents.map(f => f.start)
    : m.getAllThreads().flatMap(t => t.sliceGroup.slices.map(s => s.start));
  at.sort((a, b) => a - b);
  const mid = at.length >> 1, lo = at[Math.max(0, mid - n)], hi = at[Math.min(at.length - 1, mid + n)];
  const d = Math.max(hi - lo, 0.001);
  const t = vp.currentDisplayTransform.clone();
  t.xSetWorldBounds(lo - d * .05, hi + d * .05, v.trackView.getBoundingClientRect().width);
  vp.setDisplayTransformImmediately(t);
  return [lo, hi];
}""".replace("VIEW", VIEW)
FLOWS = """(() => {
  const v = VIEW, vp = v.trackView.viewport, s = new Set();
  for (const f of v.model.flowEvents) { s.add(f.title); s.add(f.category); }
  vp.selectedFlowEvents = s;
  return v.model.flowEvents.length;
})()""".replace("VIEW", VIEW)
# The viewer complains about its own age across the top.
HIDE = """(() => {
  const walk = (root) => {
    for (const e of Array.from(root.querySelectorAll('*'))) {
      if (e.tagName === 'BUTTON' && e.textContent.trim() === 'Hide') e.click();
      if (e.shadowRoot) walk(e.shadowRoot);
    }
  };
  walk(document);
})()"""
PIXELS = """(() => {
  // how many different colours the drawn tracks have; an empty timeline is a grid of greys
  let colours = new Set();
  const walk = (root) => {
    for (const e of Array.from(root.querySelectorAll('*'))) {
      if (e.tagName === 'CANVAS' && e.width && e.height) {
        const d = e.getContext('2d').getImageData(0, 0, e.width, e.height).data;
        for (let i = 0; i < d.length; i += 4 * 7)
          if (d[i + 3] && (d[i] !== d[i + 1] || d[i] !== d[i + 2])) colours.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
      }
      if (e.shadowRoot) walk(e.shadowRoot);
    }
  };
  walk(document);
  return colours.size;
})()"""


def timeline(browser, viewer, outdir, view, say, names):
    browser.open(f"{viewer.url}/trace?view={view}")
    browser.until(READY, f"the timeline by {view}")
    browser.eval(HIDE)
    counts = browser.eval(COUNTS)
    if not counts["slices"]:
        raise Failure(f"the timeline by {view} has no slices")
    for name in names:
        if not any(name in title for title in counts["titles"]):
            raise Failure(f"the timeline by {view} has no slice of {name}, but {sorted(counts['titles'])[:20]}")
    browser.frames(5)
    told = f"{counts['slices']} slices, {counts['flows']} flow events, {len(counts['rows'])} rows"

    def take(name, text):
        colours = browser.eval(PIXELS)
        if colours < 3:
            raise Failure(f"{name}: the timeline is drawn empty ({colours} colours)")
        say(name, browser.shot(os.path.join(outdir, name + ".png")), f"{text}, {colours} colours")

    take(f"{view}-whole", told)
    browser.eval(f"({ZOOM})(20, false)")
    browser.frames(5)
    take(f"{view}-zoom", "about 40 slices")
    if counts["flows"]:
        browser.eval(f"({ZOOM})(6, true)")
        browser.eval(FLOWS)
        browser.frames(5)
        take(f"{view}-flows", "wake-up arrows on")


def page(browser, viewer, outdir, name, path, say, must=None):
    browser.open(viewer.url + path)
    text = browser.eval("document.documentElement.innerText || document.documentElement.textContent") or ""
    if must and not re.search(must, text):
        raise Failure(f"{path} does not show {must!r}: {text[:200]!r}")
    say(name, browser.shot(os.path.join(outdir, name + ".png")), f"{path}: {len(text)} characters")


def annotations(browser, viewer, outdir, say):
    """The pages of tasks and regions, as high as what is on them, and of the first type of each; says the types."""

    def take(name, path, must, told):
        browser.open(viewer.url + path)
        text = browser.eval("document.documentElement.innerText") or ""
        if not re.search(must, text):
            raise Failure(f"{path} does not show {must!r}: {text[:200]!r}")
        high = browser.eval("Math.ceil(document.body.getBoundingClientRect().bottom)") + 8
        wide = browser.eval("Math.max(...Array.from(document.querySelectorAll('table, p, h1, h2')).map(e => "
                            "{ const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().right; }))")
        clip = {"width": min(WIDTH, int(wide) + 16), "height": min(HEIGHT, high)}
        say(name, browser.shot(os.path.join(outdir, name + ".png"), clip), f"{path}: {told}")

    # the row without a name holds what the viewer has no type for
    for whole, one, path, must in (("tasks", "task", "/usertask", "Elapsed"), ("regions", "region", "/userregion", "Goroutine")):
        types = re.findall(rf'href="({path}\?type=([^"&]+)[^"]*)"', viewer.get(path + "s"))
        if types:
            take(whole, path + "s", " type", " ".join(name for _, name in types))
            take(one, html.unescape(types[0][0]), must, types[0][1])


def profile(browser, viewer, outdir, name, path, say):
    try:
        viewer.get(path)
    except urllib.error.HTTPError as e:
        why = e.read().decode("utf-8", "replace").strip().splitlines()
        say(name, 0, f"{path} is not drawn: {why[0] if why else e}")
        return
    page(browser, viewer, outdir, name, path, say)


def main():
    if len(sys.argv) < 5:
        sys.exit("usage: shots.py CHROMIUM TRACE_TOOL FILE OUTDIR [NAME…]")
    program, tool, trace, outdir, *threads = sys.argv[1:]
    os.makedirs(outdir, exist_ok=True)

    def say(name, size, text):
        print(f"{name + '.png' if size else name:24} {size:8d}  {text}", flush=True)

    viewer = browser = None
    try:
        viewer = Viewer(tool, trace)
        browser = Browser(program)
        page(browser, viewer, outdir, "main", "/", say, "View trace")
        timeline(browser, viewer, outdir, "proc", say, threads)
        timeline(browser, viewer, outdir, "thread", say, threads)
        page(browser, viewer, outdir, "goroutines", "/goroutines", say, "Goroutines")
        for name in threads:
            if name not in viewer.get("/goroutines"):
                raise Failure(f"/goroutines does not list {name}")
        names = re.findall(r'href="(/goroutine\?[^"]+)"', viewer.get("/goroutines"))
        if not names:
            raise Failure("/goroutines lists no group")
        best = max(names, key=lambda p: viewer.get(p.replace("&amp;", "&")).count("Block time"))
        page(browser, viewer, outdir, "goroutine", best.replace("&amp;", "&"), say, "Execution time|Breakdown")
        profile(browser, viewer, outdir, "profile-sync", "/block", say)
        profile(browser, viewer, outdir, "profile-net", "/io", say)
        profile(browser, viewer, outdir, "profile-syscall", "/syscall", say)
        annotations(browser, viewer, outdir, say)
    except (Failure, OSError) as e:
        print(f"shots: {e}", file=sys.stderr)
        return 1
    finally:
        if browser:
            browser.close()
        if viewer:
            viewer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
