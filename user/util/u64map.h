/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table from u64 to u64 for the hot path: open addressing, one array, no allocation but to
 * grow. Key 0 is not storable. A zeroed struct u64map is a valid empty one.
 */
#ifndef CTRACE_UTIL_U64MAP_H
#define CTRACE_UTIL_U64MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct u64map_slot {
	uint64_t key; /* 0: empty */
	uint64_t val;
};

struct u64map {
	struct u64map_slot *slot;
	size_t cnt;
	size_t cap; /* power of two, at most 3/4 full; 0 before the first put */
};

/* The value of key, or NULL; valid until the next put or del. */
uint64_t *u64map_get(const struct u64map *m, uint64_t key);
/* The value of key, made as 0 when it was not there (*fresh tells, may be NULL). */
uint64_t *u64map_put(struct u64map *m, uint64_t key, bool *fresh);
void u64map_del(struct u64map *m, uint64_t key); /* fine when it is not there */
void u64map_free(struct u64map *m);

#endif
