// SPDX-License-Identifier: BSD-2-Clause
/* Stacks by id: how long they live, and who keeps them beyond that. */
#include "helpers.h"

#include "model/kept.h"

static void add(struct kept *k, uint32_t id, uint64_t pc)
{
	struct ev_stack ev = { .h = { .kind = EV_STACK, .arg = id }, .nkernel = 1, .nuser = 2 };

	ev.pc[0] = pc;
	ev.pc[1] = pc + 1;
	ev.pc[2] = pc + 2;
	kept_add(k, &ev);
}

static uint64_t pc_of(const struct kept *k, uint32_t id)
{
	struct kept_stack *st = kept_find(k, id);

	return st ? st->pc[0] : 0;
}

static void found_by_id(void **state)
{
	struct kept k = { 0 };
	struct kept_stack *st;

	(void)state;
	assert_null(kept_find(&k, 0));
	assert_null(kept_find(&k, 1));
	add(&k, 1, 10);
	add(&k, UINT32_MAX, 20);
	assert_null(kept_find(&k, 0));
	st = kept_find(&k, 1);
	assert_non_null(st);
	assert_int_equal(st->nkernel, 1);
	assert_int_equal(st->nuser, 2);
	assert_int_equal(st->pc[2], 12);
	assert_int_equal(pc_of(&k, UINT32_MAX), 20);
	assert_true(st->serial != kept_find(&k, UINT32_MAX)->serial);
	add(&k, 1, 30); /* another one with this id */
	assert_int_equal(pc_of(&k, 1), 30);
	kept_free(&k);
}

static void two_epochs(void **state)
{
	struct kept k = { 0 };

	(void)state;
	add(&k, 1, 10);
	kept_epoch(&k, 1);
	add(&k, 2, 20);
	assert_int_equal(pc_of(&k, 1), 10);
	add(&k, 1, 11); /* given anew: the newer one counts */
	assert_int_equal(pc_of(&k, 1), 11);
	kept_epoch(&k, 1); /* the same again */
	assert_int_equal(pc_of(&k, 2), 20);
	kept_epoch(&k, 2);
	assert_int_equal(pc_of(&k, 2), 20);
	kept_epoch(&k, 2);
	assert_int_equal(pc_of(&k, 2), 20);
	kept_epoch(&k, 3);
	assert_null(kept_find(&k, 1));
	assert_null(kept_find(&k, 2));
	kept_free(&k);
}

static void held_beyond(void **state)
{
	struct kept_stack *a = NULL, *b = NULL;
	struct kept k = { 0 };

	(void)state;
	add(&k, 1, 10);
	kept_hold(&a, kept_find(&k, 1));
	kept_hold(&b, a);
	kept_hold(&a, a); /* itself */
	kept_epoch(&k, 1);
	kept_epoch(&k, 2);
	assert_null(kept_find(&k, 1));
	assert_int_equal(a->pc[0], 10);
	kept_hold(&a, NULL);
	assert_null(a);
	assert_int_equal(b->pc[0], 10);
	add(&k, 1, 20);
	kept_hold(&b, kept_find(&k, 1));
	kept_free(&k);
	assert_int_equal(b->pc[0], 20);
	kept_hold(&b, NULL);
}

/* Without any epoch the memory is bounded all the same, and the newest are there. */
static void bounded(void **state)
{
	enum { N = 2500000 };
	struct kept k = { 0 };
	uint32_t i, step = SANITIZED ? 10 : 1;

	(void)state;
	for (i = 1; i <= N; i += step) {
		add(&k, i, i);
		assert_true(k.now.bytes <= KEPT_EPOCH_BYTES + 4096);
	}
	assert_int_equal(pc_of(&k, i - step), i - step);
	if (!SANITIZED)
		assert_null(kept_find(&k, 1));
	kept_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_id),
		cmocka_unit_test(two_epochs),
		cmocka_unit_test(held_beyond),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
