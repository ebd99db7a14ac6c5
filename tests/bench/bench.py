#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a tracer costs the traced, and what it costs itself. Called by run.sh, which builds what is needed.

Every traced run stands beside an untraced one made right before it; only the quotient of such a pair
counts. The pairs of all tracers are interleaved, the order turns round with every round, and the
whole runs at one nice level. Medians and ranges over the rounds are printed; `× floor` is the median
of the quotients with the floor's pair of the same round. Everything measured goes to the JSON file.

An event is one firing of a hook: a completed syscall is two. All tracers record sched_switch,
sched_wakeup, sched_wakeup_new and every syscall's entry and exit, of the whole system or (…-p) of
the workload's process; perf-dwarf has sched_switch alone. ctrace has user stacks as by default, which no peer but
perf-dwarf has; ctrace-nostacks and ctrace-p record what the others do, and their slowdown is what the budgets bound.
What one stack costs by itself is measured by stacks.py.
"""

import argparse
import contextlib
import glob
import json
import os
import platform
import pwd
import re
import resource
import shutil
import signal
import socket
import statistics as st
import subprocess
import sys
import time

from common import MB, Failed, Tracer, leave_no_child, proc_state, read_text, tail, usual_signals, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("O", os.path.join(HERE, "../../build"))
BENCH = os.environ.get("BENCH", os.path.join(BUILD, "bench"))  # run.sh has it elsewhere where build is not ours
TRACEFS = "/sys/kernel/tracing"
RING = 16 * MB  # per CPU, for everyone who lets himself be told; trace-cmd gets twice as much
EVENTS = ("sched:sched_switch", "sched:sched_wakeup", "sched:sched_wakeup_new", "raw_syscalls:sys_enter",
          "raw_syscalls:sys_exit")
PIN = ["taskset", "-c", "0"]
NEEDS = {"perf": ["perf"], "perf-dwarf": ["perf"], "trace-cmd": ["trace-cmd"], "bpftrace": ["bpftrace", "bpftool"]}


# ---- workloads ----

class Workload:
    """A command whose run takes a second or a few, and how it tells its time. `server` is measured with it."""

    def __init__(self, name, argv, seconds, tracers, what):
        self.name, self.argv, self.seconds, self.tracers, self.what = name, argv, seconds, tracers, what
        self.server = None

    def start_stopped(self):
        """The process that will become the workload, stopped, so that a tracer can be set on its pid."""
        proc = subprocess.Popen(["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh"] + self.argv,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for(lambda: proc_state(proc.pid) == "T", self.name)
        return proc

    def run(self, proc=None):
        """Seconds as the workload tells them, and CPU seconds of it with its server (None: not known)."""
        cpu = self._server_cpu()
        if proc:
            os.kill(proc.pid, signal.SIGCONT)
        else:
            proc = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            out = proc.stdout.read()
            _, status, ru = os.wait4(proc.pid, 0)
            proc.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if proc.returncode is None:
                proc.kill()
                proc.wait()
            proc.stdout.close()
        if proc.returncode:
            raise Failed("%s: exit %d: %s" % (self.name, proc.returncode, " ".join(out.split())[-200:]))
        seconds = self.seconds(out)
        if cpu is not None:
            cpu = self._server_cpu() - cpu + ru.ru_utime + ru.ru_stime
        return seconds, cpu

    def _server_cpu(self):
        if self.server is None:
            return 0.0
        if self.server == "unknown":
            return None
        return int(read_text("/proc/%d/schedstat" % self.server.pid).split()[0]) / 1e9


def find(pattern, out, last=False):
    hits = re.findall(pattern, out)
    if not hits:
        raise Failed("no time in what the workload printed: " + " ".join(out.split())[-200:])
    return float(hits[-1 if last else 0])


def workloads(args):
    perf_time = lambda out: find(r"Total time: ([\d.]+)", out)
    system = ["floor", "ctrace", "ctrace-nostacks", "ctrace-blocking", "perf", "trace-cmd", "bpftrace", "empty"]
    one = ["floor-p", "ctrace-p", "perf-p"]
    stacks = ["ctrace-allstacks", "ctrace-fp", "perf-dwarf"]
    return [
        Workload("getppid", PIN + [BENCH + "/work", "getppid", "2000000"],
                 lambda out: find(r"seconds ([\d.]+)", out), system + one, "2 M calls, pinned to CPU 0"),
        Workload("pipe", PIN + ["perf", "bench", "sched", "pipe", "-l", "200000"], perf_time, system,
                 "perf bench sched pipe -l 200000, pinned to CPU 0"),
        Workload("pipe-T", PIN + ["perf", "bench", "sched", "pipe", "-T", "-l", "200000"], perf_time, one,
                 "the same with threads of one process"),
        Workload("msg", ["perf", "bench", "sched", "messaging", "-g", "4", "-l", "400"], perf_time, system,
                 "perf bench sched messaging -g 4 -l 400, every CPU full"),
        Workload("redis", ["redis-benchmark", "-p", str(args.redis_port), "-n", "80000", "-c", "20", "-t", "get", "-q"],
                 lambda out: 80000 / find(r"([\d.]+) requests per second", out, last=True), system,
                 "redis-benchmark -n 80000 -c 20 -t get against a server of our own"),
        Workload("pgbench", ["pgbench", "-h", os.path.join(args.work, "pg"), "-U", "postgres", "-S", "-n", "-c", "4",
                             "-j", "2", "-t", "6000", "postgres"],
                 lambda out: 24000 / find(r"tps = ([\d.]+) \(without", out), system + stacks,
                 "pgbench -S -c 4 -t 6000 against a cluster of our own"),
        Workload("idle", ["sleep", "1"], lambda out: 1.0, system, "one idle second: what a tracer costs by itself"),
    ]


def start_redis(stack, args):
    for tool in ("redis-server", "redis-benchmark"):
        if not shutil.which(tool):
            raise Failed("%s is not installed: scripts/setup.sh bench" % tool)
    log = os.path.join(args.work, "redis.log")
    with open(log, "w") as f:
        proc = leave_no_child(stack, subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(args.redis_port), "--save", "", "--appendonly", "no",
             "--dir", args.work], stdout=f, stderr=f, stdin=subprocess.DEVNULL))

    def up():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", args.redis_port), 1) as s:
            s.sendall(b"PING\r\n")
            return s.recv(7) == b"+PONG\r\n"
        return False

    wait_for(up, "redis-server", proc=proc, log=log)
    return proc


def start_postgres(stack, args):
    """A cluster in the scratch directory, reached through a socket in there alone."""
    dirs = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda d: float(d.split("/")[-2]))
    bins = dirs[-1] if dirs else os.path.dirname(shutil.which("initdb") or "")
    if not bins or not shutil.which("pgbench"):
        raise Failed("postgresql or pgbench is not installed: scripts/setup.sh bench")
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise Failed("there is no user postgres, and the server does not run as root") from None
    home, log = os.path.join(args.work, "pg"), os.path.join(args.work, "pg.log")
    os.mkdir(home)
    os.chown(home, user.pw_uid, user.pw_gid)
    who = dict(user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd=home, stdin=subprocess.DEVNULL)
    data = os.path.join(home, "data")
    with open(log, "w") as f:
        def must(argv):
            if subprocess.run(argv, stdout=f, stderr=f, **who).returncode:
                raise Failed("%s failed: %s" % (os.path.basename(argv[0]), tail(log)))
        must([bins + "/initdb", "-D", data, "-A", "trust", "--no-sync"])
        proc = leave_no_child(stack, subprocess.Popen(
            [bins + "/postgres", "-D", data, "-k", home, "-h", "", "-c", "fsync=off", "-c", "autovacuum=off",
             "-c", "checkpoint_timeout=1h", "-c", "jit=off"], stdout=f, stderr=f, **who), signal.SIGINT)
        wait_for(lambda: subprocess.run([bins + "/pg_isready", "-q", "-h", home]).returncode == 0, "postgres",
                 proc=proc, log=log)
        must([shutil.which("pgbench"), "-h", home, "-i", "-q", "-s", "10", "postgres"])
    return "unknown"  # its backends come and go: their CPU time is not told apart


# ---- tracers ----

def perf_dwarf_start(d, pid):
    """User stacks at each switch, as copies of 8 KiB of the stack that are unwound later."""
    return perf_start(d, pid, EVENTS[:1], ["--call-graph", "dwarf"])


def perf_start(d, pid, events=EVENTS, extra=()):
    """Started disabled; recording once it has acknowledged."""
    argv = ["perf", "record", "-m", str(RING // MB) + "M", "-o", d + "/perf.data", "-D", "-1", *extra]
    argv += ["-p", str(pid)] if pid else ["-a"]
    for ev in events:
        argv += ["-e", ev] + ([] if pid else ["--exclude-perf"])
    ctl_r, ctl_w = os.pipe()
    ack_r, ack_w = os.pipe()
    try:
        t = Tracer(argv + ["--control", "fd:%d,%d" % (ctl_r, ack_w)], d + "/log", pass_fds=(ctl_r, ack_w))
    finally:
        os.close(ctl_r)
        os.close(ack_w)
    t.fds += [ctl_w, ack_r]  # it ends when the pipe does
    os.write(ctl_w, b"enable\n")
    if not os.read(ack_r, 16).startswith(b"ack"):
        t.kill()
        raise Failed("perf: no acknowledgement: " + tail(d + "/log"))
    return t


def perf_count(d, _):
    m = re.search(r"\((\d+) samples\)", read_text(d + "/log"))
    if not m:
        out = subprocess.run(["perf", "report", "--stats", "-i", d + "/perf.data"], capture_output=True, text=True).stdout
        m = re.search(r"SAMPLE events:\s+(\d+)", out)
    return dict(events=int(m.group(1)) if m else None, lost=None, bytes=os.path.getsize(d + "/perf.data"))


def tracecmd_start(d, _):
    on = lambda: [read_text(TRACEFS + f).strip() for f in
                  ("/tracing_on", "/events/sched/sched_switch/enable", "/events/raw_syscalls/sys_exit/enable")]
    if on()[1:] != ["0", "0"]:
        raise Failed("somebody else uses the kernel's tracing events")
    argv = ["trace-cmd", "record", "-b", str(2 * RING // 1024), "-o", d + "/trace.dat"]
    for ev in ("sched_switch", "sched_wakeup", "sched_wakeup_new", "raw_syscalls"):
        argv += ["-e", ev]
    t = Tracer(argv, d + "/log", cwd=d)
    try:
        wait_for(lambda: on() == ["1", "1", "1"], "trace-cmd", proc=t.proc, log=t.log)
    except Failed:
        t.kill()
        raise
    return t


def tracecmd_count(d, _):
    stat = subprocess.run(["trace-cmd", "report", "--stat", "-i", d + "/trace.dat"], capture_output=True, text=True).stdout
    total = lambda key: sum(int(n) for n in re.findall(r"^%s: (\d+)" % key, stat, re.M))
    # what was read, and what was left in the ring when the statistics were taken; both are in the file
    return dict(events=total("read events") + total("entries"), lost=total("overrun") + total("dropped events"),
                bytes=os.path.getsize(d + "/trace.dat"))


BPFTRACE = """
tracepoint:sched:sched_switch /pid != $1/ { printf("%llu s %d %d %d\\n", nsecs, cpu, args->prev_pid, args->next_pid); }
tracepoint:sched:sched_wakeup { printf("%llu w %d %d\\n", nsecs, cpu, args->pid); }
tracepoint:sched:sched_wakeup_new { printf("%llu n %d %d\\n", nsecs, cpu, args->pid); }
tracepoint:raw_syscalls:sys_enter /pid != $1/ { printf("%llu e %d %d %d\\n", nsecs, cpu, tid, args->id); }
tracepoint:raw_syscalls:sys_exit /pid != $1/ { printf("%llu x %d %d %d\\n", nsecs, cpu, tid, args->ret); }
"""


def bpftrace_start(d, _):
    with open(d + "/prog.bt", "w") as f:
        f.write(BPFTRACE)
    t = Tracer(["sh", "-c", "exec bpftrace -o %s/out.txt %s/prog.bt $$" % (d, d)], d + "/log",
               env={"BPFTRACE_PERF_RB_PAGES": str(RING // resource.getpagesize())})

    def attached():
        out = subprocess.run(["bpftool", "-j", "perf", "show"], capture_output=True, text=True).stdout
        return sum(e.get("pid") == t.pid for e in json.loads(out or "[]")) == len(EVENTS)

    try:
        wait_for(attached, "bpftrace", proc=t.proc, log=t.log)
    except Failed:
        t.kill()
        raise
    return t


def bpftrace_count(d, _):
    events = 0
    with open(d + "/out.txt", "rb") as f:
        while block := f.read(MB):
            events += block.count(b"\n")
    lost = sum(int(n) for n in re.findall(r"Lost (\d+) events", read_text(d + "/log")))
    return dict(events=events, lost=lost, bytes=os.path.getsize(d + "/out.txt"))


def floor_start(extra):
    def start(d, pid):
        argv = [BENCH + "/floor", "-b", str(RING), "-o", d + "/floor.out"] + extra
        t = Tracer(argv + (["-p", str(pid)] if pid else []), d + "/log", d + "/json")
        try:
            t.wait_log(r"^ready")
        except Failed:
            t.kill()
            raise
        return t
    return start


def floor_count(d, _):
    j = json.loads(read_text(d + "/json"))
    return dict(events=j["records"], lost=j["lost"], bytes=j["bytes"])


def ctrace_start(args, extra):
    def start(d, pid):
        argv = [args.ctrace, "-p", str(pid)] if pid else [args.ctrace, "-a"]
        t = Tracer(argv + ["-v", "--json", "-o", d + "/go.trace"] + extra, d + "/log", d + "/json")
        try:
            t.wait_recording()
        except Failed:
            t.kill()
            raise
        return t
    return start


def ctrace_count(d, res):
    try:
        j = json.loads(read_text(d + "/json"))
    except ValueError:
        raise Failed("ctrace-bpf: exit %s, no JSON: %s" % (res["exit"], tail(d + "/log"))) from None
    return dict(events=j["events"], lost=j["lost"], bytes=os.path.getsize(d + "/go.trace"), summary=j)


class Kind:
    """`own` is the project's: its failure is ours. `slow` takes part in every third round alone."""

    def __init__(self, start, count, pid=False, own=True, slow=False):
        self.start, self.count, self.pid, self.own, self.slow = start, count, pid, own, slow


