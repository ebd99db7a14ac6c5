# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Asks a web server on a Unix socket for pages, with and without compression, without end: http.py SOCKET CLIENTS. Prints
"ready" when the first answer came."""
import socket
import sys
import threading

path, clients = sys.argv[1], int(sys.argv[2])
first = threading.Event()


def ask():
    n = 0
    while True:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            n += 1
            page = ("page.txt", "", "%d/page.txt" % n, "missing")[n % 4]
            s.sendall(("GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: %s\r\n\r\n" %
                       (page, "gzip" if n & 4 else "none")).encode())
            while s.recv(1 << 16):
                first.set()


for _ in range(clients):
    threading.Thread(target=ask, daemon=True).start()
first.wait()
print("ready", flush=True)
threading.Event().wait()
