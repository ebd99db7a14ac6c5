// SPDX-License-Identifier: BSD-2-Clause
/*
 * See merge.h. A stream is a byte queue and a queue of {time, place} that is kept sorted by
 * insertion: an interrupt puts a record at most a few places out of order. A heap over the heads of
 * the streams finds the next record.
 */
#include "event/merge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

#define STREAM_MAX (256u << 20) /* bytes of one stream that wait */

struct item {
	uint64_t ts;
	uint32_t off; /* in the stream's bytes */
	uint16_t len;
	uint16_t rank;
};

struct stream {
	char *buf;
	size_t used, cap;
	struct item *item;
	size_t head, cnt, cap_item; /* items before head are gone */
};

struct merge {
	merge_fn fn;
	void *ctx;
	struct stream *stream;
	unsigned nstream;
	unsigned *heap; /* streams that have records older than the watermark, the oldest first */
	unsigned nheap;
	uint64_t last;	 /* newest watermark */
	uint64_t newest; /* time of any record */
	uint64_t late;
	size_t pending;
};

struct merge *merge__new(unsigned nstream, merge_fn fn, void *ctx)
{
	struct merge *m = xcalloc(1, sizeof(*m));

	m->fn = fn;
	m->ctx = ctx;
	m->nstream = nstream;
	m->stream = xcalloc(nstream, sizeof(*m->stream));
	m->heap = xcalloc(nstream, sizeof(*m->heap));
	return m;
}

void merge__free(struct merge *m)
{
	unsigned i;

	if (!m)
		return;
	for (i = 0; i < m->nstream; i++) {
		free(m->stream[i].buf);
		free(m->stream[i].item);
	}
	free(m->stream);
	free(m->heap);
	free(m);
}

static uint16_t rank_of(unsigned kind)
{
	return kind == EV_SWITCH ? 0 : kind == EV_WAKING ? 1 : 2;
}

void merge__push(struct merge *m, unsigned stream, const void *rec, size_t len)
{
	const struct ev_hdr *h = rec;
	struct stream *s = &m->stream[stream];
	size_t room = (len + 7) & ~(size_t)7, i;
	struct item it;

	if (s->used + room >
	    STREAM_MAX) /* no watermark for so long: no order is worth more memory */
		merge__flush(m);
	if (s->used + room > s->cap) {
		while (s->used + room > s->cap)
			s->cap = s->cap ? s->cap * 2 : 65536;
		s->buf = xrealloc(s->buf, s->cap);
	}
	memcpy(s->buf + s->used, rec, len);
	it = (struct item){ h->ts, (uint32_t)s->used, (uint16_t)len, rank_of(h->kind) };
	s->used += room;
	m->pending += room;
	if (h->ts < m->last)
		m->late++;
	if (h->ts > m->newest)
		m->newest = h->ts;
	s->item = xgrow(s->item, s->cnt, &s->cap_item, sizeof(*s->item));
	for (i = s->cnt++; i > s->head && s->item[i - 1].ts > it.ts; i--)
		s->item[i] = s->item[i - 1];
	s->item[i] = it;
}

/* Does the head of stream a go before that of stream b? */
static bool before(const struct merge *m, unsigned a, unsigned b)
{
	const struct item *x = &m->stream[a].item[m->stream[a].head];
	const struct item *y = &m->stream[b].item[m->stream[b].head];

	if (x->ts != y->ts)
		return x->ts < y->ts;
	if (x->rank != y->rank)
		return x->rank < y->rank;
	return a < b;
}

static void sift_down(struct merge *m, unsigned i)
{
	unsigned child, top = m->heap[i];

	while ((child = 2 * i + 1) < m->nheap) {
		if (child + 1 < m->nheap && before(m, m->heap[child + 1], m->heap[child]))
			child++;
		if (before(m, top, m->heap[child]))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = top;
}

static bool has_older(const struct stream *s, uint64_t watermark)
{
	return s->head < s->cnt && s->item[s->head].ts < watermark;
}

static void emit_head(struct merge *m, struct stream *s)
{
	const struct item *it = &s->item[s->head++];

	m->pending -= ((size_t)it->len + 7) & ~(size_t)7;
	m->fn(m->ctx, (const struct ev_hdr *)(s->buf + it->off), it->len);
}

/* Moves what waits to the front, when that is less than what is gone. */
static void compact(struct stream *s)
{
	size_t i, from, n = s->cnt - s->head;

	if (!n) {
		s->used = s->head = s->cnt = 0;
		return;
	}
	if (n > s->head)
		return;
	from = s->used;
	for (i = s->head; i < s->cnt; i++)
		if (s->item[i].off < from)
			from = s->item[i].off;
	memmove(s->buf, s->buf + from, s->used - from);
	s->used -= from;
	for (i = 0; i < n; i++) {
		s->item[i] = s->item[s->head + i];
		s->item[i].off -= (uint32_t)from;
	}
	s->head = 0;
	s->cnt = n;
}

void merge__advance(struct merge *m, uint64_t watermark)
{
	struct stream *s;
	unsigned i;

	m->nheap = 0;
	for (i = 0; i < m->nstream; i++)
		if (has_older(&m->stream[i], watermark))
			m->heap[m->nheap++] = i;
	for (i = m->nheap / 2; i-- > 0;)
		sift_down(m, i);
	while (m->nheap) {
		s = &m->stream[m->heap[0]];
		emit_head(m, s);
		if (!has_older(s, watermark))
			m->heap[0] = m->heap[--m->nheap];
		if (m->nheap > 1)
			sift_down(m, 0);
	}
	for (i = 0; i < m->nstream; i++)
		compact(&m->stream[i]);
	if (watermark == UINT64_MAX) /* a flush: more may come */
		watermark = m->newest;
	if (watermark > m->last)
		m->last = watermark;
}

void merge__flush(struct merge *m)
{
	unsigned i;

	merge__advance(m, UINT64_MAX);
	for (i = 0; i < m->nstream; i++) /* a time of UINT64_MAX is older than no watermark */
		while (m->stream[i].head < m->stream[i].cnt)
			emit_head(m, &m->stream[i]);
}

uint64_t merge__late(const struct merge *m)
{
	return m->late;
}

size_t merge__pending(const struct merge *m)
{
	return m->pending;
}
