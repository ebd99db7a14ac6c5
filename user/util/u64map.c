// SPDX-License-Identifier: BSD-2-Clause
/* See u64map.h. Linear probing; deletion shifts the run back, so there are no tombstones. */
#include "util/u64map.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/xalloc.h"

static size_t find(const struct u64map *m, uint64_t key)
{
	size_t mask = m->cap - 1, i = hash_u64(key) & mask;

	while (m->slot[i].key && m->slot[i].key != key)
		i = (i + 1) & mask;
	return i;
}

uint64_t *u64map_get(const struct u64map *m, uint64_t key)
{
	size_t i;

	if (!m->cap || !key)
		return NULL;
	i = find(m, key);
	return m->slot[i].key ? &m->slot[i].val : NULL;
}

static void grow(struct u64map *m)
{
	struct u64map old = *m;
	size_t i;

	m->cap = old.cap ? old.cap * 2 : 64;
	m->slot = xcalloc(m->cap, sizeof(*m->slot));
	for (i = 0; i < old.cap; i++)
		if (old.slot[i].key)
			m->slot[find(m, old.slot[i].key)] = old.slot[i];
	free(old.slot);
}

uint64_t *u64map_put(struct u64map *m, uint64_t key, bool *fresh)
{
	size_t i;

	if ((m->cnt + 1) * 4 > m->cap * 3)
		grow(m);
	i = find(m, key);
	if (fresh)
		*fresh = !m->slot[i].key;
	if (!m->slot[i].key) {
		m->slot[i] = (struct u64map_slot){ .key = key };
		m->cnt++;
	}
	return &m->slot[i].val;
}

void u64map_del(struct u64map *m, uint64_t key)
{
	size_t mask = m->cap - 1, hole, i, home;

	if (!m->cap || !key)
		return;
	hole = find(m, key);
	if (!m->slot[hole].key)
		return;
	m->cnt--;
	for (i = (hole + 1) & mask; m->slot[i].key; i = (i + 1) & mask) {
		home = hash_u64(m->slot[i].key) & mask;
		/* may it move back into the hole? only when its home is not between the two */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slot[hole] = m->slot[i];
			hole = i;
		}
	}
	m->slot[hole].key = 0;
}

void u64map_free(struct u64map *m)
{
	free(m->slot);
	*m = (struct u64map){ 0 };
}
