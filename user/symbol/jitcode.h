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
 *
 * Everybody may write into /tmp: a file counts when it belongs to the user of the process or to
 * root, as for perf (linux: tools/perf/util/symbol.c, dso__load_perf_map).
 */
#ifndef CTRACE_SYMBOL_JITCODE_H
#define CTRACE_SYMBOL_JITCODE_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symloc.h"

#define JIT_AGAIN_NS 1000000000ull

struct strbuf;
struct jitcode;

struct jitcode_opts {
	int root_fd;	 /* the root directory of the process, -1: our own; borrowed */
	int dump_fd;	 /* its jitdump, -1: none; borrowed */
	uint32_t ns_pid; /* the process as it numbers itself */
	uint32_t uid;	 /* its user */
};

struct jitcode *jitcode__new(const struct jitcode_opts *o);
void jitcode__free(struct jitcode *j); /* NULL is fine */

/*
 * 1 when there is a name, else 0; now_ns is of any clock. Strings live until the next call. Files
 * that are not believed are told in why.
 */
size_t jitcode__find(struct jitcode *j, uint64_t addr, uint64_t now_ns, struct sym_loc *out,
		     struct strbuf *why);

#endif