def tracers(args):
    return {
        "empty": Kind(floor_start(["-e"]), floor_count),
        "floor": Kind(floor_start([]), floor_count),
        "ctrace": Kind(ctrace_start(args, []), ctrace_count),
        "ctrace-blocking": Kind(ctrace_start(args, ["--syscalls=blocking"]), ctrace_count),
        "ctrace-nostacks": Kind(ctrace_start(args, ["--stacks=none"]), ctrace_count),
        "ctrace-allstacks": Kind(ctrace_start(args, ["--stacks=all"]), ctrace_count),
        "ctrace-fp": Kind(ctrace_start(args, ["--call-graph=fp"]), ctrace_count),
        "perf": Kind(perf_start, perf_count, own=False),
        "perf-dwarf": Kind(perf_dwarf_start, perf_count, own=False),
        "trace-cmd": Kind(tracecmd_start, tracecmd_count, own=False),
        "bpftrace": Kind(bpftrace_start, bpftrace_count, own=False, slow=True),
        "floor-p": Kind(floor_start([]), floor_count, pid=True),
        "ctrace-p": Kind(ctrace_start(args, ["--stacks=none"]), ctrace_count, pid=True),
        "perf-p": Kind(perf_start, perf_count, pid=True, own=False),
    }


# ---- one run ----

