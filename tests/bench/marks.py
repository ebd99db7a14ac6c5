#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What annotations cost: called by `run.sh --marks`, as root.

Idle: a loop around annotations that nobody listens to, less the same loop compiled without them; for each
site, of which a region and a task have two. Recorded: the loop while ctrace-bpf records it, while an empty BPF
program is on the same marker (bare), while perf records the marker, and what lttng-ust and uftrace take for
about the same. All in turn, in as many rounds as are asked for; medians, ranges, and the quotient with the
bare probe of the same round. The loop is bound to CPU 0, who records it has the others; counted is the CPU
time of the loop.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess

import bench
from common import Failed, Tracer, leave_no_child, run, usual_signals, wait_for

SITES = {"log": 1, "logf": 1, "region": 2, "task": 2}


def path(args, name):
    return os.path.join(args.programs, name)


def parts(binary, name):
    """(offset in the file, that of the semaphore) of a marker."""
    notes = subprocess.run(["readelf", "-nW", binary], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Name: %s\s+Location: (0x[0-9a-f]+), Base: \S+, Semaphore: (0x[0-9a-f]+)" % name, notes)
    if not found:
        raise Failed("%s has no marker %s" % (binary, name))
    loads = re.findall(r"^\s*LOAD\s+(0x\S+) (0x\S+) \S+ (0x\S+)", subprocess.run(
        ["readelf", "-lW", binary], capture_output=True, text=True, check=True).stdout, re.M)
    out = []
    for addr in (int(x, 16) for x in found.groups()):
        out += [addr - int(at, 16) + int(off, 16) for off, at, size in loads if int(at, 16) <= addr < int(at, 16) + int(size, 16)]
    return out


class Loop:
    """A process that does `what` so many times once it is told."""

    def __init__(self, stack, binary, what, times, before=()):
        self.proc = leave_no_child(stack, subprocess.Popen([*before, binary, what, str(times)],
                                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        words = self.proc.stdout.readline().split()
        if words[:1] != ["ready"]:
            raise Failed("%s did not start" % binary)
        self.pid = int(words[1])

    def run(self):
        self.proc.stdin.write("go\n")
        self.proc.stdin.flush()
        words = self.proc.stdout.readline().split()
        if words[:1] != ["ns"]:
            raise Failed("the loop ended early")
        return float(words[1])

    def end(self):
        self.proc.stdin.close()
        self.proc.wait(30)


def idle(args, what):
    """ns of a site more than without it, and of a round of the loop without."""
    with contextlib.ExitStack() as stack:
        there, absent = (Loop(stack, path(args, p), what, args.idle_times).run() for p in ("marks", "marks-absent"))
    return (there - absent) / SITES[what]


def traced(args, argv, what, wait, extra=None):
    with contextlib.ExitStack() as stack:
        loop = Loop(stack, path(args, "marks"), what, args.times)
        t = Tracer([a.replace("PID", str(loop.pid)) for a in argv], os.path.join(args.work, "tracer.log"), extra)
        stack.callback(t.kill)
        wait(t)
        ns = loop.run() / SITES[what]
        loop.end()
        res = t.stop(send=t.alive())
    return ns, res


def by_ctrace(args, what, options=()):
    out = os.path.join(args.work, "summary.json")
    ns, res = traced(args, [args.ctrace, "-p", "PID", "-v", "--json", "-o", os.path.join(args.work, "go.trace"), *options], what,
                     Tracer.wait_recording, out)
    with open(out) as f:
        summary = json.load(f)
    if res["exit"]:
        raise Failed("ctrace-bpf: exit %d" % res["exit"])
    return ns, dict(summary=summary, recorder_cpu=res["user_s"] + res["sys_s"])


def by_bare(args, what):
    offset, semaphore = parts(path(args, "marks"), "log")
    return traced(args, [path(args, "bare"), path(args, "marks"), str(offset), str(semaphore), "PID"], what,
                  lambda t: t.wait_log("ready"))


def by_perf(args, what):
    offset, semaphore = parts(path(args, "marks"), "log")

    def event(text):
        fd = os.open(os.path.join(bench.TRACEFS, "uprobe_events"), os.O_WRONLY | os.O_APPEND)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    event("p:ctrace_bench/log %s:0x%x(0x%x)\n" % (os.path.realpath(path(args, "marks")), offset, semaphore))
    try:
        return traced(args, ["perf", "record", "-m", "4096", "-e", "ctrace_bench:log", "-p", "PID", "-o",
                             os.path.join(args.work, "perf.data")], what, lambda t: wait_for(
                                 lambda: any("perf_event" in os.readlink("/proc/%d/fd/%s" % (t.pid, fd))
                                             for fd in os.listdir("/proc/%d/fd" % t.pid)), "perf", 30, t.proc, t.log))
    finally:
        def gone():
            try:
                event("-:ctrace_bench/log\n")
                return True
            except OSError:
                return False  # the kernel is not done with perf's end yet
        wait_for(gone, "the event of perf")


def by_lttng(args, _):
    home = os.path.join(args.work, "lttng")
    shutil.rmtree(home, ignore_errors=True)
    env = {**os.environ, "LTTNG_HOME": home}
    os.makedirs(home)

    def lttng(*argv):
        subprocess.run(["lttng", "-n", *argv], check=True, env=env, stdout=subprocess.DEVNULL)

    def start():
        lttng("create", "marks", "--output", os.path.join(home, "out"))
        lttng("enable-channel", "-u", "--subbuf-size", "4M", "--num-subbuf", "8", "c")
        lttng("enable-event", "-u", "-c", "c", "ctrace_bench:log")
        lttng("start")
        return True

    with contextlib.ExitStack() as stack:
        daemon = Tracer(["lttng-sessiond", "--no-kernel"], os.path.join(args.work, "lttng.log"), env=env)
        stack.callback(daemon.kill)
        wait_for(lambda: subprocess.run(["lttng", "-n", "list"], env=env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL).returncode == 0, "lttng", 30, daemon.proc, daemon.log)
        start()
        stack.callback(os.environ.__setitem__, "LTTNG_HOME", os.environ.get("LTTNG_HOME", home))
        os.environ.update(LTTNG_HOME=home, LTTNG_UST_REGISTER_TIMEOUT="-1")
        loop = Loop(stack, path(args, "marks-lttng"), "lttng", args.times)
        ns = loop.run()
        loop.end()
        lttng("stop")
        lttng("destroy", "marks")
        daemon.stop()
    return ns, {}


def by_uftrace(args, _):
    out = os.path.join(args.work, "uftrace")
    shutil.rmtree(out, ignore_errors=True)
    with contextlib.ExitStack() as stack:
        loop = Loop(stack, path(args, "marks-uftrace"), "function", args.times,
                    ["uftrace", "record", "--no-pager", "-b", "32M", "-d", out])
        ns = loop.run()
        loop.end()
    return ns, {}


RECORDERS = [
    ("bare", "an empty program on the marker", by_bare, "log", []),
    ("ctrace-log", "ctrace-bpf, a log", by_ctrace, "log", []),
    ("ctrace-region", "ctrace-bpf, an end of a region", by_ctrace, "region", []),
    ("ctrace-task", "ctrace-bpf, an end of a task", by_ctrace, "task", []),
    ("ctrace-none", "a log, --stacks=none", lambda a, w: by_ctrace(a, w, ["--stacks=none"]), "log", []),
    ("ctrace-alone", "a log, --stacks=none --syscalls=none",
     lambda a, w: by_ctrace(a, w, ["--stacks=none", "--syscalls=none"]), "log", []),
    ("perf", "perf record of the same marker", by_perf, "log", ["perf"]),
    ("lttng", "lttng-ust, an event with a string", by_lttng, "lttng", ["lttng", "lttng-sessiond"]),
    ("uftrace", "uftrace, a call of a function", by_uftrace, "function", ["uftrace"]),
]


def main():
    p = argparse.ArgumentParser(prog="run.sh --marks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ctrace", default=os.path.join(bench.BUILD, "ctrace-bpf"))
    p.add_argument("--only", default=",".join(r[0] for r in RECORDERS), help="comma list of who records; empty: idle alone")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--times", type=int, default=1000000, help="how often an annotation is recorded")
    p.add_argument("--idle-times", type=int, default=100000000)
    p.add_argument("--json", default=os.path.join(bench.BUILD, "bench", "marks.json"))
    p.add_argument("--programs", default=os.path.join(bench.BUILD, "bench"), help=argparse.SUPPRESS)
    p.add_argument("--work", required=True, help=argparse.SUPPRESS)
    args = p.parse_args()
    usual_signals()
    lacking = {}
    results = []
    for i in range(args.rounds):
        for what in SITES:
            results.append(dict(round=i, who="idle", what=what, ns=idle(args, what)))
        for who, _, fn, what, needs in RECORDERS if i % 2 == 0 else RECORDERS[::-1]:
            if who not in args.only.split(","):
                continue
            if [n for n in needs if not shutil.which(n)] or (who == "lttng" and not os.path.exists(path(args, "marks-lttng"))):
                lacking[who] = "not installed"
                continue
            try:
                ns, more = fn(args, what)
            except (Failed, subprocess.CalledProcessError, OSError) as e:
                lacking[who] = str(e)
                continue
            results.append(dict(round=i, who=who, what=what, ns=ns, more=more))
    print("\n### idle: ns a site more than without it, medians of %d rounds\n" % args.rounds)
    bench.print_table(["annotation", "ns", "range"], [[w, *summary([r["ns"] for r in results if r["who"] == "idle" and r["what"] == w], 2)]
                                                     for w in SITES])
    print("\n### recorded: ns each, medians of %d rounds of %d\n" % (args.rounds, args.times))
    rows = []
    for who, words, *_ in RECORDERS:
        mine = [r for r in results if r["who"] == who]
        if not mine:
            continue
        bare = {r["round"]: r["ns"] for r in results if r["who"] == "bare"}
        quotients = [r["ns"] / bare[r["round"]] for r in mine if r["round"] in bare]
        lost = [r["more"]["summary"]["lost"] for r in mine if "summary" in r["more"]]
        rows.append([words, *summary([r["ns"] for r in mine], 0), bench.fmt(bench.median(quotients), 2), str(max(lost)) if lost else ""])
    bench.print_table(["", "ns", "range", "× bare", "lost"], rows)
    for who, why in lacking.items():
        print("%s: %s" % (who, why))
    with open(args.json, "w") as f:
        json.dump(dict(load=os.getloadavg(), results=results, lacking=lacking), f, indent=1)
    return 0


def summary(values, digits):
    return bench.fmt(bench.median(values), digits), "%s–%s" % (bench.fmt(min(values), digits), bench.fmt(max(values), digits))


if __name__ == "__main__":
    run(main)
