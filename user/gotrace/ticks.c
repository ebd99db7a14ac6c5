// SPDX-License-Identifier: BSD-2-Clause
/* See ticks.h. */
#include "gotrace/ticks.h"

#include <stdbool.h>
#include <string.h>

/*
 * Readers multiply ticks by a float64, which tells all numbers apart up to 2^53, 104 days of ns. So
 * the time of a recording that has reached half of that goes on in grains of 2 ns, then of 4, and
 * so on; a generation has one grain. A broken time takes the clock to TICK_FAR grains, and then
 * grain by grain; no file gets farther than GRAIN_MAX, which is 146 years.
 */
#define TICK_FAR (1ull << 53)
#define GRAIN_MAX 9

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
	uint64_t ns = ts > t->start_ts ? ts - t->start_ts : 0, grains = ns >> t->grain;

	return (grains < TICK_FAR ? grains : TICK_FAR) + (TICK_START >> t->grain);
}

uint64_t ticks_next(struct ticks *t, uint64_t ts)
{
	uint64_t tick = tick_of(t, ts) & ~1ull;

	if (tick <= t->last)
		tick = t->last + 2;
	if (!t->base)
		t->base = tick;
	t->last = tick;
	return tick << t->grain;
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

	after >>= t->grain;
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
	return tick << t->grain;
}

/* From now on time goes in grains of 2^grain ns. */
static void set_grain(struct ticks *t, unsigned grain)
{
	unsigned more = grain - t->grain;

	t->last = ((t->last + 1) >> more | 1) + 1; /* even, and behind all */
	t->grain = grain;
	memset(t->recent, 0, sizeof(t->recent));
	t->swept = 0;
}

void ticks_new_gen(struct ticks *t)
{
	unsigned grain = t->grain;

	t->last += 2; /* a late tick may be one ahead of it */
	while (grain < GRAIN_MAX && t->last >> (grain - t->grain) >= TICK_FAR / 2)
		grain++;
	if (grain != t->grain)
		set_grain(t, grain);
	t->base = 0;
	u64map_free(&t->old);
}