def traced(args, w, kind):
    d = os.path.join(args.work, "run")
    shutil.rmtree(d, ignore_errors=True)
    os.mkdir(d)
    held = t = None
    try:
        held = w.start_stopped() if kind.pid else None
        t = kind.start(d, held.pid if held else 0)
        seconds, cpu = w.run(held)
        if not kind.pid and not t.alive():
            raise Failed("ended before it was stopped: " + tail(d + "/log"))
        res = t.stop()
        res.update(kind.count(d, res))
    finally:
        if t:
            t.kill()
        if held and held.returncode is None:
            held.kill()
            held.wait()
    if res["exit"] and kind.own:
        raise Failed("exit %d: %s" % (res["exit"], tail(d + "/log")))
    if not args.keep:
        shutil.rmtree(d)
    return dict(res, seconds=seconds, cpu=cpu)


def measure(args, todo, results):
    for rnd in range(args.pairs):
        for w in todo:
            names = [n for n in w.tracers if n in args.tracers]
            for name in names if rnd % 2 == 0 else names[::-1]:
                if args.kinds[name].slow and rnd % 3:
                    continue
                runs = results.setdefault(w.name, {}).setdefault(name, [])
                run = dict(round=rnd)
                try:
                    run["base_seconds"], run["base_cpu"] = w.run()
                    run.update(traced(args, w, args.kinds[name]))
                    note = "%.3f" % (run["seconds"] / run["base_seconds"])
                except (Failed, OSError, ValueError, KeyError) as e:
                    run["error"] = note = "%s" % (e or repr(e))
                runs.append(run)
                print("bench: pair %d/%d %-8s %-15s %s" % (rnd + 1, args.pairs, w.name, name, note), file=sys.stderr,
                      flush=True)


