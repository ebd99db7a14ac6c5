/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash index under an interning table: ids 1, 2, 3 … are given in the order of adding, and
 * found again by their hash. The table that owns the entries compares them.
 *
 *	for (at = idset_start(&s, hash); (id = idset_next(&s, hash, &at));)
 *		if (entry[id - 1] is the one)
 *			return id;
 *	id = idset_add(&s, hash);
 */
#ifndef CTRACE_UTIL_IDSET_H
#define CTRACE_UTIL_IDSET_H

#include <stddef.h>
#include <stdint.h>

struct idset {
	uint32_t *slot; /* ids, 0 empty; at most half full */
	uint32_t *hash; /* by id - 1 */
	size_t nslot;	/* power of two, or 0 */
	size_t cnt, cap;
};

/* A zeroed struct idset is a valid empty one. */
uint32_t idset_add(struct idset *s, uint32_t hash);
void idset_reset(struct idset *s); /* empty, memory kept */
void idset_free(struct idset *s);

static inline size_t idset_start(const struct idset *s, uint32_t hash)
{
	return s->nslot ? hash & (s->nslot - 1) : 0;
}

/* The next id with this hash, 0 when there is none left. */
static inline uint32_t idset_next(const struct idset *s, uint32_t hash, size_t *at)
{
	uint32_t id;

	if (!s->nslot)
		return 0;
	while ((id = s->slot[*at])) {
		*at = (*at + 1) & (s->nslot - 1);
		if (s->hash[id - 1] == hash)
			return id;
	}
	return 0;
}

#endif
