// SPDX-License-Identifier: BSD-2-Clause
/*
 * The numbers that ctrace.h gives to regions, of all threads: an end that is for none of its own
 * thread's is told from one whose begin nobody saw.
 */
#include "model/state.h"
#include "util/hash.h"

#define ENDED UINT64_MAX /* in place of how many are open */

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
	*slot = *slot == ENDED ? 1 : *slot + 1;
}

void numbers_close(struct numbers *n, const struct region *r)
{
	uint64_t key = key_of(r->pid, r->id), *slot;

	if (!has_number(r))
		return;
	slot = u64map_get(&n->map, key);
	if (slot && *slot != ENDED && !--*slot)
		u64map_del(&n->map, key);
}

void numbers_ended(struct numbers *n, uint32_t pid, uint64_t id)
{
	uint64_t key = key_of(pid, id), *slot = &n->ended[n->at++ % NUMBERS_ENDED], *old;
	bool fresh;

	old = *slot ? u64map_get(&n->map, *slot) : NULL;
	if (old && *old == ENDED)
		u64map_del(&n->map, *slot);
	*slot = key;
	old = u64map_put(&n->map, key, &fresh);
	if (fresh)
		*old = ENDED;
}

enum number_is numbers_find(const struct numbers *n, uint32_t pid, uint64_t id)
{
	const uint64_t *slot = id ? u64map_get(&n->map, key_of(pid, id)) : NULL;

	if (!slot)
		return NUMBER_UNKNOWN;
	return *slot == ENDED ? NUMBER_ENDED : NUMBER_OPEN;
}

void numbers_free(struct numbers *n)
{
	u64map_free(&n->map);
}