# ---- what came out ----

def median(values):
    values = [v for v in values if v is not None]
    return st.median(values) if values else None


def summarize(results):
    """Per workload and tracer the medians, from nothing but the runs; so it can be done again from the JSON."""
    out = {}
    for wname, by_tracer in results.items():
        for name, runs in by_tracer.items():
            good = [r for r in runs if "error" not in r]
            row = dict(workload=wname, tracer=name, pairs=len(good), failed=len(runs) - len(good))
            out.setdefault(wname, {})[name] = row
            if not good:
                row["error"] = runs[0]["error"] if runs else "not run"
                continue
            base = "floor-p" if name.endswith("-p") else "floor"
            floor = {r["round"]: r for r in by_tracer.get(base, []) if "error" not in r}
            ratio = lambda r: r["seconds"] / r["base_seconds"]
            ratios = [ratio(r) for r in good]
            cpus = [r["cpu"] / r["base_cpu"] for r in good if r.get("cpu") and r.get("base_cpu")]
            row.update(slowdown=median(ratios), slowdown_min=min(ratios), slowdown_max=max(ratios),
                       slowdown_cpu=median(cpus), base_seconds=median(r["base_seconds"] for r in good))
            paired = [(r, floor[r["round"]]) for r in good if r["round"] in floor]
            over = [ratio(r) / ratio(f) for r, f in paired]
            if over:
                row.update(floor=median(over), floor_min=min(over), floor_max=max(over))
                row["floor_cpu"] = median(r["cpu"] / r["base_cpu"] / (f["cpu"] / f["base_cpu"]) for r, f in paired
                                          if r.get("cpu") and r.get("base_cpu") and f.get("cpu") and f.get("base_cpu"))
            for key in ("events", "lost", "bytes", "stop_s", "rss", "rss_buffers", "user_s", "sys_s"):
                row[key] = median(r.get(key) for r in good)
            row["lost_max"] = max((r.get("lost") or 0 for r in good), default=0)
            row["beyond"] = row["rss"] - row["rss_buffers"]
            if name == "empty":
                row.update(events=None, lost=None, bytes=None)
            elif name not in ("ctrace-blocking", "perf-dwarf"):
                row["captured"] = median(100.0 * r["events"] / (f["events"] + (f["lost"] or 0)) for r, f in paired
                                         if r.get("events") is not None and f["events"])
            # per event: by the own count of a peer; ours by the smaller one, for it has more hooks than the floor
            each = []
            for r in good:
                n = r.get("events")
                f = floor.get(r["round"])
                if n and f and name in ("ctrace", "ctrace-p", "ctrace-nostacks", "ctrace-allstacks", "ctrace-fp"):
                    n = min(n, f["events"] + (f["lost"] or 0))
                if n and name != "empty":
                    each.append((r["bytes"] / n, (r["user_s"] + r["sys_s"]) / n * 1e6, r["user_s"] / n * 1e6))
            for i, key in enumerate(("bytes_per_event", "cpu_per_m", "user_per_m")):
                row[key] = median(e[i] for e in each)
    return out


