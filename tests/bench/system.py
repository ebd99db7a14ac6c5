#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The whole system recorded under load, for system.sh. For each load: one recording with default sizes while
/proc is read beside it, then the judge. All recordings are made first, because judging takes both CPUs.

A load passes when nothing was lost, the judge takes the trace, every thread that a reading of /proc found has
the name that it had there, the memory beside the rings stays bounded, and each CPU is idle in the trace for
as long as /proc/stat says, within 1 % of the wall time.

Where pid 1 is an agent of the hypervisor the kernel may run no BPF program in the context of its threads. A switch
from one of them is seen by nobody then, so it seems to run until the next switch of that CPU. How much that is in all is
known, because the kernel's own account of these threads is read as well; how much of it is idle time is not. So the idle
time lies between what the trace says and that much more."""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import statistics as st
import subprocess
import sys
import threading
import time

import bench
from common import MB, Failed, Tracer, leave_no_child, read_text, rss_buffers, rss_now, tail, usual_signals, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "../..")
BUILD = os.environ.get("O", os.path.join(TOP, "build"))
TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")
STAND_INS = 900_000_000_000  # from here on goroutines are no threads
IDLE_MAX = 0.01  # of the wall time


# ---- loads ----

def group(stack, argv, **more):
    """A process with all that it makes, which ends with the stack."""
    proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True, **more)

    def end():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proc.pid, signal.SIGKILL)
        proc.wait()

    stack.callback(end)
    return proc


PIPES = """while :; do
    seq 500 | sort -rn | head -n 20 | tr 0-9 a-j | wc -c
    for f in /etc/[a-h]*; do test -r "$f" && basename "$f"; done | sort | uniq -c
    /bin/true; /bin/false || /bin/true
done"""


def build_in_a_loop(stack, args):
    """A copy of this project, built again and again."""
    copy = os.path.join(args.work, "src")
    shutil.copytree(TOP, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", "build", "build-*", "*.trace"))
    group(stack, ["sh", "-c", "while make -j4 O=out all progs; do rm -rf out; done"], cwd=copy)
    wait_for(lambda: os.path.exists(os.path.join(copy, "out/gen/vmlinux.h")), "the build", 60)


def mixed(stack, args):
    build_in_a_loop(stack, args)
    group(stack, ["sh", "-c", PIPES])
    bench.start_redis(stack, args)
    group(stack, ["redis-benchmark", "-p", str(args.redis_port), "-l", "-c", "8", "-t", "set,get", "-q"])
    bench.start_postgres(stack, args)
    group(stack, ["pgbench", "-h", os.path.join(args.work, "pg"), "-U", "postgres", "-n", "-c", "4", "-j", "2",
                  "-T", "100000", "postgres"])


def threads(stack, args):
    """2,000 threads that live, and are ended and made anew."""
    before = thread_cnt()
    group(stack, ["stress-ng", "--pthread", "2", "--pthread-max", "1000", "--temp-path", args.work])
    wait_for(lambda: thread_cnt() - before > 1000, "stress-ng", 60)


def light(stack, args):
    """CPUs that are idle for most of the time."""
    group(stack, ["sh", "-c", "while :; do sleep 0.02; seq 50 | sort | wc -l; done"])


LOADS = {"mixed": mixed, "threads": threads, "light": light}


def thread_cnt():
    return int(read_text("/proc/loadavg").split()[3].split("/")[1])


# ---- what /proc says ----

def cpu_times():
    """[{idle, steal}] of each CPU that is there, in ns."""
    out = {}
    for m in re.finditer(r"^cpu(\d+) (.*)$", read_text("/proc/stat"), re.M):
        v = [int(x) * TICK_NS for x in m.group(2).split()]
        out[int(m.group(1))] = dict(idle=v[3] + v[4], steal=v[7])
    return out


def first_process_ns():
    """CPU time of the threads of pid 1."""
    return sum(int((read_text("/proc/1/task/%s/schedstat" % t) or "0").split()[0]) for t in os.listdir("/proc/1/task"))


def is_hidden():
    """Is pid 1 no init, but an agent that BPF programs do not see?"""
    return not re.search(r"init|systemd", read_text("/proc/1/comm"))


def reading():
    return dict(ns=time.time_ns(), cpus=cpu_times(), first=first_process_ns())


def families():
    """{pid: pid of its parent}"""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        stat = read_text("/proc/%s/stat" % pid)
        if stat:
            out[int(pid)] = int(stat[stat.rindex(")") + 2:].split()[1])
    return out


def descends(pid, of, parent):
    while pid and pid != of:
        pid = parent.get(pid, 0)
    return pid == of


def living(but):
    """{(tid, start): (process, thread)} of all threads but the kernel's, and those of `but` with its children."""
    out, parent = {}, families()
    for pid in parent:
        if descends(pid, but, parent):
            continue
        with contextlib.suppress(OSError):
            for tid in os.listdir("/proc/%s/task" % pid):
                stat = read_text("/proc/%s/task/%s/stat" % (pid, tid))
                if not stat or int(stat[stat.rindex(")") + 2:].split()[6]) & 0x200000:
                    continue
                start = stat[stat.rindex(")") + 2:].split()[19]
                comm = stat[stat.index("(") + 1:stat.rindex(")")]
                leader = read_text("/proc/%s/comm" % pid).rstrip("\n")
                if leader:
                    out[int(tid), start] = (leader, comm)
    return out


