#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clients without manners: rude.py PORT WHAT [ARG…], to 127.0.0.1.

  silent N         N connections that say nothing; "held N" when all stand, then until the end of stdin
  half N           the same with half a request each
  slow N           the same, with a letter of a header ten times a second from then on
  deaf PATH        asks for PATH and reads nothing: "asked", then until the end of stdin
  visit N          N connections that are closed at once, and the same number that are reset
  head BYTES       a request with a header so long; body BYTES: one with a body so long, of which it says so;
  chunked BYTES    … of which it does not say so. All three print the status line of the answer, or "closed"
  raw              what stands on stdin, as it is; prints all that comes back
  listen           not to PORT, which is 0: listens, and prints its port, until the end of stdin
"""
import socket
import struct
import sys
import threading


def connect():
    return socket.create_connection(("127.0.0.1", PORT), timeout=60)


def until_told():
    sys.stdout.flush()
    sys.stdin.read()


def hold(n, words):
    held = []
    for _ in range(n):
        try:
            s = connect()
            s.sendall(words)
            held.append(s)
        except OSError:
            pass
    print("held", len(held))
    return held


def silent(n):
    held = hold(int(n), b"")
    until_told()
    return held


def half(n):
    held = hold(int(n), b"GET /debug/pprof/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half")
    until_told()
    return held


def slow(n):
    held = hold(int(n), b"GET /debug/pprof/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    told = threading.Event()

    def drip():
        while not told.wait(0.1):
            for s in list(held):
                try:
                    s.sendall(b"x")
                except OSError:
                    held.remove(s)

    t = threading.Thread(target=drip)
    t.start()
    until_told()
    told.set()
    t.join()


def deaf(path):
    s = connect()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
    print("asked")
    until_told()
    return s


def visit(n):
    for _ in range(int(n)):
        connect().close()
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


def answer(s):
    """The status line, also of who stops reading in the middle of what we say."""
    try:
        line = s.makefile("rb").readline().decode("latin-1").strip()
    except OSError:
        line = ""
    print(line or "closed")


def send(s, data):
    try:
        s.sendall(data)
    except OSError:
        pass


def head(n):
    s = connect()
    send(s, b"GET /debug/pprof/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Long: " % PORT)
    send(s, b"x" * int(n) + b"\r\n\r\n")
    answer(s)


POST = b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n%s\r\n\r\n"


def body(n):
    s = connect()
    send(s, POST % (PORT, b"Content-Length: " + n.encode()))
    send(s, b" " * int(n))
    answer(s)


def chunked(n):
    s = connect()
    send(s, POST % (PORT, b"Transfer-Encoding: chunked"))
    for _ in range(int(n) // 4096):
        send(s, b"1000\r\n" + b" " * 4096 + b"\r\n")
    send(s, b"0\r\n\r\n")
    answer(s)


def raw():
    s = connect()
    send(s, sys.stdin.buffer.read())
    try:
        s.shutdown(socket.SHUT_WR)
        while chunk := s.recv(65536):
            sys.stdout.buffer.write(chunk)
    except OSError:
        pass


def listen():
    s = socket.create_server(("127.0.0.1", 0))
    print(s.getsockname()[1])
    until_told()


PORT = int(sys.argv[1])
globals()[sys.argv[2]](*sys.argv[3:])
