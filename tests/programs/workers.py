# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Python: two threads that fight for the interpreter lock, one that asks a loopback server, one that polls, one that
sleeps. Prints "ready", runs until it is killed."""
import os
import select
import socket
import threading
import time


def compute():
    n = 0
    while True:
        for i in range(100000):
            n += i


def serve(listener):
    conn, _ = listener.accept()
    while True:
        conn.sendall(conn.recv(64))


def ask(addr):
    conn = socket.create_connection(addr)
    while True:
        conn.sendall(b"question")
        conn.recv(64)
        time.sleep(0.005)


def poll():
    r, w = os.pipe()
    p = select.poll()
    p.register(r)
    while True:
        p.poll(3)


def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    for target, args in ((compute, ()), (compute, ()), (serve, (listener,)), (ask, (listener.getsockname(),)), (poll, ())):
        threading.Thread(target=target, args=args, daemon=True, name=target.__name__).start()
    print("ready", flush=True)
    while True:
        time.sleep(0.01)


main()
