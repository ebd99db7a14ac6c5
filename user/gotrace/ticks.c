// SPDX-License-Identifier: BSD-2-Clause
/* See ticks.h. */
#include "gotrace/ticks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

/*
 * 104 days. Readers multiply ticks by a float64, which tells even numbers apart up to twice this; a recording that is
 * longer, or a broken time, goes on from here tick by tick.
 */
#define TICK_FAR (1ull << 53)

void ticks_init(struct ticks *t, uint64_t start_ts)
{
	*t = (struct ticks){ .start_ts = start_ts, .last = TICK_START - 2 };
}

void ticks_free(struct ticks *t)
{
	free(t->used);
	t->used = NULL;
}

static uint64_t tick_of(const struct ticks *t, uint64_t ts)
{
	uint64_t ns = ts > t->start_ts ? ts - t->start_ts : 0;

	return (ns < TICK_FAR ? ns : TICK_FAR) + TICK_START;
}

uint64_t ticks_next(struct ticks *t, uint64_t ts)
{
	uint64_t tick = tick_of(t, ts) & ~1ull;

	if (tick <= t->last)
		tick = t->last + 2;
	if (!t->base)
		t->base = tick;
	return t->last = tick;
}

/* Begins come nearly in order, so neighbours in time are neighbours in the table. */
static size_t home_of(const struct ticks *t, uint32_t v)
{
	return (v >> 3) & (t->cap - 1);
}

/* false when v is in the table already */
static bool take(struct ticks *t, uint32_t v)
{
	size_t i;

	for (i = home_of(t, v); t->used[i]; i = (i + 1) & (t->cap - 1))
		if (t->used[i] == v)
			return false;
	t->used[i] = v;
	t->nused++;
	return true;
}

static void grow(struct ticks *t)
{
	uint32_t *old = t->used;
	size_t n = t->cap, i;

	t->cap = n ? n * 2 : 4096;
	t->used = xcalloc(t->cap, sizeof(*t->used));
	t->nused = 0;
	for (i = 0; i < n; i++)
		if (old[i])
			take(t, old[i]);
	free(old);
}

uint64_t ticks_late(struct ticks *t, uint64_t ts, uint64_t after)
{
	uint64_t tick = tick_of(t, ts) | 1;

	if (!t->base)
		t->base = t->last;
	if (after < t->base)
		after = t->base;
	if (tick <= after)
		tick = (after + 1) | 1;
	if ((t->nused + 1) * 2 > t->cap)
		grow(t);
	while ((tick - t->base) / 2 + 1 < UINT32_MAX &&
	       !take(t, (uint32_t)((tick - t->base) / 2 + 1)))
		tick += 2;
	if (tick > t->last)
		t->last = tick - 1;
	return tick;
}

void ticks_new_gen(struct ticks *t)
{
	t->last += 2; /* a late tick may be one ahead of it */
	t->base = 0;
	if (t->nused)
		memset(t->used, 0, t->cap * sizeof(*t->used));
	t->nused = 0;
}