def fmt(value, digits=2):
    return "–" if value is None else "%.*f" % (digits, value)


def print_table(head, rows):
    rows = [[str(c) for c in r] for r in rows]
    width = [max(len(r[i]) for r in [head] + rows) for i in range(len(head))]
    for r in [head, ["-" * n for n in width]] + rows:
        print("| " + " | ".join(c.ljust(n) if i == 0 else c.rjust(n) for i, (c, n) in enumerate(zip(r, width))) + " |")


def print_summary(summary, todo):
    head = ["tracer", "pairs", "slowdown (range)", "by CPU", "× floor (range)", "events", "captured %", "lost", "B/event",
            "CPU s/M ev (user)", "peak RSS MB", "less rings", "stop s"]
    for w in todo:
        if w.name not in summary:
            continue
        rows = []
        for name in w.tracers:
            r = summary[w.name].get(name)
            if not r:
                continue
            if "error" in r:
                rows.append([name, 0, "did not run: " + r["error"][:60]] + [""] * (len(head) - 3))
                continue
            rows.append([
                name, r["pairs"], "%.2f (%.2f–%.2f)" % (r["slowdown"], r["slowdown_min"], r["slowdown_max"]),
                fmt(r["slowdown_cpu"]),
                "%.2f (%.2f–%.2f)" % (r["floor"], r["floor_min"], r["floor_max"]) if "floor" in r else "–",
                "–" if r["events"] is None else "%d" % r["events"], fmt(r.get("captured"), 1),
                "–" if r["lost"] is None else "%d" % r["lost"] + (" (max %d)" % r["lost_max"] if r["lost_max"] else ""),
                fmt(r["bytes_per_event"], 1),
                "%s (%s)" % (fmt(r["cpu_per_m"]), fmt(r["user_per_m"])) if r["cpu_per_m"] is not None else "–",
                fmt(r["rss"] / MB, 1), fmt(r["beyond"] / MB, 1), fmt(r["stop_s"], 3)])
        base = median(r.get("base_seconds") for r in summary[w.name].values())
        print("\n### %s: %s; untraced %s s\n" % (w.name, w.what, fmt(base, 3)))
        print_table(head, rows)


