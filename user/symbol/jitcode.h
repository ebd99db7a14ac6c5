/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of code that a process made at run time, from what it writes for perf:
 *
 *	/tmp/perf-PID.map	text, "START SIZE NAME" in hexadecimal; linux: tools/perf/
 *				Documentation/jit-interface.txt. The last line for an address wins.
 *	jit-PID.dump		records of code with its source lines, see jitdump.h
 *
 * Both grow while the program runs. They are read again when an address has no name and they have
 * changed, once a second at most. A jitdump goes before a map.
 */
#ifndef CTRACE_SYMBOL_JITCODE_H
#define CTRACE_SYMBOL_JITCODE_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symloc.h"

#define JIT_AGAIN_NS 1000000000ull

struct jitcode;

/*
 * root_fd is the root directory of the process (-1: our own), ns_pid its number there; dump_fd is
 * its jitdump, -1 none. All are borrowed.
 */
struct jitcode *jitcode__new(int root_fd, uint32_t ns_pid, int dump_fd);
void jitcode__free(struct jitcode *j); /* NULL is fine */

/* 1 when there is a name, else 0; now_ns is of any clock. Strings live until the next call. */
size_t jitcode__find(struct jitcode *j, uint64_t addr, uint64_t now_ns, struct sym_loc *out);

#endif
