/* SPDX-License-Identifier: BSD-2-Clause */
/* The two clocks, in ns. Only what faces the kernel may ask them; the pure half is told the time. */
#ifndef CTRACE_UTIL_CLOCK_H
#define CTRACE_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* What our time namespace adds to the kernel's monotonic clock, which is that of records; see
 * clock_setup(). */
extern int64_t clock_shift;

/* Reads clock_shift. To be called once, before the first reading that meets a record. */
void clock_setup(void);

/* CLOCK_MONOTONIC as the kernel has it. */
static inline uint64_t clock_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC) - (uint64_t)clock_shift;
}

/* CLOCK_REALTIME - CLOCK_MONOTONIC, read between two readings of the latter */
static inline int64_t clock_wall_offset(void)
{
	uint64_t before = clock_mono(), wall = clock_ns(CLOCK_REALTIME), after = clock_mono();

	return (int64_t)(wall - (before + (after - before) / 2));
}

#endif
