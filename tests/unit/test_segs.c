// SPDX-License-Identifier: BSD-2-Clause
/* Overlapping ranges: at each address the highest rank, compared with looking at all of them. */
#include "helpers.h"
#include "symbol/segs.h"

static uint32_t slow(const struct span *sp, size_t cnt, uint64_t addr)
{
	uint32_t id = SEG_NONE, rank = 0;
	size_t i;

	for (i = 0; i < cnt; i++)
		if (addr >= sp[i].start && addr < sp[i].end &&
		    (id == SEG_NONE || sp[i].rank >= rank)) {
			id = sp[i].id;
			rank = sp[i].rank;
		}
	return id;
}

static void nested(void **state)
{
	struct span sp[] = {
		{ 10, 50, 0, 7 }, { 20, 30, 1, 8 }, { 22, 25, 2, 9 }, { 50, 60, 0, 5 }
	};
	struct segs s = { 0 };

	(void)state;
	segs_build(&s, sp, COUNT(sp));
	assert_int_equal(segs_find(&s, 9), SEG_NONE);
	assert_int_equal(segs_find(&s, 10), 7);
	assert_int_equal(segs_find(&s, 24), 9);
	assert_int_equal(segs_find(&s, 25), 8);
	assert_int_equal(segs_find(&s, 30), 7);
	assert_int_equal(segs_find(&s, 50), 5);
	assert_int_equal(segs_find(&s, 60), SEG_NONE);
	assert_int_equal(segs_find(&s, UINT64_MAX), SEG_NONE);
	segs_free(&s);
}

static void empty(void **state)
{
	struct span sp[] = { { 5, 5, 0, 1 }, { 9, 3, 0, 2 } };
	struct segs s = { 0 };

	(void)state;
	segs_build(&s, NULL, 0);
	assert_int_equal(segs_find(&s, 0), SEG_NONE);
	segs_build(&s, sp, COUNT(sp));
	assert_int_equal(segs_find(&s, 5), SEG_NONE);
	assert_int_equal(segs_find(&s, 3), SEG_NONE);
	segs_free(&s);
}

static void invented(void **state)
{
	uint64_t seed = 11, addr;
	struct span sp[40];
	size_t round, i, n;

	(void)state;
	for (round = 0; round < 2000; round++) {
		struct segs s = { 0 };

		n = rnd(&seed) % COUNT(sp);
		for (i = 0; i < n; i++) {
			sp[i].start = rnd(&seed) % 100;
			sp[i].end = sp[i].start + rnd(&seed) % (round % 2 ? 10 : 100);
			sp[i].rank = (uint32_t)i;
			sp[i].id = (uint32_t)(rnd(&seed) % 10);
		}
		segs_build(&s, sp, n);
		for (addr = 0; addr < 220; addr++)
			assert_int_equal(segs_find(&s, addr), slow(sp, n, addr));
		for (i = 1; i < s.cnt; i++) {
			assert_true(s.seg[i].start > s.seg[i - 1].start);
			assert_int_not_equal(s.seg[i].id, s.seg[i - 1].id);
		}
		segs_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested),
		cmocka_unit_test(empty),
		cmocka_unit_test(invented),
	};

	return cmocka_run_group_tests_name("segs", tests, NULL, NULL);
}
