/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A jitdump → functions, files and lines by address. The format: linux,
 * tools/perf/Documentation/jitdump-specification.txt, version 1; taken are the records
 * JIT_CODE_LOAD, JIT_CODE_MOVE and JIT_CODE_DEBUG_INFO. Code that was put where other code had been
 * replaces it; the times of the records are not looked at.
 */
#ifndef CTRACE_SYMBOL_JITDUMP_H
#define CTRACE_SYMBOL_JITDUMP_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symloc.h"

struct jitdump;

/* NULL: it is none. A record that is not whole ends it. The bytes may go away afterwards. */
struct jitdump *jitdump__new(const uint8_t *data, size_t len);
void jitdump__free(struct jitdump *d); /* NULL is fine */

/* 1 when there is a name, else 0. Strings live as long as d. */
size_t jitdump__find(const struct jitdump *d, uint64_t addr, struct sym_loc *out);

#endif
