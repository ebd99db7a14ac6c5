// SPDX-License-Identifier: BSD-2-Clause
/* The arena: aligned pieces that do not overlap, blocks kept over a reset, large pieces apart. */
#include "helpers.h"

#include <malloc.h>

#include "util/arena.h"

/* Pieces of sizes that end, cross and exceed a block; each is filled and must still be whole at the
 * end. */
static void no_overlap(void **state)
{
	static const size_t sizes[] = { 1,	8,	7,	262144 - 24, 1, 300000, 24,
					262144, 262145, 100000, 170000,	     0, 3,	1000000 };
	struct arena a = { 0 };
	unsigned char *p[10 * COUNT(sizes)];
	size_t i, j, n = COUNT(p), total = 0, sz;

	(void)state;
	for (i = 0; i < n; i++) {
		sz = sizes[i % COUNT(sizes)];
		p[i] = arena_alloc(&a, sz);
		assert_int_equal((uintptr_t)p[i] % 8, 0);
		memset(p[i], (int)i, sz);
		total += (sz + 7) & ~(size_t)7;
	}
	assert_int_equal(a.total, total);
	for (i = 0; i < n; i++)
		for (sz = sizes[i % COUNT(sizes)], j = 0; j < sz; j++)
			assert_int_equal(p[i][j], (unsigned char)i);
	arena_free(&a);
	assert_int_equal(a.total, 0);
	assert_null(a.used);
	assert_null(a.idle);
}

static void large_first(void **state)
{
	struct arena a = { 0 };
	char *big = arena_alloc(&a, 1 << 20), *small = arena_alloc(&a, 8);

	(void)state;
	memset(big, 1, 1 << 20);
	memset(small, 2, 8);
	assert_int_equal(big[(1 << 20) - 1], 1);
	arena_reset(&a);
	arena_free(&a);
}

/* after a large piece the block that was filling goes on */
static void large_is_apart(void **state)
{
	struct arena a = { 0 };
	char *p = arena_alloc(&a, 16), *q;

	(void)state;
	arena_alloc(&a, 1 << 20);
	q = arena_alloc(&a, 16);
	assert_ptr_equal(q, p + 16);
	arena_free(&a);
}

static void reset_keeps_blocks(void **state)
{
	struct arena a = { 0 };
	size_t before = 0, i, round;

	(void)state;
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 100; i++)
			memset(arena_alloc(&a, 20000), 1, 20000);
		memset(arena_alloc(&a, 3 << 20), 1, 3 << 20);
		assert_int_equal(a.total, 100 * 20000 + (3 << 20));
		arena_reset(&a);
		assert_int_equal(a.total, 0);
		if (round == 0)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks <= before); /* both 0 under a sanitizer */
	assert_non_null(a.idle);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_overlap),
		cmocka_unit_test(large_first),
		cmocka_unit_test(large_is_apart),
		cmocka_unit_test(reset_keeps_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