def budgets(summary, replay, stops):
    """(what, figure, limit, kept) for all that was measured."""
    out = []

    def add(what, value, limit, digits=2):
        if value is not None:
            out.append(dict(what=what, value=round(value, 4), limit=limit, kept=value <= limit, digits=digits))

    for wname, by in summary.items():
        if wname == "idle":
            continue
        same = by.get("ctrace-nostacks", {})
        if "slowdown" in same and wname != "pgbench":
            peer = by.get("trace-cmd", {}).get("slowdown")
            add(wname + ": slowdown × floor", same.get("floor"), 1.15)
            if peer:
                add(wname + ": slowdown ÷ trace-cmd's", same["slowdown"] / peer, 1.0)
        ours = by.get("ctrace", {})
        if "slowdown" in ours:
            add(wname + ": records lost, worst run", ours["lost_max"], 0, 0)
            if (ours["events"] or 0) > 500000:  # with fewer the fixed part decides
                add(wname + ": user CPU s per M events", ours["user_per_m"], 0.25)
                add(wname + ": bytes per event", ours["bytes_per_event"], 14)
            add(wname + ": stop to file, s", ours["stop_s"], 0.2, 3)
            add(wname + ": peak RSS beyond the rings, MB", ours["beyond"] / MB, 64, 1)
        ours = by.get("ctrace-p", {})
        if "slowdown" in ours:
            add(wname + " -p: slowdown × floor -p", ours.get("floor"), 1.15)
    for r in replay:
        if "error" not in r:
            add("replay %s: user CPU s per M events" % r["input"], r["user_per_m"], 0.25, 3)
            add("replay %s: bytes per event" % r["input"], r["bytes_per_event"], 14)
    for after in sorted({r["after"] for r in stops}):
        add("stop to file after %d s, worst, s" % after,
            max((r["stop_s"] for r in stops if r["tracer"] == "ctrace" and r["after"] == after and "error" not in r),
                default=None), 0.2, 3)
    return out


# ---- time from stop to file ----

def measure_stop(args, results):
    """Under a load that never ends, for as long as asked; the longest of the repetitions counts."""
    plan = [(5, 3)] + ([(60, 1)] if args.long else [])
    names = [n for n in ("floor", "ctrace", "trace-cmd", "perf") if n in args.tracers]
    for after, times in plan:
        for name in names:
            for _ in range(times):
                run = dict(tracer=name, after=after)
                d = os.path.join(args.work, "run")
                shutil.rmtree(d, ignore_errors=True)
                os.mkdir(d)
                t = None
                with contextlib.ExitStack() as stack:
                    leave_no_child(stack, subprocess.Popen([BENCH + "/work", "load", "200000"]), signal.SIGKILL)
                    try:
                        t = args.kinds[name].start(d, 0)
                        time.sleep(after)  # the length of the recording is what is asked for
                        if not t.alive():
                            raise Failed("ended before it was stopped: " + tail(d + "/log"))
                        run.update(t.stop())
                        run.update(args.kinds[name].count(d, run))
                    except (Failed, OSError, ValueError, KeyError) as e:
                        run["error"] = str(e) or repr(e)
                    finally:
                        if t:
                            t.kill()
                results.append(run)
                print("bench: stop after %d s, %s: %s" % (after, name, run.get("error") or fmt(run["stop_s"], 3)),
                      file=sys.stderr, flush=True)
                shutil.rmtree(d, ignore_errors=True)


def print_stops(stops):
    rows = []
    for key in sorted({(r["after"], r["tracer"]) for r in stops}):
        rs = [r for r in stops if (r["after"], r["tracer"]) == key]
        good = [r for r in rs if "error" not in r]
        if not good:
            rows.append(["%s, %d s" % (key[1], key[0]), 0, "did not run: " + rs[0]["error"][:60], "", "", ""])
            continue
        rows.append(["%s, %d s" % (key[1], key[0]), len(good), fmt(max(r["stop_s"] for r in good), 3),
                     fmt(median(r["events"] for r in good), 0), fmt(median(r["bytes"] for r in good) / MB, 1),
                     fmt(max(r["rss"] - r["rss_buffers"] for r in good) / MB, 1)])
    if rows:
        print("\n### from SIGINT to the closed file, 200,000 events/s\n")
        print_table(["tracer, recorded", "runs", "worst s", "events", "file MB", "RSS less rings, MB"], rows)


# ---- replay ----

def record_raw(args, w):
    """A raw file of one run of the workload; gives its path and the number of events."""
    path, log, out = (os.path.join(args.work, w.name + s) for s in (".raw", ".log", ".json"))
    t = Tracer([args.ctrace, "-a", "-v", "--json", "--raw", path, "-o", os.path.join(args.work, "raw.trace")], log, out)
    try:
        t.wait_recording()
        w.run()
        if t.stop()["exit"]:
            raise Failed("ctrace-bpf: " + tail(log))
    finally:
        t.kill()
    return path, json.loads(read_text(out))["events"]


