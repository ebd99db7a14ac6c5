// SPDX-License-Identifier: BSD-2-Clause
/* See arena.h. */
#include "util/arena.h"

#include <stdlib.h>

#include "util/xalloc.h"

#define BLOCK_SZ (256u << 10)

struct arena_block {
	struct arena_block *next;
	size_t sz;
	_Alignas(16) char data[];
};

static void *grow(struct arena *a, size_t sz)
{
	struct arena_block *b = a->idle;

	if (sz > BLOCK_SZ) { /* apart: the current block stays the one that fills */
		b = xmalloc(sizeof(*b) + sz);
		b->sz = sz;
		if (a->used) {
			b->next = a->used->next;
			a->used->next = b;
		} else {
			b->next = NULL;
			a->used = b;
		}
		return b->data;
	}
	if (b) {
		a->idle = b->next;
	} else {
		b = xmalloc(sizeof(*b) + BLOCK_SZ);
		b->sz = BLOCK_SZ;
	}
	b->next = a->used;
	a->used = b;
	a->p = b->data + sz;
	a->end = b->data + BLOCK_SZ;
	return b->data;
}

void *arena_alloc(struct arena *a, size_t sz)
{
	char *p = a->p;

	sz = (sz + 7) & ~(size_t)7;
	a->total += sz;
	if ((size_t)(a->end - p) < sz)
		return grow(a, sz);
	a->p = p + sz;
	return p;
}

void arena_reset(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->used; b; b = next) {
		next = b->next;
		if (b->sz == BLOCK_SZ) {
			b->next = a->idle;
			a->idle = b;
		} else {
			free(b);
		}
	}
	a->used = NULL;
	a->p = a->end = NULL;
	a->total = 0;
}

void arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	arena_reset(a);
	for (b = a->idle; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}
