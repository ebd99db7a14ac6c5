// SPDX-License-Identifier: BSD-2-Clause
/* See maplist.h. */
#include "space/maplist.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static void insert(struct maplist *l, size_t at, struct unw_mapping m)
{
	l->m = xgrow(l->m, l->cnt, &l->cap, sizeof(*l->m));
	memmove(l->m + at + 1, l->m + at, (l->cnt - at) * sizeof(*l->m));
	l->m[at] = m;
	l->cnt++;
}

static void drop_inside(struct maplist *l, uint64_t start, uint64_t end,
			const struct maplist_hold *hold)
{
	size_t i, n = 0;

	for (i = 0; i < l->cnt; i++) {
		if (l->m[i].start >= start && l->m[i].end <= end)
			hold->put(hold->ctx, l->m[i].module);
		else
			l->m[n++] = l->m[i];
	}
	l->cnt = n;
}

static void clear_range(struct maplist *l, uint64_t start, uint64_t end,
			const struct maplist_hold *hold)
{
	struct unw_mapping *m, right;
	size_t i;

	drop_inside(l, start, end, hold);
	for (i = 0; i < l->cnt; i++) {
		m = &l->m[i];
		if (m->end <= start || m->start >= end)
			continue;
		right = *m;
		if (m->start < start && m->end > end) { /* in the midst of one, which becomes two */
			m->end = start;
			right.start = end;
			hold->use(hold->ctx, right.module);
			insert(l, i + 1, right);
			return;
		}
		if (m->start < start)
			m->end = start;
		else
			m->start = end;
	}
}

void maplist_add(struct maplist *l, struct unw_mapping m, const struct maplist_hold *hold)
{
	size_t at;

	clear_range(l, m.start, m.end, hold);
	for (at = l->cnt; at && l->m[at - 1].start > m.start; at--)
		;
	insert(l, at, m);
}

void maplist_copy(struct maplist *to, const struct maplist *from, const struct maplist_hold *hold)
{
	size_t i;

	maplist_clear(to, hold);
	for (i = 0; i < from->cnt; i++) {
		hold->use(hold->ctx, from->m[i].module);
		insert(to, i, from->m[i]);
	}
}

void maplist_clear(struct maplist *l, const struct maplist_hold *hold)
{
	size_t i;

	for (i = 0; i < l->cnt; i++)
		hold->put(hold->ctx, l->m[i].module);
	l->cnt = 0;
}

void maplist_free(struct maplist *l, const struct maplist_hold *hold)
{
	maplist_clear(l, hold);
	free(l->m);
	*l = (struct maplist){ 0 };
}
