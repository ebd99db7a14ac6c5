#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A terminal with a user at it who waits for answers: typist.py COMMAND… <SCRIPT

Runs the command on a terminal of its own and passes on what it says. A line of the script is `wait TEXT`: until the command has
said that since the last wait; `type TEXT`: with \\t, \\r, \\x03 and so on; `until COMMAND`: of the shell,
until it is true, with the pid of what runs in PID; or `size ROWS COLUMNS`. Ends with the command's exit
status, 128 and more for a signal, 200 when a TEXT does not come in a minute."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

LIMIT = 60  # s; a machine may be busy


class Typist:
    def __init__(self, command):
        self.said = b""
        self.ended = False
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.execvp(command[0], command)

    def hear(self, until):
        """One more piece; False when there is none before that time."""
        if not select.select([self.terminal], [], [], max(0, until - time.monotonic()))[0]:
            return False
        try:
            piece = os.read(self.terminal, 65536)
        except OSError:  # nobody has it open any more
            piece = b""
        self.ended = not piece
        os.write(1, piece)
        self.said += piece
        return not self.ended

    def wait(self, text):
        until = time.monotonic() + LIMIT
        while text not in self.said:
            if not self.hear(until):
                print(f"\n{text!r} was not said", file=sys.stderr)
                os.kill(self.pid, 9)
                sys.exit(200)
        self.said = self.said[self.said.index(text) + len(text):]

    def until(self, command):
        until = time.monotonic() + LIMIT
        environment = dict(os.environ, PID=str(self.pid))
        while subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, env=environment, check=False).returncode:
            self.hear(time.monotonic() + 0.02)
            if time.monotonic() > until:
                print(f"\n{command} is not true", file=sys.stderr)
                os.kill(self.pid, 9)
                sys.exit(200)

    def end(self):
        until = time.monotonic() + LIMIT
        while not self.ended:
            if not self.hear(until) and not self.ended:
                print("\nit does not end", file=sys.stderr)
                os.kill(self.pid, 9)
                sys.exit(200)
        status = os.waitpid(self.pid, 0)[1]
        sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def main():
    script = sys.stdin.read().splitlines()
    typist = Typist(sys.argv[1:])
    for line in script:
        verb, _, text = line.partition(" ")
        meant = text.encode().decode("unicode_escape").encode("latin-1").decode().encode() if "\\" in text else text.encode()
        if verb == "wait":
            typist.wait(meant)
        elif verb == "type":
            os.write(typist.terminal, meant)
        elif verb == "until":
            typist.until(text)
        elif verb == "size":
            rows, columns = map(int, text.split())
            fcntl.ioctl(typist.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    typist.end()


main()
