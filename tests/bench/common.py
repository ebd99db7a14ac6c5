# SPDX-License-Identifier: BSD-2-Clause
"""Starting, awaiting, measuring and stopping one tracer; shared by bench.py and soak.py.

A tracer is ready when a state says so (a line of its log, its attached BPF links, an acknowledgement),
never after a time. It is stopped by SIGINT; the clock of the stop ends when the process has ended, and
its file is closed then. Memory is read from /proc, because the maximum of wait4 begins with what the
parent had.
"""

import glob
import os
import re
import select
import signal
import subprocess
import sys
import time

MB = 1024 * 1024


class Failed(Exception):
    """One run gave no figure; the text says why."""


def wait_for(state, what, timeout=30.0, proc=None, log=None):
    """Until state() is true. The pause between two looks is short and costs the workload nothing: it has not begun."""
    end = time.monotonic() + timeout
    while not state():
        if proc is not None and proc.poll() is not None:
            raise Failed("%s: ended early: %s" % (what, tail(log)))
        if time.monotonic() > end:
            raise Failed("%s: not ready within %d s: %s" % (what, timeout, tail(log)))
        time.sleep(0.01)


def read_text(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def tail(path, cnt=300):
    return " ".join(read_text(path)[-cnt:].split()) if path else ""


def bpf_links(pid):
    """How many BPF links the process holds: its programs that are attached."""
    return sum("link_id:" in read_text(f) for f in glob.glob("/proc/%d/fdinfo/*" % pid))


def proc_state(pid):
    m = re.search(r"^State:\s+(\S)", read_text("/proc/%d/status" % pid), re.M)
    return m.group(1) if m else None


def rss_peak(pid):
    m = re.search(r"^VmHWM:\s+(\d+) kB", read_text("/proc/%d/status" % pid), re.M)
    return int(m.group(1)) * 1024 if m else 0


def rss_now(pid):
    m = re.search(r"^VmRSS:\s+(\d+) kB", read_text("/proc/%d/status" % pid), re.M)
    return int(m.group(1)) * 1024 if m else 0


def rss_buffers(pid):
    """Resident bytes of the kernel's own buffers in the address space: BPF maps and perf rings. Both halves of a
    ring that is mapped twice count, as they do in the process's RSS."""
    total, mine = 0, False
    for line in read_text("/proc/%d/smaps" % pid).splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            mine = "bpf-map" in line or "bpf_" in line or "[perf_event]" in line
        elif mine and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


class Tracer:
    """One running tracer. Ended by stop(), or by kill() when something went wrong."""

    def __init__(self, argv, log, out=None, env=None, pass_fds=(), cwd=None):
        self.log, self.name = log, os.path.basename(argv[0])
        with open(log, "w") as err, open(out or os.devnull, "w") as std:
            self.proc = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=std if out else err, stderr=err,
                env={**os.environ, **(env or {})}, pass_fds=pass_fds, cwd=cwd)
        self.fds = []  # ours, closed when it has ended
        self.pid = self.proc.pid
        self.started = time.monotonic()

    def wait_log(self, pattern, timeout=30.0):
        wait_for(lambda: re.search(pattern, read_text(self.log)), self.name, timeout, self.proc, self.log)

    def wait_recording(self, timeout=30.0):
        """For ctrace-bpf: its own word, or links whose number has come to rest."""
        seen = {"links": -1, "since": 0.0}

        def state():
            if re.search(r"\brecording\b", read_text(self.log)):
                return True
            links, now = bpf_links(self.pid), time.monotonic()
            if links != seen["links"]:
                seen.update(links=links, since=now)
            return links >= 3 and now - seen["since"] > 0.5

        wait_for(state, self.name, timeout, self.proc, self.log)

    def alive(self):
        return self.proc.returncode is None and os.waitid(
            os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def stop(self, send=True, timeout=120.0):
        """SIGINT, then until the end. Gives the figures of the whole life of the process. Without `send` it is
        expected to end by itself, because its target has."""
        buffers, peak = rss_buffers(self.pid), rss_peak(self.pid)
        begin = time.monotonic()
        if send:
            os.kill(self.pid, signal.SIGINT)
        fd = os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            while not poll.poll(5):
                peak = max(peak, rss_peak(self.pid))
                if time.monotonic() - begin > timeout:
                    self.kill()
                    raise Failed("%s: not ended %d s after the stop" % (self.name, timeout))
            took = time.monotonic() - begin
        finally:
            os.close(fd)
        _, status, ru = os.wait4(self.pid, 0)
        self.proc.returncode = os.waitstatus_to_exitcode(status)
        self.kill()
        return dict(stop_s=took, user_s=ru.ru_utime, sys_s=ru.ru_stime, exit=self.proc.returncode,
                    rss=peak, rss_buffers=buffers)

    def kill(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        while self.fds:
            os.close(self.fds.pop())


def leave_no_child(stack, proc, sig=signal.SIGTERM):
    """The process is told to end when the stack unwinds, and then killed."""
    def end():
        if proc.poll() is None:
            proc.send_signal(sig)
            try:
                proc.wait(20)
            except subprocess.TimeoutExpired:
                proc.kill()
                proc.wait()
    stack.callback(end)
    return proc


def usual_signals():
    """Our children must not inherit an ignored SIGINT (a shell's background job has one); SIGTERM cleans up."""
    def on_term(*_):
        raise SystemExit(143)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, on_term)


def run(main):
    """Ends the script with what main() returns, or with a word of what failed."""
    try:
        sys.exit(main())
    except Failed as e:
        print("bench: %s" % e, file=sys.stderr)
        sys.exit(1)
