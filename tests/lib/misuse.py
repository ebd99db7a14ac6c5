#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What no client of the service does, and anybody can.

    misuse.py descriptors SOCKET N       N times the door of libctrace, with two descriptors of /dev/zero each
"""
import array
import os
import socket
import sys


def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


def pass_on(s, text, *fds):
    s.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def descriptors(path, n):
    for _ in range(int(n)):
        fds = [os.open("/dev/zero", os.O_RDWR) for _ in range(2)]
        with unix(path) as s:
            pass_on(s, b"\xc7", *fds)
        for fd in fds:
            os.close(fd)


{"descriptors": descriptors}[sys.argv[1]](*sys.argv[2:])
