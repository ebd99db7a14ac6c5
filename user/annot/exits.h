/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a function is left: its returns, and its jumps to other functions. What makes a jump one
 * that leaves: that its target is outside, and that the frame information says that only the return
 * address is on the stack there.
 */
#ifndef CTRACE_ANNOT_EXITS_H
#define CTRACE_ANNOT_EXITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codefile;
struct insns;
struct strbuf;

/* A zeroed one is empty. */
struct exits {
	uint64_t *addr; /* ascending */
	size_t cnt, cap;
	size_t tails; /* of these, jumps */
	bool tables;  /* some jump of the function goes by a table */
};

/* 0, or -ENOTSUP with the reason in why; exits_free() in both cases. */
int exits_find(struct exits *x, const struct insns *c, struct codefile *f, struct strbuf *why);
void exits_free(struct exits *x);

/* Is the instruction at this address one of them? */
bool exits_has(const struct exits *x, uint64_t addr);

#endif
