/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the probe goes that sees a function's calls. */
#ifndef CTRACE_ANNOT_ENTRY_H
#define CTRACE_ANNOT_ENTRY_H

#include <stdint.h>

struct exits;
struct insns;
struct strbuf;

struct entry {
	uint64_t addr;
	unsigned pushed; /* words that lie on the stack there, above the return address */
};

/*
 * The first instruction, or a cheaper one that every call comes to once and that is before anything
 * but pushes has changed the stack pointer. The code must not come back to where it is. 0, or
 * -ENOTSUP with the reason in why.
 */
int entry_choose(struct entry *out, const struct insns *c, const struct exits *x,
		 struct strbuf *why);

#endif
