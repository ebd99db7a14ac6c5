// SPDX-License-Identifier: BSD-2-Clause
/* See symlog.h. */
#include "symlog.h"

#include <stdlib.h>

#include "event/evsym.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define PIECE 4096 /* frames that are asked for at once */

struct symlog {
	struct frame_resolver inner;
	struct u64map known; /* frame + 1 */
	uint64_t *frame;
	size_t cnt, cap;
};

struct symlog *symlog__new(const struct frame_resolver *inner)
{
	struct symlog *l = xcalloc(1, sizeof(*l));

	l->inner = *inner;
	return l;
}

void symlog__free(struct symlog *l)
{
	if (!l)
		return;
	u64map_free(&l->known);
	free(l->frame);
	free(l);
}

static void remember(struct symlog *l, uint64_t frame)
{
	bool fresh;

	if (l->cnt >= SYMLOG_MAX || frame == UINT64_MAX)
		return;
	u64map_put(&l->known, frame + 1, &fresh);
	if (!fresh)
		return;
	l->frame = xgrow(l->frame, l->cnt, &l->cap, sizeof(*l->frame));
	l->frame[l->cnt++] = frame;
}

static void prefetch(void *ctx, const uint64_t *frame, size_t cnt)
{
	struct symlog *l = ctx;

	l->inner.prefetch(l->inner.ctx, frame, cnt);
}

static size_t resolve(void *ctx, uint64_t frame, const struct sym_frame **out)
{
	struct symlog *l = ctx;

	remember(l, frame);
	return l->inner.resolve(l->inner.ctx, frame, out);
}

static void done(void *ctx)
{
	struct symlog *l = ctx;

	l->inner.done(l->inner.ctx);
}

struct frame_resolver symlog__resolver(struct symlog *l)
{
	return (struct frame_resolver){
		.ctx = l,
		.prefetch = l->inner.prefetch ? prefetch : NULL,
		.resolve = l->inner.resolve ? resolve : NULL,
		.done = l->inner.done ? done : NULL,
	};
}

static int write_frame(struct symlog *l, uint64_t ts, uint64_t frame,
		       int (*fn)(void *ctx, const void *rec, size_t len), void *ctx)
{
	const struct sym_frame *sym;
	struct ev_sym ev;
	size_t n, i, len;
	int err = 0;

	n = l->inner.resolve(l->inner.ctx, frame, &sym);
	for (i = 0; i < n && i < EV_SYM_FRAMES && !err; i++) {
		len = evsym_make(&ev, ts, frame, (unsigned)i, &sym[i]);
		err = fn(ctx, &ev, len);
	}
	return err;
}

int symlog__write(struct symlog *l, uint64_t ts, int (*fn)(void *ctx, const void *rec, size_t len),
		  void *ctx)
{
	size_t from, to, i;
	int err = 0;

	for (from = 0; from < l->cnt && !err; from = to) {
		to = from + PIECE < l->cnt ? from + PIECE : l->cnt;
		if (l->inner.prefetch)
			l->inner.prefetch(l->inner.ctx, l->frame + from, to - from);
		for (i = from; i < to && !err; i++)
			err = write_frame(l, ts, l->frame[i], fn, ctx);
		if (l->inner.done)
			l->inner.done(l->inner.ctx);
	}
	return err;
}
