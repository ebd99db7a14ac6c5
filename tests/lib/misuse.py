#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What no client of the service does, and anybody can.

    misuse.py descriptors SOCKET N       N times the door of libctrace, with two descriptors of /dev/zero each
    misuse.py body PORT TARGET LENGTH    GET TARGET with so long a body of which little comes; the status of the answer
    misuse.py silent WHERE N UID…        N connections of each user, to a port or a socket; says "held", and ends with its stdin
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


def body(port, target, length):
    head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(port)), 30) as s:
        s.sendall(head.encode() + b"x" * 5000)
        print(s.recv(4096).split(b"\r\n")[0].decode())


def tcp(port):
    s = socket.socket()
    s.connect(("127.0.0.1", int(port)))
    return s


def silent(where, n, *uids):
    held = []
    if "/" in where:  # what leads there may be closed to them
        os.chdir(os.path.dirname(where))
    for uid in uids:
        os.seteuid(int(uid))
        for _ in range(int(n)):
            held.append(unix(os.path.basename(where)) if "/" in where else tcp(where))
        os.seteuid(0)
    print("held", flush=True)
    sys.stdin.read()


{"descriptors": descriptors, "body": body, "silent": silent}[sys.argv[1]](*sys.argv[2:])
