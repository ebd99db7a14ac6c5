#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""JSON texts on the service's socket, with nothing between them: ipc.py SOCKET [WORD…], in order

  TEXT          it is sent, with the descriptors that were opened before it
  fd=FILE       FILE is opened for writing, to go along
  piece=N       what follows is sent in pieces of N bytes
  answers=N     so many lines are read and printed
  wait=FILE     until there is such a file
  shut          nothing more is said: the write side is closed
  end           all is read and printed, until the service closes
"""

import array
import os
import socket
import sys
import time


def say(s, text, fds, piece):
    data = text.encode("utf-8", "surrogateescape")
    pieces = [data[i : i + piece] for i in range(0, len(data), piece)]
    for p in pieces:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        s.sendmsg([p], rights)
        for fd in fds:
            os.close(fd)
        fds = []


def main():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sys.argv[1])
    lines = s.makefile("r")
    fds, piece = [], 1 << 20
    for word in sys.argv[2:]:
        name, _, value = word.partition("=")
        if name == "fd":
            fds.append(os.open(value, os.O_WRONLY | os.O_CREAT, 0o600))
        elif name == "piece":
            piece = int(value)
        elif name == "answers":
            for _ in range(int(value)):
                print(lines.readline(), end="", flush=True)
        elif name == "wait":
            while not os.path.exists(value):
                time.sleep(0.01)
        elif name == "shut":
            s.shutdown(socket.SHUT_WR)
        elif name == "end":
            print(lines.read(), end="", flush=True)
        else:
            say(s, word, fds, piece)
            fds = []


main()
