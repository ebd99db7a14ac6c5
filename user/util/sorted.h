/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking up numbers in an array that is sorted by them. */
#ifndef CTRACE_UTIL_SORTED_H
#define CTRACE_UTIL_SORTED_H

#include <stddef.h>
#include <stdint.h>

/*
 * The index of the first of cnt elements, each `size` bytes long, whose number is not below `from`;
 * cnt: there is none. first: the number of element 0, which may be a member of it; NULL where cnt
 * is 0.
 */
static inline size_t sorted_from(const uint64_t *first, size_t cnt, size_t size, uint64_t from)
{
	size_t lo = 0, hi = cnt, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (*(const uint64_t *)((const char *)first + mid * size) < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

#endif
