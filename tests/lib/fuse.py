#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A file system of one program that can stop answering: fuse.py PROGRAM MOUNTPOINT, as root.

MOUNTPOINT/prog is a copy of PROGRAM, with its section headers far behind the rest, where running it reads nothing. Says
"mounted". A line on stdin changes what it does: "hang": reads of it are not answered from now on, nor is its closing; "far":
nor reads of the section headers, but all else is; "answer": what was not answered is, as an error, and it goes on as at first.
Says so, and "silent" when the first question is left without an answer. It ends with its stdin; then the mount
answers everything with an error.

The protocol: linux, include/uapi/linux/fuse.h. Replies to reads are uncached, and one at a time, so that a reader waits
where no signal reaches it.
"""
import ctypes, errno, os, select, stat, struct, sys

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET, ACCESS = (
    1, 2, 3, 14, 15, 18, 25, 26, 27, 28, 29, 36, 42, 34)
ROOT, PROG = 1, 2
HEAD = struct.Struct("<IIQQ")
FAR = 4 << 20
LONG = 3600  # seconds for which the kernel need not ask again


def mount(fd, where):
    opts = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"ctrace-test", where.encode(), b"fuse", 0, opts):
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")


def with_far_sections(elf):
    at = struct.unpack_from("<Q", elf, 0x28)[0]
    size, count = struct.unpack_from("<HH", elf, 0x3A)
    out = bytearray(elf.ljust(FAR, b"\0") + elf[at : at + size * count])
    struct.pack_into("<Q", out, 0x28, FAR)
    return bytes(out)


class Server:
    def __init__(self, program, where):
        with open(program, "rb") as f:
            self.data = with_far_sections(f.read())
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        self.mode, self.waiting = "answer", []
        mount(self.fd, where)

    def reply(self, unique, data=b"", err=0):
        try:
            os.write(self.fd, struct.pack("<IiQ", 16 + len(data), -err, unique) + data)
        except OSError:
            pass  # who asked is gone

    def attr(self, node):
        size = len(self.data) if node == PROG else 0
        mode = (stat.S_IFREG if node == PROG else stat.S_IFDIR) | 0o755
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def is_silent(self, op, body):
        if self.mode == "far":
            return op == READ and struct.unpack_from("<QQ", body)[1] >= FAR
        return self.mode == "hang" and op in (READ, FLUSH)

    def serve(self):
        msg = os.read(self.fd, 1 << 20)
        _, op, unique, node = HEAD.unpack_from(msg)
        body = msg[40:]
        if op in (FORGET, BATCH_FORGET, INTERRUPT):
            return  # no answer is wanted
        if node == PROG and self.is_silent(op, body):
            if not self.waiting:
                print("silent", flush=True)
            self.waiting.append(unique)
        elif op == INIT:
            self.reply(unique, struct.pack("<IIIIHHII", 7, 31, 65536, 0, 0, 0, 65536, 1) + bytes(32))
        elif op == LOOKUP and body.split(b"\0")[0] == b"prog":
            self.reply(unique, struct.pack("<QQQQII", PROG, 0, LONG, LONG, 0, 0) + self.attr(PROG))
        elif op == LOOKUP:
            self.reply(unique, err=errno.ENOENT)
        elif op == GETATTR:
            self.reply(unique, struct.pack("<QII", LONG, 0, 0) + self.attr(node))
        elif op in (OPEN, OPENDIR):
            self.reply(unique, struct.pack("<QII", 1, 0, 0))
        elif op == READ:
            _, off, size = struct.unpack_from("<QQI", body)
            self.reply(unique, self.data[off : off + size])
        elif op in (READDIR, RELEASE, RELEASEDIR, FLUSH, ACCESS):
            self.reply(unique)
        else:
            self.reply(unique, err=errno.ENOSYS)

    def obey(self, line):
        self.mode = line
        if line == "answer":
            for unique in self.waiting:
                self.reply(unique, err=errno.EIO)
            self.waiting = []
        print(line, flush=True)


def main():
    server = Server(sys.argv[1], sys.argv[2])
    print("mounted", flush=True)
    while True:
        ready, _, _ = select.select([server.fd, 0], [], [])
        if 0 in ready:
            line = sys.stdin.readline().strip()
            if not line:
                return
            server.obey(line)
        elif server.fd in ready:
            server.serve()


main()
