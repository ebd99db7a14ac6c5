#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Something that answers JSON-RPC on a Unix socket, for tests of who calls: answerer.py SOCKET

debug.startGoTrace and debug.stopGoTrace know whether one is going, echo.echo gives back its arguments, echo.late does so when
the file that it names is gone, and each call stands in SOCKET.calls, a line each. It is no service: nothing is recorded."""

import json
import os
import socket
import sys
import threading
import time

# With what a terminal would obey: whoever answers can say anything.
MODULES = {"ctrace": "1.0", "debug": "1.0", "echo": "1.0\x1b[5m", "rpc": "1.0", "evil\x1b[31m": "1.0"}
STATUS = {"version": "1.2.3", "uptime": 1.25, "target": "process 42 (redis-server)\u009b31m", "caller": "ann (uid 1000)", "rights": "own", "recordings": []}


def failed(message, code=-32000):
    return {"error": {"code": code, "message": message}}


class Answerer:
    def __init__(self, path):
        self.going = False
        self.calls = open(path + ".calls", "w", buffering=1)

    def answer(self, method, params):
        if method in ("debug_startGoTrace", "debug_stopGoTrace"):
            start = method == "debug_startGoTrace"
            if start == self.going:
                return failed("trace already in progress" if start else "trace not in progress")
            self.going = start
            return {"result": None}
        if method == "echo_late":
            while os.path.exists(params[0]):
                time.sleep(0.01)
        known = {"rpc_modules": MODULES, "ctrace_status": STATUS, "echo_echo": params, "echo_late": params, "debug_goTrace": None}
        if method in known:
            return {"result": known[method]}
        return failed(f"the method {method} does not exist/is not available", -32601)

    def serve(self, connection):
        with connection, connection.makefile("rwb") as stream:
            for line in stream:
                call = json.loads(line)
                self.calls.write(f"{call['method']} {json.dumps(call['params'])}\n")
                reply = {"jsonrpc": "2.0", "id": call["id"], **self.answer(call["method"], call["params"])}
                try:
                    stream.write(json.dumps(reply).encode() + b"\n")
                    stream.flush()
                except OSError:  # who asked has gone
                    return


def main():
    path = sys.argv[1]
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    answerer = Answerer(path)
    listening.listen(8)
    print("ready", flush=True)
    while True:
        threading.Thread(target=answerer.serve, args=(listening.accept()[0],), daemon=True).start()


main()
