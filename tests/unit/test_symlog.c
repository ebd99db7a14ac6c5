// SPDX-License-Identifier: BSD-2-Clause
/* What was asked of a resolver, as records: each frame once, in order, and the way back. */
#include "helpers.h"

#include "event/evspec.h"
#include "recorded.h"
#include "symlog.h"

/* Answers with frame % 20 functions; counts. */
struct inner {
	struct sym_frame f[20];
	char text[20][32];
	unsigned prefetched, asked, done;
};

static void inner_prefetch(void *ctx, const uint64_t *frame, size_t cnt)
{
	struct inner *in = ctx;

	(void)frame;
	in->prefetched += (unsigned)cnt;
}

static size_t inner_resolve(void *ctx, uint64_t frame, const struct sym_frame **out)
{
	struct inner *in = ctx;
	size_t i;

	in->asked++;
	for (i = 0; i < frame % 20; i++) {
		snprintf(in->text[i], sizeof(in->text[i]), "f%zu of %llu", i,
			 (unsigned long long)frame);
		in->f[i] = (struct sym_frame){ in->text[i], "a.c", (uint32_t)frame, 0 };
	}
	*out = in->f;
	return i;
}

static void inner_done(void *ctx)
{
	((struct inner *)ctx)->done++;
}

struct taken {
	struct recorded *r;
	uint64_t frame[40000];
	size_t cnt;
	size_t fail_at;
};

static int take(void *ctx, const void *rec, size_t len)
{
	struct taken *t = ctx;
	const struct ev_sym *ev = rec;

	if (t->cnt == t->fail_at)
		return -ENOSPC;
	assert_int_equal(ev_check(rec, len), 0);
	assert_int_equal(ev->h.kind, EV_SYM);
	assert_int_equal(ev->h.ts, 77);
	assert_true(t->cnt < COUNT(t->frame));
	t->frame[t->cnt++] = ev->frame;
	recorded__take(t->r, &ev->h, len);
	return 0;
}

static void there_and_back(void **state)
{
	static struct taken t = { .fail_at = SIZE_MAX };
	struct inner in = { 0 };
	struct symlog *l = symlog__new(
		&(struct frame_resolver){ &in, inner_prefetch, inner_resolve, inner_done });
	struct frame_resolver ask = symlog__resolver(l), back;
	static const uint64_t order[] = { 43, 21, 62, 43, 0, 40, 59, 21 };
	const struct sym_frame *f;

	(void)state;
	ask.prefetch(ask.ctx, order, COUNT(order));
	assert_int_equal(in.prefetched, COUNT(order));
	for (size_t i = 0; i < COUNT(order); i++)
		assert_int_equal(ask.resolve(ask.ctx, order[i], &f), order[i] % 20);
	ask.done(ask.ctx);
	assert_int_equal(in.done, 1);

	t.r = recorded__new();
	assert_int_equal(symlog__write(l, 77, take, &t), 0);
	/* 3 + 1 + 2 + none of 0 and 40 + as many as a frame may be of 59's 19 */
	assert_int_equal(t.cnt, 3 + 1 + 2 + EV_SYM_FRAMES);
	assert_int_equal(t.frame[0], 43);
	assert_int_equal(t.frame[3], 21);
	assert_int_equal(t.frame[4], 62);
	assert_int_equal(t.frame[6], 59);
	back = recorded__resolver(t.r);
	assert_int_equal(back.resolve(back.ctx, 43, &f), 3);
	assert_string_equal(f[2].func, "f2 of 43");
	assert_int_equal(back.resolve(back.ctx, 59, &f), EV_SYM_FRAMES);
	assert_int_equal(f[15].line, 59);
	recorded__free(t.r);
	symlog__free(l);
	symlog__free(NULL);
}

static void many_and_an_error(void **state)
{
	static struct taken t;
	struct inner in = { 0 };
	struct symlog *l = symlog__new(
		&(struct frame_resolver){ .ctx = &in, .resolve = inner_resolve });
	struct frame_resolver ask = symlog__resolver(l);
	const struct sym_frame *f;

	(void)state;
	assert_null(ask.prefetch); /* as the other one */
	assert_null(ask.done);
	for (uint64_t i = 0; i < 10000; i++)
		ask.resolve(ask.ctx, 1 + 20 * i, &f);
	t.r = recorded__new();
	t.fail_at = SIZE_MAX;
	assert_int_equal(symlog__write(l, 77, take, &t), 0);
	assert_int_equal(t.cnt, 10000);
	assert_int_equal(t.frame[9999], 1 + 20 * 9999);
	t.cnt = 0;
	t.fail_at = 5000;
	in.asked = 0;
	assert_int_equal(symlog__write(l, 77, take, &t), -ENOSPC);
	assert_int_equal(in.asked, 5001);
	recorded__free(t.r);
	symlog__free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(many_and_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
