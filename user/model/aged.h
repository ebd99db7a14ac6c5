/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Things that a program names by numbers of its own, each number in a scope, and of which those are
 * forgotten that were used longest ago: found by number and scope, and in lists by age. What is
 * kept embeds a struct aged as its first member, and belongs to the caller. Zeroed tables and lists
 * are valid empty ones.
 */
#ifndef CTRACE_MODEL_AGED_H
#define CTRACE_MODEL_AGED_H

#include <stddef.h>
#include <stdint.h>

#include "util/u64map.h"

struct aged {
	uint64_t scope, id; /* set before it is added, and not changed then */

	struct aged *prev, *next; /* next is older */
	struct aged *same;	  /* with the same hash */
	struct aged_list *list;	  /* that it is in */
};

struct aged_list {
	struct aged *first, *last; /* the one used last, and the one used longest ago */
	size_t cnt;
};

struct aged_table {
	struct u64map by_hash;
};

struct aged *aged_find(const struct aged_table *t, uint64_t scope, uint64_t id);

/* A new one, used last in its list. */
void aged_add(struct aged_table *t, struct aged_list *l, struct aged *a);

/* It is used: to the front of its list, or of another. */
void aged_use(struct aged_list *l, struct aged *a);

/* Out of table and list. */
void aged_del(struct aged_table *t, struct aged *a);

void aged_free(struct aged_table *t); /* which is empty by then */

#endif
