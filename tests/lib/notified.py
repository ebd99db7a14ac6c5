#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# notified.py NAME FILE: a notify socket as systemd has one, at a path or at @NAME; what comes is appended to FILE, a line each.
import os
import socket
import sys

name = sys.argv[1]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind("\0" + name[1:] if name[0] == "@" else name)
with open(sys.argv[2], "w", buffering=1) as out:
    out.write("bound\n")
    while True:
        out.write(sock.recv(4096).decode() + "\n")
