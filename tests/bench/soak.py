#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Endurance of ctrace-bpf, for soak.sh: a long recording whose memory must stay flat, then many short ones, every third
killed, that must leave nothing in the kernel."""

import argparse
import contextlib
import glob
import json
import os
import re
import signal
import statistics as st
import subprocess
import sys
import time

from common import MB, Failed, Tracer, leave_no_child, read_text, rss_buffers, rss_now, tail, usual_signals, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("O", os.path.join(HERE, "../../build"))


def held_elsewhere(kind):
    """Ids of the objects that some living process has open."""
    ids = set()
    for path in glob.glob("/proc/[0-9]*/fdinfo/*"):
        m = re.search(r"^%s_id:\s*(\d+)" % kind, read_text(path), re.M)
        if m:
            ids.add(int(m.group(1)))
    return ids


def objects():
    """{(kind, id): name} of all BPF programs, maps and links of the machine."""
    out = {}
    for kind in ("prog", "map", "link"):
        p = subprocess.run(["bpftool", "-j", kind, "list"], capture_output=True, text=True)
        if p.returncode:
            raise Failed("bpftool: " + p.stderr.strip())
        for o in json.loads(p.stdout or "[]"):
            out[kind, o["id"]] = o.get("name") or o.get("tp_name") or "?"
            if kind == "prog":
                for m in o.get("map_ids", []):
                    out.setdefault(("used map", m), o["id"])
    return out


def left_behind(before):
    """What is new since `before` and held by nobody but perhaps a program that somebody holds."""
    now = objects()
    held = {k: held_elsewhere(k) for k in ("prog", "map", "link")}
    # a program can live on its link alone, a map on its program alone
    held["map"] |= {i for (k, i), prog in now.items() if k == "used map" and prog in held["prog"]}
    return ["%s %d %s" % (k, i, name) for (k, i), name in now.items()
            if k in held and (k, i) not in before and i not in held[k]]


def soak(args):
    """The long recording."""
    trace, log, out = (os.path.join(args.work, n) for n in ("go.trace", "log", "json"))
    samples = []
    with contextlib.ExitStack() as stack:
        leave_no_child(stack, subprocess.Popen([BUILD + "/bench/work", "load", str(args.rate)]), signal.SIGKILL)
        if args.names:
            leave_no_child(stack, subprocess.Popen([BUILD + "/bench/work", "names", str(args.names)]), signal.SIGKILL)
        t = Tracer([args.ctrace, "-a", "-v", "--json", "-o", trace], log, out)
        stack.callback(t.kill)
        t.wait_recording()
        begin = time.monotonic()
        while (at := time.monotonic() - begin) < args.seconds:
            if not t.alive():
                raise Failed("ended after %d s: %s" % (at, tail(log)))
            samples.append((round(at, 2), rss_now(t.pid), rss_buffers(t.pid)))
            if sys.stderr.isatty():
                print("\rsoak: %4d s, RSS %.1f MB" % (at, samples[-1][1] / MB), end="", file=sys.stderr)
            time.sleep(max(0, begin + len(samples) * args.every - time.monotonic()))
        res = t.stop()
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if res["exit"]:
        raise Failed("exit %d: %s" % (res["exit"], tail(log)))
    own = [rss - rings for _, rss, rings in samples]  # the rings are touched bit by bit, and of fixed size
    n = len(own)
    # flat: the highest of the last quarter against the second eighth, the first being warm-up; 2 MB and 2 % are allowed
    early, late = st.median(own[n // 8:n // 4 + 1]), max(own[n * 3 // 4:])
    res.update(seconds=args.seconds, samples=samples, early=early, late=late, flat=late - early <= 2 * MB + 0.02 * early,
               summary=json.loads(read_text(out)), bytes=os.path.getsize(trace))
    x, y = st.mean(s[0] for s in samples), st.mean(own)
    spread = sum((s[0] - x) ** 2 for s in samples)
    res["kb_per_min"] = sum((s[0] - x) * (v - y) for s, v in zip(samples, own)) / spread * 60 / 1024 if spread else 0.0
    return res


def start_stop(args):
    """The many short ones."""
    before = set(objects())
    log, out, trace = (os.path.join(args.work, n) for n in ("log", "json", "short.trace"))
    stops, bad = [], []
    for i in range(args.times):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(trace)
        t = Tracer([args.ctrace, "-a", "-v", "--json", "-o", trace], log, out)
        try:
            t.wait_recording()
            if i % 3 == 2:
                t.kill()
                continue
            r = t.stop()
            stops.append(r["stop_s"])
            if r["exit"] or not os.path.exists(trace) or not os.path.getsize(trace):
                bad.append("run %d: exit %d, no file: %s" % (i, r["exit"], tail(log)))
        except Failed as e:
            bad.append("run %d: %s" % (i, e))
        finally:
            t.kill()
    left = []

    def clean():  # the kernel frees programs and maps some grace periods later
        left[:] = left_behind(before)
        return not left

    with contextlib.suppress(Failed):
        wait_for(clean, "kernel", 15)
    return dict(times=args.times, stop_median=st.median(stops) if stops else None, stop_max=max(stops, default=None),
                failed=bad, left=left)


def main():
    p = argparse.ArgumentParser(prog="soak.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=float, default=600, help="length of the long recording (600); 0: none")
    p.add_argument("--every", type=float, default=1, help="seconds between two readings (1)")
    p.add_argument("--rate", type=int, default=50000, help="events per second of the load (50000)")
    p.add_argument("--names", type=int, default=300, help="threads per second with a name of their own (300); 0: none")
    p.add_argument("--times", type=int, default=100, help="how many short recordings (100)")
    p.add_argument("--ctrace", default=os.path.join(BUILD, "ctrace-bpf"), help="the program")
    p.add_argument("--json", default=os.path.join(BUILD, "bench", "soak.json"), help="where all figures go")
    p.add_argument("--work", default="/tmp", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.ctrace = os.path.abspath(args.ctrace)
    if not os.access(args.ctrace, os.X_OK):
        print("soak: %s is missing: run make" % args.ctrace, file=sys.stderr)
        return 3
    usual_signals()
    ok, out = True, {}
    try:
        if args.times:
            r = out["start_stop"] = start_stop(args)
            ok &= not r["failed"] and not r["left"]
            print("%d starts and stops: %d failed, %d BPF objects left behind, stop %s s (longest %s)" %
                  (r["times"], len(r["failed"]), len(r["left"]), *("%.3f" % v if v is not None else "?" for v in
                                                                  (r["stop_median"], r["stop_max"]))), flush=True)
            for line in r["failed"][:5] + r["left"][:20]:
                print("  " + line)
        if args.seconds:
            r = out["soak"] = soak(args)
            ok &= r["flat"] and r["stop_s"] <= 0.2
            s = r["summary"]
            print("%d s of recording: %d events, %d lost, %.1f MB; CPU %.1f s (%.2f %% of one)" %
                  (r["seconds"], s["events"], s["lost"], r["bytes"] / MB, r["user_s"] + r["sys_s"],
                   100 * (r["user_s"] + r["sys_s"]) / r["seconds"]))
            print("RSS less rings: %.2f MB early, at most %.2f MB late, trend %+.1f KB/min, peak %.1f MB: %s" %
                  (r["early"] / MB, r["late"] / MB, r["kb_per_min"], (r["rss"] - r["rss_buffers"]) / MB,
                   "flat" if r["flat"] else "NOT FLAT"))
            print("stop to closed file: %.3f s" % r["stop_s"])
    except Failed as e:
        print("soak: %s" % e, file=sys.stderr)
        ok = False
    with open(args.json, "w") as f:
        json.dump(out, f, indent=1)
    print("all figures: %s" % args.json)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
