// SPDX-License-Identifier: BSD-2-Clause
/* See wordalloc.h. */
#include "unwind/wordalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static void drop(struct wordalloc *a, size_t i)
{
	a->nidle--;
	memmove(&a->idle[i], &a->idle[i + 1], (a->nidle - i) * sizeof(*a->idle));
}

int wordalloc_take(struct wordalloc *a, uint32_t cnt, uint32_t *first)
{
	size_t i;

	for (i = 0; i < a->nidle; i++) {
		struct wordalloc_run *r = &a->idle[i];

		if (r->cnt < cnt)
			continue;
		*first = r->first;
		r->first += cnt;
		r->cnt -= cnt;
		if (!r->cnt)
			drop(a, i);
		a->used += cnt;
		return 0;
	}
	if (cnt > a->limit - a->top)
		return -ENOSPC;
	*first = a->top;
	a->top += cnt;
	a->used += cnt;
	return 0;
}

/* The first idle run behind a word. */
static size_t behind(const struct wordalloc *a, uint32_t word)
{
	size_t lo = 0, hi = a->nidle, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (a->idle[mid].first <= word)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void wordalloc_give(struct wordalloc *a, uint32_t first, uint32_t cnt)
{
	size_t i = behind(a, first);
	struct wordalloc_run *r;

	assert(first + cnt <= a->top && cnt <= a->used);
	assert(!i || a->idle[i - 1].first + a->idle[i - 1].cnt <= first);
	assert(i == a->nidle || first + cnt <= a->idle[i].first);
	a->used -= cnt;
	if (i && a->idle[i - 1].first + a->idle[i - 1].cnt == first) {
		i--;
		a->idle[i].cnt += cnt;
	} else {
		a->idle = xgrow(a->idle, a->nidle, &a->cap, sizeof(*a->idle));
		memmove(&a->idle[i + 1], &a->idle[i], (a->nidle - i) * sizeof(*a->idle));
		a->nidle++;
		a->idle[i] = (struct wordalloc_run){ first, cnt };
	}
	r = &a->idle[i];
	if (i + 1 < a->nidle && r->first + r->cnt == r[1].first) {
		r->cnt += r[1].cnt;
		drop(a, i + 1);
	}
	if (r->first + r->cnt == a->top) {
		a->top = r->first;
		drop(a, i);
	}
}

void wordalloc_free(struct wordalloc *a)
{
	free(a->idle);
	*a = WORDALLOC_INIT(a->limit);
}
