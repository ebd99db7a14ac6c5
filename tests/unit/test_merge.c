// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many streams become one in time order: against qsort() at random, ties, disorder inside a stream,
 * late records, and that the watermark alone decides when.
 */
#include "helpers.h"

#include <malloc.h>

#include "event/merge.h"

struct got {
	uint64_t ts;
	uint32_t arg;
	uint8_t kind;
};

struct out {
	struct got *got;
	size_t cnt, cap;
};

static void take(void *ctx, const struct ev_hdr *rec, size_t len)
{
	struct out *o = ctx;

	assert_true(len >= sizeof(*rec));
	o->got = xgrow(o->got, o->cnt, &o->cap, sizeof(*o->got));
	o->got[o->cnt++] = (struct got){ rec->ts, rec->arg, rec->kind };
}

/* its bytes tell which one it is, to the last */
static void push(struct merge *m, unsigned stream, uint64_t ts, unsigned kind, uint32_t arg)
{
	struct ev_hdr h = { .ts = ts, .kind = (uint8_t)kind, .arg = arg };

	merge__push(m, stream, &h, sizeof(h));
}

static void expect(const struct out *o, size_t n, const uint32_t *arg)
{
	assert_int_equal(o->cnt, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(o->got[i].arg, arg[i]);
}
#define EXPECT(o, ...)                                              \
	expect(o, sizeof((uint32_t[]){ 0, ##__VA_ARGS__ }) / 4 - 1, \
	       (uint32_t[]){ 0, ##__VA_ARGS__ } + 1)

static void over_streams(void **state)
{
	struct out o = { 0 };
	struct merge *m = merge__new(4, take, &o);

	(void)state;
	push(m, 0, 10, EV_EXIT, 1);
	push(m, 0, 40, EV_EXIT, 4);
	push(m, 1, 20, EV_EXIT, 2);
	push(m, 3, 30, EV_EXIT, 3); /* stream 2 is silent and holds nobody back */
	assert_int_equal(o.cnt, 0);
	assert_int_equal(merge__pending(m), 64);
	merge__advance(m, 100);
	EXPECT(&o, 1, 2, 3, 4);
	assert_int_equal(merge__pending(m), 0);
	assert_int_equal(merge__late(m), 0);
	merge__free(m);
	merge__free(NULL);
	free(o.got);
}

static void watermark(void **state)
{
	struct out o = { 0 };
	struct merge *m = merge__new(2, take, &o);

	(void)state;
	push(m, 0, 10, EV_EXIT, 1);
	push(m, 1, 20, EV_EXIT, 2);
	push(m, 0, 20, EV_SWITCH, 3);
	merge__advance(m, 10);
	EXPECT(&o);
	merge__advance(m, 11);
	EXPECT(&o, 1);
	merge__advance(m, 20); /* not what is as old as the watermark: a switch may still come */
	EXPECT(&o, 1);
	push(m, 1, 20, EV_WAKING, 4);
	assert_int_equal(merge__late(m), 0);
	merge__advance(m, 21);
	EXPECT(&o, 1, 3, 2, 4);
	merge__advance(m, 5); /* back: nothing happens */
	push(m, 0, 21, EV_EXIT, 5);
	assert_int_equal(merge__late(m), 0);
	merge__free(m);
	free(o.got);
}

static void inside_a_stream(void **state)
{
	struct out o = { 0 };
	struct merge *m = merge__new(1, take, &o);

	(void)state;
	push(m, 0, 30, EV_EXIT, 3);
	push(m, 0, 10, EV_EXIT, 1);
	push(m, 0, 40, EV_EXIT, 5);
	push(m, 0, 20, EV_EXIT, 2);
	push(m, 0, 30, EV_EXIT, 4); /* equal times stay in the order of arrival */
	merge__advance(m, 25);
	EXPECT(&o, 1, 2);
	push(m, 0, 26, EV_EXIT, 9);
	merge__flush(m);
	EXPECT(&o, 1, 2, 9, 3, 4, 5);
	merge__free(m);
	free(o.got);
}

static void ties(void **state)
{
	struct out o = { 0 };
	struct merge *m = merge__new(5, take, &o);

	(void)state;
	push(m, 0, 10, EV_WAKEUP, 4);
	push(m, 1, 10, EV_FORK, 5);
	push(m, 2, 10, EV_WAKING, 3);
	push(m, 3, 10, EV_SWITCH, 1);
	push(m, 4, 10, EV_SWITCH, 2);
	merge__flush(m);
	EXPECT(&o, 1, 2, 3, 4, 5);
	merge__free(m);
	free(o.got);
}

/* a thread is introduced before the switch to it, though both have one time */
static void ties_inside_a_stream(void **state)
{
	struct out o = { 0 };
	struct merge *m = merge__new(2, take, &o);

	(void)state;
	push(m, 0, 10, EV_THREAD, 1);
	push(m, 0, 10, EV_SWITCH, 2);
	merge__flush(m);
	EXPECT(&o, 1, 2);
	merge__free(m);
	free(o.got);
}

static void late(void **state)
{
	struct out o = { 0 };
	struct merge *m = merge__new(2, take, &o);

	(void)state;
	push(m, 0, 100, EV_EXIT, 1);
	merge__advance(m, 200);
	push(m, 1, 199, EV_EXIT, 2);
	push(m, 1, 150, EV_EXIT, 3);
	push(m, 0, 200, EV_EXIT, 4);
	assert_int_equal(merge__late(m), 2);
	merge__advance(m, 200); /* late ones do not wait for the next watermark */
	EXPECT(&o, 1, 3, 2);
	merge__advance(m, 300);
	EXPECT(&o, 1, 3, 2, 4);
	assert_int_equal(merge__late(m), 2);
	merge__free(m);
	free(o.got);
}

static void end_of_time(void **state)
{
	struct out o = { 0 };
	struct merge *m = merge__new(2, take, &o);

	(void)state;
	push(m, 0, UINT64_MAX, EV_EXIT, 2);
	push(m, 1, UINT64_MAX, EV_EXIT, 3);
	push(m, 1, UINT64_MAX - 1, EV_EXIT, 1);
	merge__flush(m);
	EXPECT(&o, 1, 2, 3);
	assert_int_equal(merge__pending(m), 0);
	merge__free(m);
	free(o.got);
}

/* a record of any legal size comes out as it went in, across all moves of the queue */
static size_t nbodies;

static void take_body(void *ctx, const struct ev_hdr *rec, size_t len)
{
	const unsigned char *p = (const unsigned char *)(rec + 1);

	(void)ctx;
	assert_int_equal((uintptr_t)rec % 8, 0);
	assert_int_equal(len, rec->arg);
	for (size_t i = 0; i < len - sizeof(*rec); i++)
		assert_int_equal(p[i], (unsigned char)(rec->ts + i));
	nbodies++;
}

static void bodies(void **state)
{
	struct merge *m = merge__new(3, take_body, NULL);
	uint64_t seed = 5, buf[EV_RECORD_MAX / 8], ts = 1000;
	struct ev_hdr *h = (struct ev_hdr *)buf;
	unsigned char *p = (unsigned char *)(h + 1);
	size_t len, i, n;

	(void)state;
	nbodies = 0;
	for (n = 0; n < 5000; n++) {
		len = sizeof(*h) + rnd(&seed) % (EV_RECORD_MAX - sizeof(*h) + 1);
		ts += rnd(&seed) % 10;
		*h = (struct ev_hdr){ .ts = ts - rnd(&seed) % 30,
				      .kind = EV_EXEC,
				      .arg = (uint32_t)len };
		for (i = 0; i < len - sizeof(*h); i++)
			p[i] = (unsigned char)(h->ts + i);
		merge__push(m, rnd(&seed) % 3, buf, len);
		if (n % 37 == 0)
			merge__advance(m, ts - 60);
	}
	merge__flush(m);
	assert_int_equal(nbodies, 5000);
	merge__free(m);
}

/* ---- against qsort: arg is the order of arrival, and the kind hangs on the stream ---- */

static const uint8_t kind_of[] = { EV_EXIT, EV_SWITCH, EV_WAKING, EV_SWITCH,
				   EV_FORK, EV_WAKING, EV_EXIT };

struct pushed {
	uint64_t ts;
	unsigned stream;
	uint32_t arg;
};

static int rank(unsigned kind)
{
	return kind == EV_SWITCH ? 0 : kind == EV_WAKING ? 1 : 2;
}

static int by_rule(const void *a, const void *b)
{
	const struct pushed *x = a, *y = b;
	int r = rank(kind_of[x->stream]) - rank(kind_of[y->stream]);

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	if (r)
		return r;
	if (x->stream != y->stream)
		return x->stream < y->stream ? -1 : 1;
	return x->arg < y->arg ? -1 : 1;
}

static void against_qsort(void **state)
{
	enum { N = 3000, SPREAD = 50 };
	struct pushed *in = xcalloc(N, sizeof(*in));
	uint64_t seed = 31337, ts, mark;

	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		struct out o = { 0 };
		struct merge *m = merge__new(COUNT(kind_of), take, &o);

		ts = 1000;
		mark = 0;
		for (uint32_t i = 0; i < N; i++) {
			ts += rnd(&seed) % 3;
			in[i].ts = ts - rnd(&seed) % SPREAD;
			in[i].stream = rnd(&seed) % (1 + round % COUNT(kind_of));
			in[i].arg = i;
			push(m, in[i].stream, in[i].ts, kind_of[in[i].stream], i);
			if (rnd(&seed) % 40 == 0) {
				if (ts - SPREAD > mark)
					mark = ts - SPREAD;
				merge__advance(m, mark);
				assert_true(!o.cnt || o.got[o.cnt - 1].ts < mark);
			}
		}
		merge__flush(m);
		assert_int_equal(merge__late(m), 0);
		assert_int_equal(o.cnt, N);
		qsort(in, N, sizeof(*in), by_rule);
		for (size_t i = 0; i < N; i++)
			assert_int_equal(o.got[i].arg, in[i].arg);
		merge__free(m);
		free(o.got);
	}
	free(in);
}

static void drop(void *ctx, const struct ev_hdr *rec, size_t len)
{
	(void)ctx, (void)rec, (void)len;
}

/* queues that are never quite empty do not grow with what has passed through them */
static void memory(void **state)
{
	struct merge *m = merge__new(2, drop, NULL);
	struct ev_exec rec = { .h.kind = EV_EXEC };
	size_t before = 0, now;

	(void)state;
	for (unsigned i = 0; i < 400000; i++) {
		rec.h.ts = i;
		merge__push(m, i & 1, &rec, sizeof(rec));
		if (i % 100 == 99)
			merge__advance(m, i - 50);
		assert_true(merge__pending(m) <= 151 * ((sizeof(rec) + 7) & ~7ull));
		if (i == 20000)
			before = mallinfo2().uordblks + mallinfo2().hblkhd;
	}
	now = mallinfo2().uordblks + mallinfo2().hblkhd; /* 0 under a sanitizer */
	assert_true(now <= before);
	merge__free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_streams),		cmocka_unit_test(watermark),
		cmocka_unit_test(inside_a_stream),	cmocka_unit_test(ties),
		cmocka_unit_test(ties_inside_a_stream), cmocka_unit_test(late),
		cmocka_unit_test(end_of_time),		cmocka_unit_test(bodies),
		cmocka_unit_test(against_qsort),	cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
