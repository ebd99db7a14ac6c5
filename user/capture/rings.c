// SPDX-License-Identifier: BSD-2-Clause
/* See rings.h. */
#include "capture/rings.h"

#include "util/strbuf.h"

#define RING_MAX (1u << 30)

static uint64_t pow2_up(uint64_t v)
{
	uint64_t p = 4096;

	while (p < v)
		p *= 2;
	return p;
}

uint32_t ring_size(uint64_t total, unsigned online, uint64_t ram, struct strbuf *why)
{
	uint64_t one;

	if (!total) {
		one = RING_DEFAULT;
		while (one > RING_MIN && one * online > ram / 32)
			one /= 2;
		return (uint32_t)one;
	}
	if (total < (uint64_t)RING_MIN * online) {
		strbuf_set_f(why, "--buffer: too small; %u CPUs need at least %uK", online,
			     online * (RING_MIN >> 10));
		return 0;
	}
	one = pow2_up((total + online - 1) / online);
	if (one < RING_MIN)
		one = RING_MIN;
	if (one > RING_MAX || one * online > ram / 2) {
		strbuf_set_f(why, "--buffer: too large; half of this machine's memory is %lluM",
			     (unsigned long long)(ram / 2 >> 20));
		return 0;
	}
	return (uint32_t)one;
}
