/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has which words of the maps: runs of consecutive numbers below a limit. A run is taken where
 * it fits first, so what is in use stays low, and slabs need to be made only up to `top`. What is
 * given back joins its neighbours. Numbers only: no memory of words is touched.
 */
#ifndef CTRACE_UNWIND_WORDALLOC_H
#define CTRACE_UNWIND_WORDALLOC_H

#include <stddef.h>
#include <stdint.h>

struct wordalloc_run {
	uint32_t first, cnt;
};

struct wordalloc {
	struct wordalloc_run *idle; /* sorted; no two touch, none is empty, none reaches top */
	size_t nidle, cap;
	uint32_t limit; /* no word has this number or a greater one */
	uint32_t top;	/* all words from here on are free */
	uint32_t used;
};

#define WORDALLOC_INIT(max) ((struct wordalloc){ .limit = (max) })

/* 0 with the first of cnt words (at least 1), or -ENOSPC. */
int wordalloc_take(struct wordalloc *a, uint32_t cnt, uint32_t *first);
/* Back, exactly as it was taken. */
void wordalloc_give(struct wordalloc *a, uint32_t first, uint32_t cnt);
void wordalloc_free(struct wordalloc *a);

#endif
