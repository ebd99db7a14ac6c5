#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Are the markers of a file as a tracer needs them?   notes.py FILE NAME[,NAME…] [--bare]

Each note of provider "ctrace" must have the arguments of them all, a nop where it says, and the one semaphore of the
file, in its section .probes; there must be notes of each NAME and of no other name, on x86 with both kinds of nop, and
no relocation of code. With --bare nothing may come behind the nop but the end of the function: code that would read the
stack there could find it changed. Exit 1 with a line on what is wrong.
"""
import re
import subprocess
import sys

ARGS = {"x86": "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9", "arm": "8@x0 8@x1 8@x2 8@x3 8@x4 8@x5"}
NOP = {"x86": re.compile(r"^(0f 1f 44 00 00|90)\s"), "arm": re.compile(r"^(1f 20 03 d5|d503201f)\s")}
END = re.compile(r"\s(nop|retq?|popq?\s.*|leaveq?|addq?\s.*%rsp|add\s+sp, sp.*|ldp\s+x29, x30.*|autiasp)\s*$")
RET = re.compile(r"\sretq?\s*$")


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def code(path, at):
    """The instructions from an address on, each as "BYTES TEXT"."""
    out = run("llvm-objdump", "-d", "--start-address=%#x" % at, "--stop-address=%#x" % (at + 64), path)
    return [m.group(1) for m in re.finditer(r"^\s*[0-9a-f]+:\s+(.*)$", out, re.M)]


def main():
    path, names = sys.argv[1], set(sys.argv[2].split(","))
    arch = "arm" if "AArch64" in run("readelf", "-h", path) else "x86"
    probes = re.search(r"\s\.probes\s+PROGBITS\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s", run("readelf", "-SW", path))
    if not probes:
        return "no section .probes with contents"
    begin, size = (int(x, 16) for x in probes.groups())
    if "TEXTREL" in run("readelf", "-d", path):
        return "relocations of code"
    found = re.findall(r"Provider: ctrace\s+Name: (\w+)\s+Location: 0x([0-9a-f]+), Base: 0x[0-9a-f]+, Semaphore: 0x([0-9a-f]+)"
                       r"\s+Arguments: (.*)", run("readelf", "-nW", path))
    if {name for name, *_ in found} != names:
        return "markers are %s" % sorted({name for name, *_ in found})
    if len({semaphore for _, _, semaphore, _ in found}) != 1 or not begin <= int(found[0][2], 16) < begin + size:
        return "not one semaphore in .probes: %s" % found
    kinds = set()
    for name, location, _, args in found:
        at, where = int(location, 16), "%s at %s: " % (name, location)
        if args.strip() != ARGS[arch]:
            return where + "arguments " + args
        insns = code(path, at)
        if not insns or not NOP[arch].search(insns[0]):
            return where + "no nop: %s" % insns[:1]
        length = len(insns[0].split("\t")[0].split())
        kinds.add((name, length))
        if length == 5 and at % 8 > 3:
            return where + "may lie in two pages"
        for insn in insns[1:] if "--bare" in sys.argv else []:
            if not END.search(insn):
                return where + "behind the nop comes " + insn
            if RET.search(insn):
                break
    if arch == "x86" and kinds != {(name, size) for name in names for size in (1, 5)}:
        return "not both kinds of nop: %s" % sorted(kinds)
    return None


wrong = main()
if wrong:
    print("%s: %s" % (sys.argv[1], wrong))
    sys.exit(1)
