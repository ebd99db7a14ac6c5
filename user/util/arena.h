/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that dies together: allocation is a pointer bump, reset keeps the blocks for the next
 * round. Blocks are 256 KiB; a larger request gets a block of its own, freed at reset.
 */
#ifndef CTRACE_UTIL_ARENA_H
#define CTRACE_UTIL_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *used; /* the newest first */
	struct arena_block *idle; /* kept from before the last reset */
	char *p, *end;		  /* free room in the newest block */
	size_t total;		  /* bytes handed out since the last reset */
};

/* A zeroed struct arena is a valid empty one. */
void *arena_alloc(struct arena *a, size_t sz); /* 8-byte aligned, not zeroed, valid until reset */
void arena_reset(struct arena *a);
void arena_free(struct arena *a); /* as new */

#endif