def generate_raw(args):
    path = os.path.join(args.work, "synthetic.raw")
    with open(path, "wb") as f:
        p = subprocess.run([BENCH + "/rawgen", str(args.replay_records)], stdout=f, stderr=subprocess.PIPE, text=True)
    if p.returncode:
        raise Failed("rawgen: " + p.stderr)
    return path, int(re.search(r"events (\d+)", p.stderr).group(1))


def replay_one(args, name, path, events):
    """`convert` again and again; it counts the hook firings itself where nobody else knows them."""
    runs, trace = [], os.path.join(args.work, "replay.trace")
    for _ in range(args.replay_times):
        log, out = os.path.join(args.work, "replay.log"), os.path.join(args.work, "replay.json")
        begin = time.monotonic()
        t = Tracer([args.ctrace, "convert", path, "--json", "-o", trace], log, out)
        r = t.stop(send=False)
        r["wall_s"] = time.monotonic() - begin
        if r["exit"]:
            return dict(input=name, error="exit %d: %s" % (r["exit"], tail(log)))
        runs.append(r)
    size, raw = os.path.getsize(trace), os.path.getsize(path)
    user, both = median(r["user_s"] for r in runs), median(r["user_s"] + r["sys_s"] for r in runs)
    if events is None:
        events = json.loads(read_text(out))["events"]
    n = events or 1
    return dict(input=name, events=events, raw_bytes=raw, bytes=size, runs=runs, bytes_per_event=size / n, user_s=user,
                cpu_s=both, events_per_s=n / median(r["wall_s"] for r in runs), user_per_m=user / n * 1e6,
                cpu_per_m=both / n * 1e6, rss=max(r["rss"] for r in runs))


def measure_replay(args, todo, results):
    sources = []
    if args.replay:
        sources = [(os.path.basename(args.replay), lambda: (args.replay, None))]
    if args.replay is None or args.replay == "":
        sources = [("synthetic", lambda: generate_raw(args))]
    if args.replay is None:
        sources += [(w.name, lambda w=w: record_raw(args, w)) for w in todo if w.name in ("getppid", "msg", "redis")]
    for name, make in sources:
        path = None
        try:
            path, events = make()
            r = replay_one(args, name, path, events)
        except (Failed, OSError, ValueError, KeyError) as e:
            r = dict(input=name, error=str(e) or repr(e))
        if path and path != args.replay:
            os.unlink(path)
        results.append(r)
        print("bench: replay %s: %s" % (name, r.get("error") or "%.2f M events/s" % (r["events_per_s"] / 1e6)),
              file=sys.stderr, flush=True)


def print_replay(replay):
    if not replay:
        return
    rows = []
    for r in replay:
        if "error" in r:
            rows.append([r["input"], "did not run: " + r["error"][:60]] + [""] * 6)
        else:
            rows.append([r["input"], "%d" % r["events"], fmt(r["raw_bytes"] / MB, 1),
                         fmt(r["events_per_s"] / 1e6), fmt(r["user_per_m"], 3), fmt(r["cpu_per_m"], 3),
                         fmt(r["bytes_per_event"], 1), fmt(r["rss"] / MB, 1)])
    print("\n### replay: `ctrace-bpf convert` (merge, model, encoder), median of the runs\n")
    print_table(["raw file", "events", "raw MB", "M events/s", "user s/M ev", "CPU s/M ev", "B/event", "peak RSS MB"], rows)


# ---- ----

