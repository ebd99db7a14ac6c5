/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time on the wire. A tick is a ns since the start of the recording plus 1000; 0 would mean "unset"
 * to readers, and raw monotonic time loses its last bits in their floating point.
 *
 * No two events of a trace may share a tick, or the reader is free to take them in an impossible
 * order. Events in order take even ticks, each greater than the one before. A late event, the begin
 * of a syscall that is known only at its end, takes an odd tick in the past that no other late
 * event of its generation has. They are 1 and 3 ns off at most, and more only when events come
 * faster than that. After 52 days of recording these are grains of 2 ns instead of 1 ns, and so on.
 *
 * Nearly all late events are of the last few microseconds. A map of the last 262 of them stays in
 * the first cache; a table of a whole generation would be out of all caches, and asking it the
 * dearest thing in the program.
 */
#ifndef CTRACE_GOTRACE_TICKS_H
#define CTRACE_GOTRACE_TICKS_H

#include <stddef.h>
#include <stdint.h>

#include "util/u64map.h"

#define TICK_START 1000u
#define TICKS_WORDS 1024 /* power of two */

struct ticks {
	uint64_t start_ts; /* CLOCK_MONOTONIC of TICK_START */
	unsigned grain;	   /* the next ones count in 2^grain ns; what is given out counts in ns */
	uint64_t last;	   /* newest even tick given */
	uint64_t base; /* first even tick of the generation, 0 none yet; no late tick is older */
	uint64_t recent[TICKS_WORDS]; /* a bit for each 4 grains: is their tick 4 k + 1 given? */
	uint64_t swept;	   /* words below this are valid, as many as there are; 256 grains each */
	struct u64map old; /* ticks 4 k + 3 that were given in this generation */
};

void ticks_init(struct ticks *t, uint64_t start_ts);
void ticks_free(struct ticks *t);

/* The next tick in order for something that happened at ts (ns, CLOCK_MONOTONIC). */
uint64_t ticks_next(struct ticks *t, uint64_t ts);
/* A tick for something that happened at ts, greater than `after`; the next one in order is greater
 * still. */
uint64_t ticks_late(struct ticks *t, uint64_t ts, uint64_t after);
/* A generation begins: late ticks are forgotten and may not go behind this point. */
void ticks_new_gen(struct ticks *t);

#endif
