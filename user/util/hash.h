/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashes for tables: of 64-bit keys, and of bytes (FNV-1a,
 * http://www.isthe.com/chongo/tech/comp/fnv/). Neither withstands somebody who looks for
 * collisions; tables compare what they find.
 */
#ifndef CTRACE_UTIL_HASH_H
#define CTRACE_UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SEED 0xcbf29ce484222325ull

static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ull;
	x ^= x >> 29;
	return x;
}

/* Goes on with h, which is HASH_SEED at first. */
static inline uint64_t hash_bytes64(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

static inline uint32_t hash_bytes(const void *data, size_t len)
{
	uint64_t h = hash_bytes64(HASH_SEED, data, len);

	return (uint32_t)(h ^ h >> 32);
}

#endif