class Census(threading.Thread):
    """Reads who lives, once in a while, but for the recorder. A thread counts when two readings in a row give it the same names: it may be at an
    exec, or at a new name, in one alone."""

    def __init__(self, recorder, every):
        super().__init__(daemon=True)
        self.recorder, self.every, self.over, self.known = recorder, every, threading.Event(), {}

    def run(self):
        last = {}
        while not self.over.is_set():
            now = living(self.recorder)
            for who, names in now.items():
                if last.get(who) == names:
                    self.known.setdefault(who, set()).add(names)
            last = now
            self.over.wait(self.every)

    def stop(self):
        self.over.set()
        self.join()
        return self.known


# ---- one recording ----

def record(args, name):
    trace, log, out = (os.path.join(args.work, name + e) for e in (".trace", ".log", ".json"))
    samples = []
    with contextlib.ExitStack() as stack:
        LOADS[name](stack, args)
        t = Tracer([args.ctrace, "-a", "-v", "--json", "-o", trace], log, out)
        stack.callback(t.kill)
        t.wait_recording()
        census = Census(t.pid, args.census)
        begin = time.monotonic()
        first = reading()
        census.start()
        while (at := time.monotonic() - begin) < args.seconds:
            if not t.alive():
                raise Failed("ended after %d s: %s" % (at, tail(log)))
            samples.append((round(at, 2), rss_now(t.pid), rss_buffers(t.pid), thread_cnt()))
            time.sleep(max(0, begin + len(samples) - time.monotonic()))
        known = census.stop()
        hidden = {int(t): read_text("/proc/1/task/%s/comm" % t).rstrip("\n")
                  for t in (os.listdir("/proc/1/task") if is_hidden() else ())}
        last = reading()
        res = t.stop()
    if res["exit"]:
        raise Failed("exit %d: %s" % (res["exit"], tail(log)))
    news = re.search(r"came too fast, and all was read again: (\d+) times", read_text(log))
    own = [rss - rings for _, rss, rings, _ in samples]
    n = len(own)
    res.update(load=name, trace=trace, first=first, last=last, known=known, samples=samples,
               hidden=hidden, hidden_names=sorted(set(hidden.values())), summary=json.loads(read_text(out)),
               news_lost=int(news.group(1)) if news else 0, early=max(own[n // 4:n // 2] or own),
               late=max(own[n * 3 // 4:]), threads_max=max(s[3] for s in samples))
    return res


# ---- judging ----

def judge(args, *argv):
    p = subprocess.run([args.judge, *argv], capture_output=True, text=True)
    if p.returncode:
        raise Failed((p.stdout + p.stderr).strip()[:400])
    return p.stdout


def fits(name, names):
    """Is that how the trace calls a thread whose process and own names were these?"""
    return any(name in (thread, process, process + "/" + thread) for process, thread in names)


def wrongly_named(args, r):
    """What the trace calls otherwise, or does not have. A tid that came back has several goroutines."""
    called = {}
    for g in json.loads(judge(args, "times", r["trace"]))["goroutines"]:
        if g["id"] < STAND_INS:
            called.setdefault(g["id"] % 10_000_000, set()).add(g["name"])
    bad = []
    for (tid, _), names in sorted(r["known"].items()):
        if tid not in r["hidden"] and not any(fits(n, names) for n in called.get(tid, ())):
            bad.append("thread %d is %s, in the trace %s" % (tid, sorted(names), sorted(called.get(tid, ()))))
    return bad, called


def idle_rows(args, r):
    """For each CPU what /proc/stat and the trace say of its idle time. hidden: how much of what threads of pid 1 seem to run there
    they do not. off: how far /proc/stat is from what the trace allows, as a part of the wall time."""
    a, b = r["first"], r["last"]
    rows = json.loads(judge(args, "cpus", "-from", str(a["ns"]), "-to", str(b["ns"]), r["trace"]))["rows"]
    wall, out = b["ns"] - a["ns"], []
    seem = {row["id"]: sum(ns for who, ns in row["by_name"].items() if who in r["hidden_names"]) for row in rows}
    too_much = max(0, sum(seem.values()) - (b["first"] - a["first"]))
    for row in rows:
        cpu = row["id"]
        kernel = b["cpus"][cpu]["idle"] - a["cpus"][cpu]["idle"]
        steal = b["cpus"][cpu]["steal"] - a["cpus"][cpu]["steal"]
        hidden = too_much * seem[cpu] // (sum(seem.values()) or 1)
        diff = kernel - row["idle_ns"]
        out.append(dict(cpu=cpu, wall=wall, kernel=kernel, steal=steal, trace=row["idle_ns"], hidden=hidden,
                        off=(diff - min(max(diff, 0), hidden)) / wall, by_name=row["by_name"]))
    return out


def tell(args, r):
    """Prints what one recording was, and returns what is wrong with it."""
    s, bad = r["summary"], []
    print("%s: %.1f s, %d events (%.0f/s), %d threads recorded, up to %d alive" %
          (r["load"], s["seconds"], s["events"], s["events"] / s["seconds"], s["threads"], r["threads_max"]))
    print("  lost %d, late %d; %.1f MB, %.1f bytes an event; recorder %.1f s of CPU (%.1f %% of one), stopped in %.2f s" %
          (s["lost"], s["late"], s["bytes"] / MB, s["bytes"] / s["events"], r["user_s"] + r["sys_s"],
           100 * (r["user_s"] + r["sys_s"]) / s["seconds"], s["stop_seconds"]))
    print("  memory less rings: at most %.1f MB in the second quarter, %.1f MB in the last; rings %.1f MB" %
          (r["early"] / MB, r["late"] / MB, s["buffer_bytes"] / MB))
    walks = s["stacks"]["walks"]
    all_walks = sum(walks.values()) or 1
    print("  stacks: %d walked, %.2f %% complete; %s" % (all_walks, 100 * walks.get("complete", 0) / all_walks,
          ", ".join("%s %d" % (k, v) for k, v in sorted(walks.items(), key=lambda i: -i[1]) if k != "complete") or "none else"))
    print("  news of mappings that came too fast: %s times" % (r["news_lost"] or "no"))
    print("  repairs: %s" % (", ".join("%s %d" % i for i in s["repairs"].items()) or "none"))
    if s["lost"]:
        bad.append("%d records were lost: %s" % (s["lost"], s["lost_by_kind"]))
    if r["late"] > 1.25 * r["early"] + 16 * MB:
        bad.append("memory grows: %.1f MB, then %.1f MB" % (r["early"] / MB, r["late"] / MB))
    print("  " + judge(args, "check", r["trace"]).strip().split(": ", 1)[1])
    wrong, called = wrongly_named(args, r)
    groups = {n for names in called.values() for n in names}
    print("  names: %d threads compared with /proc, %d otherwise; %d groups" % (len(r["known"]), len(wrong), len(groups)))
    bad += wrong
    r["rows"] = idle_rows(args, r)
    for row in r["rows"]:
        print("  CPU %d: idle %.3f s by /proc/stat (steal %.3f s), %.3f s by the trace%s: %.2f %% of %.1f s" %
              (row["cpu"], row["kernel"] / 1e9, row["steal"] / 1e9, row["trace"] / 1e9,
               " (%.3f s more behind pid 1)" % (row["hidden"] / 1e9) if r["hidden"] else "", 100 * row["off"], row["wall"] / 1e9))
        if abs(row["off"]) > IDLE_MAX:
            bad.append("CPU %d: the idle time differs by %.2f %% of the wall time" % (row["cpu"], 100 * row["off"]))
    sys.stdout.flush()
    return bad


# ---- what --irq costs ----

def irq_pairs(args):
    """The time of one piece of work under -a, with interrupts told of and without, in pairs whose order turns round."""
    redis = next(w for w in bench.workloads(args) if w.name == "redis")
    ratios, cpu = [], []
    with contextlib.ExitStack() as stack:
        redis.server = bench.start_redis(stack, args)
        redis.run()
        for i in range(args.irq_pairs):
            took = {}
            for irq in ("0", "1ms") if i % 2 else ("1ms", "0"):
                t = Tracer([args.ctrace, "-a", "--irq", irq, "-v", "-o", os.path.join(args.work, "irq.trace")],
                           os.path.join(args.work, "irq.log"))
                try:
                    t.wait_recording()
                    took[irq] = redis.run()
                    t.stop()
                finally:
                    t.kill()
            ratios.append(took["1ms"][0] / took["0"][0])
            cpu.append(took["1ms"][1] / took["0"][1])
    return dict(time=ratios, cpu=cpu)


def main():
    p = argparse.ArgumentParser(prog="system.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=float, default=60, help="length of each recording (60)")
    p.add_argument("--loads", default=",".join(LOADS), help="which of %s (all)" % ", ".join(LOADS))
    p.add_argument("--census", type=float, default=1, help="seconds between two readings of all threads (1)")
    p.add_argument("--irq-pairs", type=int, default=5, help="pairs with and without --irq (5); 0: none")
    p.add_argument("--keep", help="a directory that the traces are moved to")
    p.add_argument("--redis-port", type=int, default=16379, help="where our redis listens (16379)")
    p.add_argument("--ctrace", default=os.path.join(BUILD, "ctrace-bpf"), help="the program")
    p.add_argument("--judge", default=os.path.join(BUILD, "judge"), help=argparse.SUPPRESS)
    p.add_argument("--json", default=os.path.join(BUILD, "bench", "system.json"), help="where all figures go")
    p.add_argument("--work", default="/tmp", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.ctrace, args.work = os.path.abspath(args.ctrace), os.path.abspath(args.work)
    names = [n for n in args.loads.split(",") if n]
    if unknown := [n for n in names if n not in LOADS]:
        p.error("no such load: " + ", ".join(unknown))
    if not os.access(args.ctrace, os.X_OK):
        print("system: %s is missing: run make" % args.ctrace, file=sys.stderr)
        return 3
    usual_signals()
    bad, done, out = [], [], {}
    try:
        for name in names:
            print("recording: %s" % name, file=sys.stderr)
            done.append(record(args, name))
        if args.irq_pairs:
            r = out["irq"] = irq_pairs(args)
            print("--irq 1ms beside --irq 0, redis under load, %d pairs: time %.3f × (%.3f to %.3f), its CPU time %.3f × (%.3f to %.3f)" %
                  (args.irq_pairs, st.median(r["time"]), min(r["time"]), max(r["time"]), st.median(r["cpu"]), min(r["cpu"]),
                   max(r["cpu"])))
    except Failed as e:
        bad.append(str(e))
    for r in done:
        try:
            bad += ["%s: %s" % (r["load"], why) for why in tell(args, r)]
        except Failed as e:
            bad.append("%s: %s" % (r["load"], e))
        if args.keep:
            shutil.move(r["trace"], os.path.join(args.keep, r["load"] + ".trace"))
        else:
            os.unlink(r["trace"])
        del r["known"]
        out[r["load"]] = r
    for why in bad[:20]:
        print("system: %s" % why, file=sys.stderr)
    os.makedirs(os.path.dirname(args.json), exist_ok=True)
    with open(args.json, "w") as f:
        json.dump(out, f, indent=1)
    print("all figures: %s" % args.json)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