def options():
    p = argparse.ArgumentParser(prog="run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="getppid, pipe and msg, 3 pairs, floor and ctrace alone, with stacks and without")
    p.add_argument("--pairs", type=int, help="pairs of untraced and traced run; 9 when not given")
    p.add_argument("--workloads", help="comma list: getppid,pipe,pipe-T,msg,redis,pgbench,idle; all but idle when not "
                   "given")
    p.add_argument("--tracers", help="comma list: empty,floor,ctrace,ctrace-blocking,perf,trace-cmd,bpftrace,floor-p,"
                   "ctrace-p,perf-p,ctrace-nostacks, and for pgbench ctrace-allstacks,ctrace-fp,perf-dwarf; all when not given")
    p.add_argument("--long", action="store_true", help="time from stop to file also after 60 s")
    p.add_argument("--replay", nargs="?", const="", metavar="RAW", help="only the speed of `convert`, of RAW or of a "
                   "generated file; needs no root")
    p.add_argument("--replay-records", type=int, default=4000000, help="length of the generated raw file (4000000)")
    p.add_argument("--replay-times", type=int, default=5, help="runs of convert per file (5)")
    p.add_argument("--check", action="store_true", help="exit 1 when a budget is missed")
    p.add_argument("--ctrace", default=os.path.join(BUILD, "ctrace-bpf"), help="the program (build/ctrace-bpf)")
    p.add_argument("--json", default=os.path.join(BUILD, "bench", "results.json"), help="where all figures go (build/bench/results.json)")
    p.add_argument("--keep", action="store_true", help="leave the last run's files until the end")
    p.add_argument("--work", required=True, help=argparse.SUPPRESS)
    if "--help" in sys.argv or "-h" in sys.argv:
        p.print_help()
        raise SystemExit(0)
    args = p.parse_args()
    args.pairs = args.pairs if args.pairs is not None else 3 if args.quick else 9
    args.ctrace = os.path.abspath(args.ctrace)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        args.redis_port = s.getsockname()[1]
    return args


def pick(p, given, known, default):
    if given is None:
        return default
    chosen = given.split(",")
    for name in chosen:
        if name not in known:
            print("bench: there is no %s %r; known: %s" % (p, name, ", ".join(known)), file=sys.stderr)
            raise SystemExit(2)
    return chosen


def usable(args, names):
    """Drops what is not there, with a sentence."""
    out = []
    for name in names:
        tools = NEEDS.get(name.removesuffix("-p"), [])
        missing = [t for t in tools if not shutil.which(t)]
        if name.startswith("ctrace") and not os.access(args.ctrace, os.X_OK):
            missing = [args.ctrace]
        if missing:
            print("bench: %s left out: %s is missing (%s)" %
                  (name, missing[0], "make" if missing[0] == args.ctrace else "scripts/setup.sh bench"), file=sys.stderr)
        else:
            out.append(name)
    return out


def main():
    args = options()
    usual_signals()
    args.kinds = tracers(args)
    all_workloads = workloads(args)
    names = [w.name for w in all_workloads]
    results, stops, replay = {}, [], []
    machine = dict(kernel=platform.release(), cpus=os.cpu_count(), python=platform.python_version(), load=os.getloadavg(),
                   when=time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    todo = []
    with contextlib.ExitStack() as stack:
        if args.replay is not None:
            if not os.access(args.ctrace, os.X_OK):
                print("bench: %s is missing: run make" % args.ctrace, file=sys.stderr)
                return 3
            measure_replay(args, [], replay)
        else:
            os.setpriority(os.PRIO_PROCESS, 0, -19)
            chosen = pick("workload", args.workloads, names,
                          ["getppid", "pipe", "msg"] if args.quick else [n for n in names if n != "idle"])
            args.tracers = usable(args, pick("tracer", args.tracers, list(args.kinds),
                                             ["floor", "ctrace", "ctrace-nostacks"] if args.quick else list(args.kinds)))
            for w in all_workloads:
                if w.name not in chosen or not set(w.tracers) & set(args.tracers):
                    continue
                try:
                    if not shutil.which(w.argv[len(PIN)] if w.argv[0] == PIN[0] else w.argv[0]):
                        raise Failed("%s is not installed: scripts/setup.sh bench" % w.argv[0])
                    if w.name == "redis":
                        w.server = start_redis(stack, args)
                    elif w.name == "pgbench":
                        w.server = start_postgres(stack, args)
                    w.run()  # once for the caches, not counted
                    todo.append(w)
                except (Failed, OSError) as e:
                    print("bench: %s left out: %s" % (w.name, e), file=sys.stderr)
            measure(args, todo, results)
            if not args.quick:
                measure_stop(args, stops)
            if "ctrace" in args.tracers:
                measure_replay(args, [] if args.quick else todo, replay)
    summary = summarize(results)
    kept = budgets(summary, replay, stops)
    written = "all figures: " + args.json
    try:
        with open(args.json, "w") as f:
            json.dump(dict(machine=machine, pairs=args.pairs, summary=summary, stops=stops, replay=replay, budgets=kept,
                           runs=results), f, indent=1)
    except OSError as e:
        written = "figures not kept: %s: %s (--json FILE)" % (args.json, e.strerror)
    print("%d CPUs, kernel %s, %d pairs, load average %.1f at the start" %
          (machine["cpus"], machine["kernel"], args.pairs, machine["load"][0]))
    print_summary(summary, todo)
    print_stops(stops)
    print_replay(replay)
    if kept:
        print("\n### budgets\n")
        print_table(["budget", "measured", "limit", ""],
                    [[b["what"], fmt(b["value"], b["digits"]), "%g" % b["limit"], "kept" if b["kept"] else "MISSED"]
                     for b in kept])
    print("\n" + written)
    failed = any("error" in r for by in results.values() for n, rs in by.items() if args.kinds[n].own for r in rs)
    failed |= any("error" in r for r in replay + [s for s in stops if args.kinds[s["tracer"]].own])
    return 1 if failed or (args.check and not all(b["kept"] for b in kept)) else 0


if __name__ == "__main__":
    sys.exit(main())
