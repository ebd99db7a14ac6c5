#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""User stacks of a recording against the truth, at random moments: called by truth.sh.

A process that gets SIGSTOP goes off its CPUs with the stacks that it has at that moment, and keeps them until
SIGCONT. So while a recording runs, the targets are stopped at random again and again; each time eu-stack, which
unwinds with elfutils out of ptrace, tells what the stacks are. The stop itself is in the recording, as a switch
in state T (or t, by eu-stack's ptrace) with a stack, between the two times that are noted here.

Frames are compared as places: file and address in it, of a return address the byte before. Equal places are equal
functions, whatever anybody calls them; inlined functions have no frame of their own in either.
"""

import argparse
import bisect
import collections
import contextlib
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

FRAMES_MAX = 127  # EV_USTACK_MAX of bpf/event.h


class Failed(Exception):
    pass


def now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def wait_for(what, true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Failed("waited %d s for %s" % (seconds, what))
        time.sleep(0.001)


# ---- where an address is ----


class Segments:
    """The loaded parts of an ELF file: from offsets in the file to its own addresses."""

    cache = {}

    def __init__(self, path):
        self.parts = []
        with open(path, "rb") as f:
            head = f.read(64)
            if head[:5] != b"\x7fELF\x02":
                return
            phoff, = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            f.seek(phoff)
            table = f.read(size * count)
        for i in range(count):
            kind, _, off, vaddr, _, filesz = struct.unpack_from("<IIQQQQ", table, i * size)
            if kind == 1:
                self.parts.append((off, off + filesz, vaddr))

    def address(self, offset):
        """Of the part that holds the offset, or whose last page does: parts share pages of the file."""
        for slack in 0, 4095:
            for begin, end, vaddr in self.parts:
                if begin <= offset < end + slack:
                    return vaddr + offset - begin
        return None

    @classmethod
    def of(cls, path, key):
        if key not in cls.cache:
            try:
                cls.cache[key] = cls(path)
            except OSError:
                cls.cache[key] = None
        return cls.cache[key]


class Maps:
    """The mappings of a process at one moment."""

    def __init__(self, pid):
        self.begin, self.rows = [], []
        self.pid = pid
        with open("/proc/%d/maps" % pid) as f:
            for line in f:
                word = line.split(None, 5)
                begin, end = (int(x, 16) for x in word[0].split("-"))
                path = word[5].rstrip("\n") if len(word) > 5 else ""
                self.begin.append(begin)
                self.rows.append((begin, end, int(word[2], 16), word[3] + word[4], path, word[1]))

    def place(self, pc):
        """(name, address): the file's path and its own address, "[vdso]" or "" for code that no file holds."""
        i = bisect.bisect_right(self.begin, pc) - 1
        if i < 0 or pc >= self.rows[i][1]:
            return "", pc
        begin, end, offset, key, path, _ = self.rows[i]
        if path == "[vdso]":
            return path, pc - begin
        if not path.startswith("/") or path.startswith("/memfd:"):
            return "", pc
        segments = Segments.of("/proc/%d/map_files/%x-%x" % (self.pid, begin, end), key)
        address = segments.address(pc - begin + offset) if segments else None
        return (path.removesuffix(" (deleted)"), address) if address is not None else ("", pc)


# ---- the truth ----

FRAME = re.compile(r"^#\d+\s+0x([0-9a-f]+)\s*(- 1)?")
TROUBLE = re.compile(r"tid (\d+)")


def eu_stack(pid):
    """{tid: (frames, whole)} of a stopped process; a frame is a pc, less 1 where it is a return address."""
    p = subprocess.run(["eu-stack", "-q", "-a", "-n", str(FRAMES_MAX + 20), "-p", str(pid)], capture_output=True, text=True)
    broken = {int(t) for t in TROUBLE.findall(p.stderr)}
    out, tid = {}, None
    for line in p.stdout.splitlines():
        if line.startswith("TID "):
            tid = int(line[4:].rstrip(":"))
            out[tid] = []
        elif tid and (m := FRAME.match(line)):
            out[tid].append(int(m[1], 16) - (1 if m[2] else 0))
    return {tid: (frames, tid not in broken) for tid, frames in out.items()}


def thread_states(pid):
    out = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(OSError), open("/proc/%d/task/%s/stat" % (pid, tid)) as f:
            out[int(tid)] = f.read().rsplit(")", 1)[1].split()[0]
    return out


class Stop:
    """One stop of all targets: when, and what was true then: {tid: (places, whole)}."""

    def __init__(self, pids):
        self.begin = now()
        self.true = {}
        self.busy = 0  # threads that did not stop in time, such as one in vfork
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            for pid in pids:
                self.look(pid)
        finally:
            self.end = now()
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def look(self, pid):
        end = time.monotonic() + 2
        while not all(s in "TtZX" for s in thread_states(pid).values()):
            if time.monotonic() > end:
                break
            time.sleep(0.0005)
        stopped = {t for t, s in thread_states(pid).items() if s in "Tt"}
        maps = Maps(pid)
        for tid, (frames, whole) in eu_stack(pid).items():
            if tid in stopped and frames:
                self.true[tid] = [maps.place(pc) for pc in frames], whole
            elif tid not in stopped:
                self.busy += 1


# ---- the recording ----

WORD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


class Recorded:
    """What the raw file says: modules, stacks by id, and the switches of threads that were stopped."""

    def __init__(self, ctrace, raw):
        self.modules = {0: ("", 0)}
        self.stacks = collections.defaultdict(list)  # id: [(time, end, frames)]
        self.switches = collections.defaultdict(list)  # tid: [(time, id)]
        p = subprocess.Popen([ctrace, "convert", "--text", raw], stdout=subprocess.PIPE, text=True, errors="replace")
        for line in p.stdout:
            head = line.split(" ", 3)
            if len(head) < 4 or head[2] not in ("switch", "stack", "module"):
                continue
            if head[2] == "switch" and " state=T" not in line and " state=t" not in line:
                continue
            self.record(int(head[0]), head[2], dict(WORD.findall(head[3])))
        if p.wait():
            raise Failed("convert --text %s: exit %d" % (raw, p.returncode))

    def record(self, ts, kind, v):
        if kind == "module":
            path = v.get("path", '""')[1:-1].encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")
            name = {"vdso": "[vdso]", "jit": ""}.get(v.get("type"), path.removesuffix(" (deleted)"))
            self.modules[int(v["id"])] = name, 0
        elif kind == "stack":
            frames = [f.split(":") for f in v.get("user", "").split(",") if f]
            self.stacks[int(v["id"])].append((ts, v.get("end", "none"), [(int(m), int(a, 16)) for m, a in frames]))
        else:
            self.switches[int(v["prev"].split(".")[0])].append((ts, int(v.get("stack", 0))))

    def stack(self, number, ts):
        """(end, places) of a stack id at a time: ids are given anew."""
        best = None
        for at, end, frames in self.stacks.get(number, ()):
            if best is None or at <= ts:
                best = end, frames
        if not best:
            return "unknown id", []
        return best[0], [(self.modules.get(m, ("module %d" % m, 0))[0], a) for m, a in best[1]]

    def at_stop(self, tid, begin, end):
        """The stack ids of a thread's stopped switches in a window, in order of time."""
        return [(ts, number) for ts, number in self.switches.get(tid, ()) if begin <= ts <= end]


# ---- the comparison ----


def in_common(ours, true):
    """How many frames of the truth are there, in their order: the longest common subsequence."""
    row = [0] * (len(ours) + 1)
    for t in true:
        last = 0
        for i, o in enumerate(ours):
            last, row[i + 1] = row[i + 1], last + 1 if o == t else max(row[i], row[i + 1])
    return row[-1]


def nearly(ours, true):
    """The same but for the byte that stands for a return address."""
    return len(ours) == len(true) and all(a[0] == b[0] and abs(a[1] - b[1]) <= 1 for a, b in zip(ours, true))


def show(place):
    return "%s+0x%x" % (os.path.basename(place[0]) or "[no file]", place[1])


def first_difference(ours, true):
    for i, (a, b) in enumerate(zip(ours, true)):
        if a != b:
            return i
    return min(len(ours), len(true))


def compare(rec, stops, keep):
    n = collections.Counter()
    why = collections.Counter()
    distinct, frames, found_frames, extra, examples = set(), 0, 0, 0, []
    for k, stop in enumerate(stops):
        for tid, (true, whole) in stop.true.items():
            found = [x for x in rec.at_stop(tid, stop.begin, stop.end) if x[1]]
            if not found:
                n["no record"] += 1
                continue
            end, ours = rec.stack(found[0][1], found[0][0])
            true = true[:FRAMES_MAX]
            if not whole:
                # eu-stack itself came to no end: what it has is the most that can be asked
                n["truth ended early"] += 1
                n["early, same so far"] += ours[:len(true)] == true
                continue
            n["compared"] += 1
            frames += len(true)
            distinct.add(tuple(true))
            common = in_common(ours, true)
            found_frames += common
            extra += len(ours) - common
            if ours == true:
                n["identical"] += 1
                continue
            n["but for a byte"] += nearly(ours, true)
            n["same but cut"] += end != "complete" and len(ours) < len(true) and ours == true[:len(ours)]
            i = first_difference(ours, true)
            # what went wrong lies in the frame before: its rule led to the wrong caller
            culprit = true[i - 1] if i else true[0]
            why["%s (%s)" % (os.path.basename(culprit[0]) or "[no file]", end)] += 1
            if len(examples) < keep:
                examples.append(dict(stop=k, tid=tid, end=end, at=i, ours=[show(p) for p in ours], true=[show(p) for p in true]))
    # of all frames that are true, those that were found; and of those that were told, those that are not true
    share = dict(frames_found_percent=round(100 * found_frames / max(1, frames), 2),
                 frames_wrong_percent=round(100 * extra / max(1, found_frames + extra), 2),
                 frames_each=round(frames / max(1, n["compared"]), 1))
    return n, why, len(distinct), share, examples


# ---- one program ----


@contextlib.contextmanager
def recording(args, raw, trace):
    log = open(raw + ".log", "w")
    command = [args.ctrace, "-v", "--json", "-p", ",".join(map(str, args.pids)), "--raw", raw, "-o", trace]
    command += ["--stacks=block"] + (["--call-graph=" + args.call_graph] if args.call_graph else [])
    out = open(raw + ".json", "w")
    p = subprocess.Popen(command, stdout=out, stderr=log)
    try:
        with open(raw + ".log") as words:
            said = []

            def records():
                said.append(words.read())
                if p.poll() is not None:
                    raise Failed("the recorder ended with %d: %s" % (p.returncode, "".join(said)[-600:]))
                return "ctrace-bpf: recording" in "".join(said)

            wait_for("the recorder", records)
            yield p
        p.send_signal(signal.SIGINT)
        if p.wait(60) != 0:
            raise Failed("the recorder ended with %d" % p.returncode)
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        log.close()
        out.close()


def settled(args, seconds=0.3):
    """A moment for the tables of what is mapped already: the first stacks may lack them, and that is not asked here."""
    time.sleep(seconds)


def take(args, raw, trace):
    chance = random.Random(args.seed)
    stops, have = [], 0
    with recording(args, raw, trace) as recorder:
        settled(args)
        began = time.monotonic()
        while have < args.count and time.monotonic() < began + args.seconds:
            time.sleep(chance.uniform(0.0005, 0.02))
            stops.append(Stop(args.pids))
            have += sum(whole for _, whole in stops[-1].true.values())
            if recorder.poll() is not None:
                raise Failed("the recorder ended")
    return stops


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--ctrace", required=True)
    a.add_argument("--name", required=True)
    a.add_argument("--pids", required=True, type=lambda s: [int(x) for x in s.split(",")])
    a.add_argument("--count", type=int, default=60, help="stacks to compare")
    a.add_argument("--seconds", type=float, default=120, help="give up after")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--call-graph", default="")
    a.add_argument("--least", type=float, default=99, help="per cent that must be identical")
    a.add_argument("--keep", type=int, default=5, help="examples of what differs")
    a.add_argument("--dir", required=True)
    args = a.parse_args()
    base = os.path.join(args.dir, args.name + ("-" + args.call_graph if args.call_graph else ""))
    try:
        stops = take(args, base + ".raw", base + ".trace")
        rec = Recorded(args.ctrace, base + ".raw")
    except Failed as e:
        print("%s: %s" % (args.name, e), file=sys.stderr)
        return 1
    n, why, distinct, frames, examples = compare(rec, stops, args.keep)
    share = 100 * n["identical"] / n["compared"] if n["compared"] else 0.0
    res = dict(name=args.name, call_graph=args.call_graph or "default", stops=len(stops), distinct=distinct,
               identical_percent=round(share, 2), **frames,
               busy=sum(s.busy for s in stops), why=dict(why.most_common(6)), examples=examples, **n)
    with open(base + ".result", "w") as f:
        json.dump(res, f, indent=1)
    print(json.dumps({k: v for k, v in res.items() if k != "examples"}))
    # a recorder that sends no stacks must not pass by having none that are wrong
    enough = n["compared"] >= args.count * 0.9 and n["no record"] <= 0.02 * (n["compared"] + n["no record"])
    # one of sixty is more than a hundredth, and no sign of anything
    right = n["compared"] - n["identical"] <= max(1, n["compared"] * (100 - args.least) / 100)
    return 0 if right and enough else 1


if __name__ == "__main__":
    sys.exit(main())
