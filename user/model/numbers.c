// SPDX-License-Identifier: BSD-2-Clause
/*
 * The numbers that ctrace.h gives to regions, of all threads: an end that is for none of its own
 * thread's is told from one whose begin nobody saw.
 */
#include "model/state.h"
#include "util/hash.h"

/* In place of how many are open; all above the first. */
#define CLOSED (UINT64_MAX - 1)
#define ENDED UINT64_MAX

static uint64_t key_of(uint32_t pid, uint64_t id)
{
	uint64_t h = hash_u64(hash_u64(id) + pid);

	return h ? h : 1;
}

static bool has_number(const struct region *r)
{
	return r->by == EV_BY_HEADER && r->id;
}

void numbers_open(struct numbers *n, const struct region *r)
{
	uint64_t *slot;

	if (!has_number(r))
		return;
	slot = u64map_put(&n->map, key_of(r->pid, r->id), NULL);
	*slot = *slot >= CLOSED ? 1 : *slot + 1;
}

/* Those remembered longest give their place. */
static void remember(struct numbers *n, uint64_t key, uint64_t how)
{
	uint64_t *slot = &n->over[n->at++ % NUMBERS_OVER], *old;

	old = *slot ? u64map_get(&n->map, *slot) : NULL;
	if (old && *old >= CLOSED)
		u64map_del(&n->map, *slot);
	*slot = key;
	*u64map_put(&n->map, key, NULL) = how;
}

void numbers_close(struct numbers *n, const struct region *r, bool ended)
{
	uint64_t key = key_of(r->pid, r->id), *slot;

	if (!has_number(r))
		return;
	slot = u64map_get(&n->map, key);
	if (slot && *slot < CLOSED && !--*slot)
		remember(n, key, ended ? ENDED : CLOSED);
}

void numbers_end_unknown(struct numbers *n, uint32_t pid, uint64_t id)
{
	if (id)
		remember(n, key_of(pid, id), ENDED);
}

enum number_is numbers_find(const struct numbers *n, uint32_t pid, uint64_t id)
{
	const uint64_t *slot = id ? u64map_get(&n->map, key_of(pid, id)) : NULL;

	if (!slot)
		return NUMBER_UNKNOWN;
	return *slot == ENDED ? NUMBER_ENDED : *slot == CLOSED ? NUMBER_CLOSED : NUMBER_OPEN;
}

void numbers_free(struct numbers *n)
{
	u64map_free(&n->map);
}
