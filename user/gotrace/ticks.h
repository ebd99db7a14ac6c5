/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time on the wire. A tick is a ns since the start of the recording plus 1000; 0 would mean "unset" to readers,
 * and raw monotonic time loses its last bits in their floating point.
 *
 * No two events of a trace may share a tick, or the reader is free to take them in an impossible order. Events
 * in order take even ticks, each greater than the one before. A late event, the begin of a syscall that is
 * known only at its end, takes an odd tick in the past that no other late event of its generation has.
 * Both are at most 1 ns off, and more only when events come faster than that.
 */
#ifndef CTRACE_GOTRACE_TICKS_H
#define CTRACE_GOTRACE_TICKS_H

#include <stddef.h>
#include <stdint.h>

#define TICK_START 1000u

struct ticks {
	uint64_t start_ts; /* CLOCK_MONOTONIC of TICK_START */
	uint64_t last;	   /* newest even tick given */
	uint64_t base;	/* first even tick of the generation, 0 none yet; no late tick is older */
	uint32_t *used; /* odd ticks given since base, hashed; (tick - base) / 2 + 1, 0 empty */
	size_t nused, cap;
};

void ticks_init(struct ticks *t, uint64_t start_ts);
void ticks_free(struct ticks *t);

/* The next tick in order for something that happened at ts (ns, CLOCK_MONOTONIC). */
uint64_t ticks_next(struct ticks *t, uint64_t ts);
/* A tick for something that happened at ts, greater than `after`; the next one in order is greater still. */
uint64_t ticks_late(struct ticks *t, uint64_t ts, uint64_t after);
/* A generation begins: late ticks are forgotten and may not go behind this point. */
void ticks_new_gen(struct ticks *t);

#endif
