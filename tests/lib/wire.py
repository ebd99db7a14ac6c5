# SPDX-License-Identifier: BSD-2-Clause
"""wire.py SOCKET: says to the service what libctrace does not (user/rpc/wire.h), and looks at what it makes of it."""

import array
import os
import socket
import sys

START, STOP = 1, 2


def ask(verb, version=1, magic=0xC7):
    return bytes([magic, version, verb, 0]) + bytes(4)


def dial():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sys.argv[1])
    return s


def answer(s):
    """(errno, sentence), or "closed"."""
    data = b""
    while len(data) < 256:
        try:
            more = s.recv(256 - len(data))
        except ConnectionResetError:
            more = b""
        if not more:
            return "half an answer" if data else "closed"
        data += more
    return int.from_bytes(data[4:8], sys.byteorder, signed=True), data[8:].split(b"\0")[0].decode()


def with_fds(s, data, *fds):
    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def expect(what, got):
    if what != got and (got == "closed" or what != got[0]):
        sys.exit(f"{got} in place of {what}")


def refused_and_closed():
    s = dial()
    s.send(ask(START))
    expect((9, "no descriptor came along to write the trace to"), answer(s))
    expect("closed", answer(s))
    for message in ask(STOP), ask(77):
        s = dial()
        s.send(message)
        expect("closed", answer(s))
    s = dial()
    with_fds(s, ask(START, version=9), null)
    expect(71, answer(s))
    s = dial()
    s.send(ask(START)[:3])
    s.shutdown(socket.SHUT_WR)
    expect("closed", answer(s))


def in_pieces():
    s = dial()
    with_fds(s, ask(START), *[null] * 100)
    expect(0, answer(s))
    s.send(ask(STOP)[:5])
    s.send(ask(STOP)[5:])
    expect(0, answer(s))
    s = dial()
    for byte in ask(START):  # a descriptor with each
        with_fds(s, bytes([byte]), null)
    expect(0, answer(s))


def twice():
    s = dial()
    with_fds(s, ask(START), null)
    expect(0, answer(s))
    with_fds(s, ask(START), null)
    expect("closed", answer(s))


def nobody_reads():
    r, w = os.pipe()
    os.close(r)
    s = dial()
    with_fds(s, ask(START), w)
    expect(0, answer(s))
    expect(5, answer(s))


null = os.open("/dev/null", os.O_WRONLY)
refused_and_closed()
in_pieces()
for part in twice, nobody_reads:
    s = dial()  # one at a time for a process: until the one before has ended
    while True:
        with_fds(s, ask(START), null)
        if answer(s)[0] == 0:
            break
        s = dial()
    s.send(ask(STOP))
    expect(0, answer(s))
    part()
