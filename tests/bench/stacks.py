#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a user stack costs in the BPF programs: called by `run.sh --stacks`, as root.

The kernel counts how often each program runs and for how long (kernel.bpf_stats_enabled, which adds some 20 ns to each
run). A recording without stacks tells what a run of each program costs without them; what the same number
of runs takes more with them is divided by the stacks and by the frames that the summary of the recording tells.
Under a load of ours: pgbench, or any command.
"""

import argparse
import contextlib
import glob
import json
import os
import re
import subprocess

import bench
from common import Failed, Tracer, read_text, run, usual_signals

STATS = "/proc/sys/kernel/bpf_stats_enabled"
MODES = {"none": ["--stacks=none"], "block": ["--stacks=block"], "default": [], "all": ["--stacks=all"],
         "fp": ["--call-graph=fp"], "all-fp": ["--stacks=all", "--call-graph=fp"]}


@contextlib.contextmanager
def run_time_stats():
    with open(STATS) as f:
        before = f.read()
    with open(STATS, "w") as f:
        f.write("1")
    try:
        yield
    finally:
        with open(STATS, "w") as f:
            f.write(before)


def programs_of(pid):
    """{name: (runs, ns)} of the BPF programs that the process holds, by itself or through their links."""
    ids = set()
    for path in glob.glob("/proc/%d/fdinfo/*" % pid):
        ids.update(map(int, re.findall(r"^prog_id:\s*(\d+)", read_text(path), re.M)))
    out = subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, text=True).stdout
    return {p["name"]: (p.get("run_cnt", 0), p.get("run_time_ns", 0)) for p in json.loads(out or "[]") if p["id"] in ids}


def measure(args, work, mode):
    log, out = (os.path.join(args.work, mode + s) for s in (".log", ".json"))
    t = Tracer([args.ctrace, "-a", "-v", "--json", "-o", os.path.join(args.work, "go.trace")] + MODES[mode], log, out)
    try:
        t.wait_recording()
        before = programs_of(t.pid)
        seconds, _ = work.run()
        after = programs_of(t.pid)
        res = t.stop()
    finally:
        t.kill()
    if res["exit"]:
        raise Failed("%s: exit %d, see %s" % (mode, res["exit"], log))
    with open(out) as f:
        summary = json.load(f)
    if not after:
        raise Failed("the recorder holds no BPF program")
    runs = {n: (c - before.get(n, (0, 0))[0], ns - before.get(n, (0, 0))[1]) for n, (c, ns) in after.items()}
    return dict(mode=mode, seconds=seconds, runs=runs, summary=summary, user_s=res["user_s"], sys_s=res["sys_s"])


def cost(base, r):
    """(ns more than without stacks, stacks, frames)"""
    each = {n: ns / c for n, (c, ns) in base["runs"].items() if c}
    more = sum(ns - c * each.get(n, 0) for n, (c, ns) in r["runs"].items() if c)
    stacks = r["summary"].get("stacks", {})
    return more, sum(stacks.get("walks", {}).values()), stacks.get("walked_frames", 0)


def main():
    p = argparse.ArgumentParser(prog="run.sh --stacks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ctrace", default=os.path.join(bench.BUILD, "ctrace-bpf"))
    p.add_argument("--modes", default=",".join(MODES), help="comma list; none is always measured")
    p.add_argument("--times", type=int, default=3)
    p.add_argument("--json", default=os.path.join(bench.BUILD, "bench", "stacks.json"))
    p.add_argument("--work", required=True, help=argparse.SUPPRESS)
    args = p.parse_args()
    args.redis_port = 0
    usual_signals()
    modes = [m for m in dict.fromkeys(["none"] + args.modes.split(","))]
    results = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(run_time_stats())
        work = next(w for w in bench.workloads(args) if w.name == "pgbench")
        work.server = bench.start_postgres(stack, args)
        work.run()
        for i in range(args.times):
            for mode in modes:
                r = measure(args, work, mode)
                r["round"] = i
                results.append(r)
    rows = []
    for mode in modes:
        mine = [r for r in results if r["mode"] == mode]
        row = [mode, bench.fmt(bench.median(r["seconds"] for r in mine), 2)]
        ns = bench.median(sum(t for _, t in r["runs"].values()) / max(1, sum(c for c, _ in r["runs"].values())) for r in mine)
        each = [cost(next(b for b in results if b["mode"] == "none" and b["round"] == r["round"]), r) for r in mine]
        stacks, frames = (bench.median(e[k] for e in each) for k in (1, 2))
        row += [bench.fmt(ns, 0), bench.fmt(stacks, 0), bench.fmt(frames / stacks if stacks else None, 1),
                bench.fmt(bench.median(e[0] / e[1] if e[1] else None for e in each), 0),
                bench.fmt(bench.median(e[0] / e[2] if e[2] else None for e in each), 0),
                bench.fmt(bench.median(r["user_s"] + r["sys_s"] for r in mine), 2)]
        rows.append(row)
    print("\n### what a stack costs, pgbench -S, medians of %d runs; the statistics of the kernel cost some 20 ns a run\n" % args.times)
    bench.print_table(["mode", "s", "ns a program run", "stacks", "frames each", "ns a stack", "ns a frame", "recorder CPU s"], rows)
    with open(args.json, "w") as f:
        json.dump(dict(load=os.getloadavg(), results=results), f, indent=1)
    return 0


if __name__ == "__main__":
    run(main)
