// SPDX-License-Identifier: BSD-2-Clause
/* See ticks.h. */
#include "gotrace/ticks.h"

#include <stdbool.h>
#include <string.h>

/*
 * 104 days. Readers multiply ticks by a float64, which tells even numbers apart up to twice this; a
 * recording that is longer, or a broken time, goes on from here tick by tick.
 */
#define TICK_FAR (1ull << 53)

void ticks_init(struct ticks *t, uint64_t start_ts)
{
	*t = (struct ticks){ .start_ts = start_ts, .last = TICK_START - 2 };
}

void ticks_free(struct ticks *t)
{
	u64map_free(&t->old);
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

/* ---- recent late ticks: 4 k + 1, a bit for each in a window that moves on ---- */

#define WORDS TICKS_WORDS

static bool is_recent(const struct ticks *t, uint64_t tick)
{
	return tick / 256 + WORDS >= t->swept;
}

/* The window reaches up to this word. */
static void sweep_to(struct ticks *t, uint64_t word)
{
	if (word < t->swept)
		return;
	if (word - t->swept >= WORDS) {
		memset(t->recent, 0, sizeof(t->recent));
		t->swept = word + 1;
	}
	while (t->swept <= word)
		t->recent[t->swept++ % WORDS] = 0;
}

/* The first free tick from this one on. */
static uint64_t take_recent(struct ticks *t, uint64_t tick)
{
	uint64_t slot = tick / 4, word, free;

	for (;;) {
		word = slot / 64;
		sweep_to(t, word);
		free = ~t->recent[word % WORDS] >> (slot % 64);
		if (free)
			break;
		slot = (word + 1) * 64;
	}
	slot += (unsigned)__builtin_ctzll(free);
	t->recent[word % WORDS] |= 1ull << (slot % 64);
	return slot * 4 + 1;
}

/* ---- those that are older than the window: 4 k + 3, in a table, for they are few ---- */

static uint64_t take_old(struct ticks *t, uint64_t tick)
{
	bool fresh;

	for (;; tick += 4) {
		u64map_put(&t->old, tick, &fresh);
		if (fresh)
			return tick;
	}
}

uint64_t ticks_late(struct ticks *t, uint64_t ts, uint64_t after)
{
	uint64_t tick = tick_of(t, ts);

	if (!t->base)
		t->base = t->last;
	if (after < t->base)
		after = t->base;
	if (tick <= after + 2)
		tick = after + 3; /* so that rounding keeps it behind */
	if (is_recent(t, tick))
		tick = take_recent(t, tick);
	else
		tick = take_old(t, tick | 3);
	if (tick > t->last)
		t->last = tick - 1;
	return tick;
}

void ticks_new_gen(struct ticks *t)
{
	t->last += 2; /* a late tick may be one ahead of it */
	t->base = 0;
	u64map_free(&t->old);
}
