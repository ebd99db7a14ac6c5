// SPDX-License-Identifier: BSD-2-Clause
/*
 * Calls that were closed because a stack pointer said so. The end of one of these, which comes all
 * the same, proves that it was not left: its thread has more stacks than one. What was written
 * cannot be taken back, but is counted, and it does not happen to that thread again.
 *
 * Only the newest are remembered.
 */
#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "util/xalloc.h"

#define LEFT_MAX 64

struct left_call {
	uint64_t sp;
	uint32_t site;
	bool counted;
};

static void drop(struct left_calls *l, unsigned i)
{
	memmove(&l->call[i], &l->call[i + 1], (--l->cnt - i) * sizeof(*l->call));
}

void leftcalls_add(struct model *m, struct left_calls *l, const struct region *r)
{
	if (!l->call)
		l->call = xcalloc(LEFT_MAX, sizeof(*l->call));
	if (l->cnt == LEFT_MAX)
		drop(l, 0);
	l->call[l->cnt++] = (struct left_call){ .sp = r->id, .site = r->site, .counted = m->live };
	marks_count(m, MARK_COUNT_UNWOUND);
}

void leftcalls_reused(struct left_calls *l, uint64_t sp)
{
	unsigned i;

	for (i = l->cnt; i-- > 0;)
		if (l->call[i].sp == sp)
			drop(l, i);
}

bool leftcalls_back(struct model *m, struct left_calls *l, uint64_t sp, uint32_t site)
{
	unsigned i;

	for (i = l->cnt; i-- > 0;)
		if (l->call[i].sp == sp && l->call[i].site == site)
			break;
	if (i >= l->cnt)
		return false;
	if (l->call[i].counted) {
		m->stats.marks[MARK_COUNT_UNWOUND]--;
		m->stats.marks[MARK_COUNT_CLOSED_EARLY]++;
	}
	drop(l, i);
	return true;
}

void leftcalls_free(struct left_calls *l)
{
	free(l->call);
	*l = (struct left_calls){ 0 };
}
