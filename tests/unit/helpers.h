/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What several unit tests share: cmocka in its order, numbers at random that are the same in each
 * run, a sink in memory, and a trace that was written read back as a flat list of events. Whoever
 * makes a thing frees it.
 */
#ifndef CTRACE_TESTS_HELPERS_H
#define CTRACE_TESTS_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gotrace/decode.h"
#include "util/sink.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define UNUSED __attribute__((unused))
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* another malloc, and much slower */
#else
#define SANITIZED 0
#endif

static inline uint64_t rnd(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- directories ---- */

#define TEMP_LEN 64

/* Makes one for a test, whose name is in it; the caller removes it. 0 or -1. */
static UNUSED int temp_dir(char out[TEMP_LEN], const char *test)
{
	snprintf(out, TEMP_LEN, "/tmp/ctrace-%s-XXXXXX", test);
	return mkdtemp(out) ? 0 : -1;
}

/* ---- sinks: one that keeps everything, one for a file ---- */

static UNUSED int sink_keep(void *ctx, const void *data, size_t len)
{
	strbuf_add(ctx, data, len);
	return 0;
}

static UNUSED int sink_to_fd(void *ctx, const void *data, size_t len)
{
	int fd = (int)(intptr_t)ctx;

	return write(fd, data, len) == (ssize_t)len ? 0 : -errno;
}

#define FD_SINK(fd) ((struct sink){ sink_to_fd, (void *)(intptr_t)(fd) })

/* ---- reading back ---- */

struct seen {
	uint64_t gen;
	struct go_event ev;
	char text[64]; /* of the event's first string argument */
	char leaf[64]; /* function of the leaf frame of its last stack argument */
	char root[64];
};

struct trace {
	struct seen *ev;
	size_t cnt, cap;
	size_t ngen, nbatch;
	size_t largest; /* batch, bytes of data */
};

static UNUSED void copy_string(char *out, const struct go_gen *g, uint64_t id)
{
	const struct go_string *s = go_gen_string(g, id);

	if (id)
		assert_non_null(s); /* an id that the generation does not define */
	snprintf(out, 64, "%.*s", s ? (int)s->len : 0, s ? s->text : "");
}

static UNUSED void copy_stack(struct seen *e, const struct go_gen *g, uint64_t id)
{
	static struct go_frame f[GO_FRAMES_MAX];
	const struct go_stack *st = go_gen_stack(g, id);
	size_t n;

	if (!id)
		return;
	assert_non_null(st);
	n = go_stack_frames(st, f);
	assert_true(n > 0);
	copy_string(e->leaf, g, f[0].func);
	copy_string(e->root, g, f[n - 1].func);
}

static UNUSED void read_batch(struct trace *t, const struct go_gen *g, const struct go_batch *b)
{
	struct go_cursor c;
	struct seen *e;
	unsigned i;
	int r;

	go_cursor_init(&c, g, b);
	for (;;) {
		t->ev = xgrow(t->ev, t->cnt, &t->cap, sizeof(*t->ev));
		e = &t->ev[t->cnt];
		*e = (struct seen){ .gen = g->number };
		r = go_cursor_next(&c, &e->ev);
		assert_true(r >= 0);
		if (!r)
			break;
		for (i = e->ev.spec->narg; i-- > 0;) {
			if (e->ev.spec->arg[i].type == GO_ARG_STRING)
				copy_string(e->text, g, e->ev.arg[i]);
			if (e->ev.spec->arg[i].type == GO_ARG_STACK && !e->leaf[0])
				copy_stack(e, g, e->ev.arg[i]);
		}
		t->cnt++;
	}
}

static UNUSED int by_time(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->ev.time < y->ev.time ? -1 : x->ev.time > y->ev.time;
}

/*
 * All of a trace in time order. Fails the test when it is not whole, when an id is not defined, or
 * when two events have one tick, in whatever streams and generations they are.
 */
static UNUSED struct trace trace_read(const struct strbuf *data)
{
	struct strbuf why = STRBUF_INIT;
	struct go_reader *r = go_reader__new(data->buf, data->len, &why);
	struct trace t = { 0 };
	struct go_gen *g;
	size_t i;
	int more;

	assert_non_null(r);
	while ((more = go_reader__next(r, &g)) > 0) {
		t.ngen++;
		assert_int_equal(g->number, t.ngen);
		assert_int_equal(go_gen_tables(r, &why), 0);
		assert_true(g->sync.found);
		assert_int_equal(g->sync.freq, 1000000000);
		assert_int_equal(g->sync.clock, g->minor >= 25);
		for (i = 0; i < g->nbatch; i++) {
			t.nbatch++;
			if (g->batch[i].len > t.largest)
				t.largest = g->batch[i].len;
			if (g->batch[i].kind == GO_BATCH_EVENTS)
				read_batch(&t, g, &g->batch[i]);
		}
	}
	assert_int_equal(more, 0);
	go_reader__free(r);
	strbuf_free(&why);
	if (t.cnt)
		qsort(t.ev, t.cnt, sizeof(*t.ev), by_time);
	for (i = 1; i < t.cnt; i++) {
		assert_true(t.ev[i - 1].ev.time < t.ev[i].ev.time);
		assert_true(t.ev[i - 1].gen <= t.ev[i].gen);
	}
	return t;
}

static UNUSED void trace_free(struct trace *t)
{
	free(t->ev);
	*t = (struct trace){ 0 };
}

static UNUSED size_t trace_count(const struct trace *t, enum go_ev type)
{
	size_t i, n = 0;

	for (i = 0; i < t->cnt; i++)
		n += t->ev[i].ev.type == type;
	return n;
}

#endif
