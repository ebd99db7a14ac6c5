// SPDX-License-Identifier: BSD-2-Clause
/*
 * See segs.h. A sweep from the lowest address on: a heap holds the spans that have begun, the
 * highest rank on top. A span that has ended leaves the heap when it comes to its top, not before.
 */
#include "symbol/segs.h"

#include <stdlib.h>

#include "util/xalloc.h"

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

struct heap {
	const struct span **at;
	size_t cnt;
};

static void heap_push(struct heap *h, const struct span *sp)
{
	size_t i = h->cnt++, up;

	for (; i; i = up) {
		up = (i - 1) / 2;
		if (h->at[up]->rank >= sp->rank)
			break;
		h->at[i] = h->at[up];
	}
	h->at[i] = sp;
}

static void heap_pop(struct heap *h)
{
	const struct span *last = h->at[--h->cnt];
	size_t i = 0, down;

	while ((down = 2 * i + 1) < h->cnt) {
		if (down + 1 < h->cnt && h->at[down + 1]->rank > h->at[down]->rank)
			down++;
		if (last->rank >= h->at[down]->rank)
			break;
		h->at[i] = h->at[down];
		i = down;
	}
	h->at[i] = last;
}

static void emit(struct segs *s, uint64_t start, uint32_t id)
{
	if (s->cnt && s->seg[s->cnt - 1].id == id)
		return;
	s->seg = xgrow(s->seg, s->cnt, &s->cap, sizeof(*s->seg));
	s->seg[s->cnt++] = (struct seg){ start, id };
}

void segs_build(struct segs *s, struct span *span, size_t cnt)
{
	struct heap open = { xmalloc(cnt * sizeof(*open.at)), 0 };
	uint64_t pos = 0, next;
	size_t i = 0;

	s->cnt = 0;
	if (cnt)
		qsort(span, cnt, sizeof(*span), by_start);
	while (i < cnt || open.cnt) {
		if (!open.cnt)
			pos = span[i].start;
		for (; i < cnt && span[i].start <= pos; i++)
			if (span[i].end > span[i].start)
				heap_push(&open, &span[i]);
		while (open.cnt && open.at[0]->end <= pos)
			heap_pop(&open);
		if (!open.cnt) {
			emit(s, pos, SEG_NONE);
			continue;
		}
		emit(s, pos, open.at[0]->id);
		next = open.at[0]->end;
		if (i < cnt && span[i].start < next)
			next = span[i].start;
		pos = next;
	}
	free(open.at);
	if (s->cnt) {
		s->seg = xrealloc(s->seg, s->cnt * sizeof(*s->seg));
		s->cap = s->cnt;
	}
}

void segs_free(struct segs *s)
{
	free(s->seg);
	*s = (struct segs){ 0 };
}

uint32_t segs_find(const struct segs *s, uint64_t addr)
{
	size_t lo = 0, hi = s->cnt, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (s->seg[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? s->seg[lo - 1].id : SEG_NONE;
}
