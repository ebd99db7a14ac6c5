#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A terminal with a user at it: ctty.py KEY WORD COMMAND…

Runs the command on a terminal of its own, passes on what it says, and types KEY (^C as a control key) when it has
said WORD. Ends with its exit status, 128 and more for a signal."""

import os
import pty
import sys


def main():
    key, word, command = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
    key = bytes([ord(key[1]) & 31]) if len(key) == 2 and key[0] == "^" else key.encode()
    pid, terminal = pty.fork()
    if not pid:
        os.execvp(command[0], command)
    said, typed = b"", False
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # nobody has it open any more
            break
        if not piece:
            break
        os.write(1, piece)
        said += piece
        if not typed and word in said:
            typed = True
            os.write(terminal, key)
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


sys.exit(main())
