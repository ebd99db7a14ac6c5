/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of addresses that overlap → one sorted list of pieces that do not, each with the one range
 * that wins there: that of the highest rank. Functions, the ranges of compilation units, nested
 * inlined calls and the code of a JIT are all looked up in such a list, by bisection.
 */
#ifndef CTRACE_SYMBOL_SEGS_H
#define CTRACE_SYMBOL_SEGS_H

#include <stddef.h>
#include <stdint.h>

#define SEG_NONE UINT32_MAX

struct span {
	uint64_t start, end; /* end is behind; a span without length is left out */
	uint32_t rank;
	uint32_t id; /* the owner's number, never SEG_NONE */
};

struct seg {
	uint64_t start; /* it ends where the next one starts */
	uint32_t id;	/* SEG_NONE: a gap */
};

/* A zeroed struct segs is a valid empty one. */
struct segs {
	struct seg *seg;
	size_t cnt, cap;
};

/* Sorts the spans where they are; O(n log n) whatever they are. What was in s is forgotten. */
void segs_build(struct segs *s, struct span *span, size_t cnt);
void segs_free(struct segs *s);

/* The id at the address, or SEG_NONE. */
uint32_t segs_find(const struct segs *s, uint64_t addr);

#endif
