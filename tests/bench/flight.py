#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Endurance of the flight recorder, for soak.sh --flight: a program makes events all the time, and now and then a region
that takes three times its 99th percentile, twice in a row. Each of these must give a sound snapshot that holds the region,
its trigger and the second before it, complete by the numbers that the program has given; the second of a pair, what
happened while the first one was written. Memory stays flat meanwhile, and nothing is lost."""

import argparse
import contextlib
import json
import os
import signal
import statistics as st
import subprocess
import sys
import time

from common import MB, Failed, Tracer, leave_no_child, read_text, rss_buffers, rss_now, tail, usual_signals, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("O", os.path.join(HERE, "../../build"))
SEC = 10**9
WARM_S = 60  # before that nothing is said of the memory


class Program:
    """tests/prog/outliers with its loaders."""

    def __init__(self, stack, args):
        argv = [BUILD + "/prog/outliers", str(args.loaders), str(args.rate)]
        self.proc = leave_no_child(stack, subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True),
                                   signal.SIGKILL)
        self.pid = int(self.proc.stdout.readline().split()[1])

    def long(self, us):
        """A long query. Gives the number of the last tick of each loader before its end."""
        print("long %d" % us, file=self.proc.stdin, flush=True)
        words = self.proc.stdout.readline().split()
        if words[:1] != ["ticks"] or self.proc.stdout.readline().split() != ["did", "long", str(us)]:
            raise Failed("outliers made no long query")
        return {int(loader): int(number) for loader, number in (w.split(":") for w in words[1:])}


def marks(args, path):
    p = subprocess.run([args.judge, "marks", path], capture_output=True, text=True)
    if p.returncode:
        raise Failed("judge: " + p.stderr.strip())
    return json.loads(p.stdout)


def snapshots(log):
    """Those that are written: their file and reason."""
    out = []
    for line in read_text(log).splitlines():
        if ", snapshot: " in line:
            head, reason = line.split(", snapshot: ", 1)
            out.append((head.split(": ")[1], reason))
    return out


def learn(args, prog):
    """The 99th percentile of a query, ns, from two seconds of it."""
    log, out = os.path.join(args.work, "log"), os.path.join(args.work, "json")
    t = Tracer([args.ctrace, "-v", "--json", "-p", str(prog.pid), "-d", "2", "-o", os.path.join(args.work, "learn.trace")], log, out)
    t.wait_recording()
    res = t.stop(send=False)
    if res["exit"]:
        raise Failed("exit %d: %s" % (res["exit"], tail(log)))
    took = sorted(r["end"] - r["begin"] for r in marks(args, os.path.join(args.work, "learn.trace"))["regions"]
                  if r["type"] == "query" and r["begin"] >= 0 and r["end"] >= 0)
    if len(took) < 100:
        raise Failed("only %d queries in two seconds" % len(took))
    return took[len(took) * 99 // 100]


def faults(args, path, at_least, last, before):
    """What is wrong with a snapshot whose region took at_least ns, with the ticks before its end and before an earlier one
    that must be in it (None: no such); and how long back it is complete before its trigger."""
    p = subprocess.run([args.judge, "check", "-q", path], capture_output=True, text=True)
    if p.returncode:
        return ["not sound: " + (p.stdout + p.stderr).strip()], 0
    m, bad = marks(args, path), []
    hits = [log for log in m["logs"] if log["category"] == "trigger" and " on outliers " in log["message"]]
    if not hits:
        return ["no log of the trigger"], 0
    if not any(r["type"] == "query" and r["begin"] >= 0 and r["end"] - r["begin"] >= at_least and
               m["goroutines"][str(r["goroutine"])] == "outliers" for r in m["regions"]):
        bad.append("no region of %d us" % (at_least // 1000))
    back = []
    for loader in range(args.loaders):
        ticks = [(log["time"], int(log["message"].split(":")[1])) for log in m["logs"]
                 if log["category"] == "tick" and log["message"].startswith("%d:" % loader)]
        if not ticks:
            bad.append("no tick of loader %d" % loader)
            continue
        gaps = [b[1] for a, b in zip(ticks, ticks[1:]) if b[1] != a[1] + 1]
        if gaps:
            bad.append("loader %d: ticks are missing before %s" % (loader, gaps[:5]))
        if ticks[-1][1] < last[loader]:
            bad.append("loader %d: its last tick is %d, and there were %d" % (loader, ticks[-1][1], last[loader]))
        if before and ticks[0][1] > before[loader]:
            bad.append("loader %d: its first tick is %d, and the pair began at %d" % (loader, ticks[0][1], before[loader]))
        back.append(hits[-1]["time"] - ticks[0][0])
    if back and min(back) < SEC:
        bad.append("only %.2f s before the trigger" % (min(back) / SEC))
    return bad, min(back, default=0)


def unsound(args, log):
    """What is wrong with the snapshots that are there, also with those that nobody has asked for."""
    bad = []
    for path, why in snapshots(log):
        if os.path.exists(path):
            p = subprocess.run([args.judge, "check", "-q", path], capture_output=True, text=True)
            if p.returncode:
                bad.append("%s (%s) is not sound: %s" % (os.path.basename(path), why, (p.stdout + p.stderr).strip()))
    return bad


class Trigger:
    """One long query, and the snapshot that it gives."""

    def __init__(self, t, prog, us, before=None):
        asked, seen = time.monotonic(), len(snapshots(t.log))
        self.us, self.before, self.ticks = us, before, prog.long(us)
        # another query may have been slow right before, and its snapshot be on its way
        wait_for(lambda: any(" on outliers " in why for _, why in snapshots(t.log)[seen:]) or
                 len(snapshots(t.log)) > seen + 1, "snapshot", 20, t.proc, t.log)
        self.wait = time.monotonic() - asked
        self.paths = [path for path, _ in snapshots(t.log)[seen:]]

    def look(self, args):
        found = [faults(args, path, self.us * 1000, self.ticks, self.before) for path in self.paths]
        self.bad, self.back = min(found, key=lambda f: len(f[0]))


def run(args):
    log, out, base = (os.path.join(args.work, n) for n in ("log", "json", "go.trace"))
    samples = []
    with contextlib.ExitStack() as stack:
        prog = Program(stack, args)
        p99 = learn(args, prog)
        us = -(-3 * p99 // 1000)
        t = Tracer([args.ctrace, "-v", "--json", "-p", str(prog.pid), "--flight-recorder=%s" % args.window, "--keep=40",
                    "--trigger", "region:query>%dus" % (us - 1), "-o", base], log, out)
        stack.callback(t.kill)
        t.wait_recording()
        begin, done = time.monotonic(), []
        while (at := time.monotonic() - begin) < args.seconds:
            if not t.alive():
                raise Failed("ended after %d s: %s" % (at, tail(log)))
            samples.append((round(at, 2), rss_now(t.pid), rss_buffers(t.pid)))
            if len(done) < args.triggers and at >= (len(done) + 2) * args.seconds / (args.triggers + 2):
                done.append(Trigger(t, prog, us))
                done.append(Trigger(t, prog, us, done[-1].ticks))
                for d in done[-2:]:  # which takes seconds
                    d.look(args)
            time.sleep(max(0, begin + len(samples) * args.every - time.monotonic()))
        res = t.stop()
    if res["exit"]:
        raise Failed("exit %d: %s" % (res["exit"], tail(log)))
    own = [rss - rings for _, rss, rings in samples]
    n = len(own)
    early, late = st.median(own[n // 8:n // 4 + 1]), max(own[n * 3 // 4:])
    s = json.loads(read_text(out))
    return dict(p99=p99, us=us, samples=samples, early=early, late=late,
                flat=late - early <= 2 * MB + 0.05 * early if args.seconds >= WARM_S else None,
                bad=["trigger %d: %s" % (i + 1, why) for i, d in enumerate(done) for why in d.bad] + unsound(args, log),
                waits=[d.wait for d in done], backs=[d.back for d in done], done=len(done), summary=s,
                rate=s["events"] / s["seconds"])


def main():
    p = argparse.ArgumentParser(prog="soak.sh --flight", description=__doc__)
    p.add_argument("--seconds", type=float, default=600, help="length of the recording (600)")
    p.add_argument("--every", type=float, default=0.5, help="seconds between two readings of the memory (0.5)")
    p.add_argument("--triggers", type=int, default=20, help="regions that take too long, an even number (20)")
    p.add_argument("--loaders", type=int, default=2, help="threads that make events (2)")
    p.add_argument("--rate", type=int, default=120000, help="events per second of them together (120000)")
    p.add_argument("--window", default="6s,64M", help="what the flight recorder keeps (6s,64M)")
    p.add_argument("--ctrace", default=os.path.join(BUILD, "ctrace-bpf"), help="the program")
    p.add_argument("--judge", default=os.path.join(BUILD, "judge"), help="the judge of traces")
    p.add_argument("--json", default=os.path.join(BUILD, "bench", "flight.json"), help="where all figures go")
    p.add_argument("--work", default="/tmp", help=argparse.SUPPRESS)
    args = p.parse_args()
    for path in (args.ctrace, args.judge, BUILD + "/prog/outliers"):
        if not os.access(path, os.X_OK):
            print("flight: %s is missing: run make all progs check" % path, file=sys.stderr)
            return 3
    usual_signals()
    try:
        r = run(args)
    except Failed as e:
        print("flight: %s" % e, file=sys.stderr)
        return 1
    s = r["summary"]
    ok = r["flat"] is not False and not r["bad"] and not s["lost"] and r["done"] == args.triggers
    ok = ok and r["rate"] >= 100000 * (args.rate >= 100000)
    print("%d s of flight recorder: %.0f events/s, %d lost; query p99 %.0f us, longer ones of %d us: %d asked for, %d snapshots" %
          (s["seconds"], r["rate"], s["lost"], r["p99"] / 1e3, r["us"], r["done"], s["snapshots_written"]))
    print("each was written within %.2f s, and is complete for %.2f s or more before its trigger" %
          (max(r["waits"], default=0), min(r["backs"], default=0) / SEC))
    words = {True: "flat", False: "NOT FLAT", None: "too short to say"}
    print("RSS less rings: %.2f MB early, at most %.2f MB late: %s; kept in memory: %.2f MB at most" %
          (r["early"] / MB, r["late"] / MB, words[r["flat"]], s["kept_peak_bytes"] / MB))
    for line in r["bad"][:20]:
        print("  " + line)
    with open(args.json, "w") as f:
        json.dump(r, f, indent=1)
    print("all figures: %s" % args.json)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
