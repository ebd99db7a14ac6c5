// SPDX-License-Identifier: BSD-2-Clause
/* Runs of words: lowest first, never twice, joined again when they come back. */
#include "helpers.h"

#include "unwind/wordalloc.h"

static void first_fit(void **state)
{
	struct wordalloc a = WORDALLOC_INIT(100);
	uint32_t w[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(wordalloc_take(&a, 20, &w[i]), 0);
		assert_int_equal(w[i], 20 * i);
	}
	assert_int_equal(wordalloc_take(&a, 1, &w[0]), -ENOSPC);
	wordalloc_give(&a, 20, 20);
	wordalloc_give(&a, 60, 20);
	assert_int_equal(a.used, 60);
	assert_int_equal(wordalloc_take(&a, 21, &w[0]), -ENOSPC); /* 40 free, but in two */
	assert_int_equal(wordalloc_take(&a, 15, &w[0]), 0);
	assert_int_equal(w[0], 20);
	assert_int_equal(wordalloc_take(&a, 6, &w[0]), 0);
	assert_int_equal(w[0], 60);
	assert_int_equal(wordalloc_take(&a, 5, &w[0]), 0);
	assert_int_equal(w[0], 35);
	wordalloc_free(&a);
}

/* what comes back joins the neighbours on both sides, and the rest of the words behind */
static void joins(void **state)
{
	struct wordalloc a = WORDALLOC_INIT(1000);
	uint32_t w;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(wordalloc_take(&a, 10, &w), 0);
	wordalloc_give(&a, 0, 10);
	wordalloc_give(&a, 20, 10);
	assert_int_equal(a.nidle, 2);
	wordalloc_give(&a, 10, 10);
	assert_int_equal(a.nidle, 1);
	assert_int_equal(a.idle[0].cnt, 30);
	assert_int_equal(a.top, 50);
	wordalloc_give(&a, 40, 10);
	assert_int_equal(a.top, 40);
	wordalloc_give(&a, 30, 10);
	assert_int_equal(a.top, 0);
	assert_int_equal(a.nidle, 0);
	assert_int_equal(a.used, 0);
	assert_int_equal(wordalloc_take(&a, 1000, &w), 0);
	wordalloc_free(&a);
}

/* thousands of steps against a map that knows of each word who has it */
static void against_a_map(void **state)
{
	enum { WORDS = 4096, RUNS = 64 };
	struct wordalloc a = WORDALLOC_INIT(WORDS);
	struct wordalloc_run run[RUNS] = { { 0, 0 } };
	static uint8_t map[WORDS];
	uint64_t seed = 7;
	uint32_t used = 0;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		struct wordalloc_run *r = &run[rnd(&seed) % RUNS];

		if (r->cnt) {
			wordalloc_give(&a, r->first, r->cnt);
			memset(map + r->first, 0, r->cnt);
			used -= r->cnt;
			r->cnt = 0;
		} else {
			uint32_t cnt = 1 + (uint32_t)(rnd(&seed) % 150);
			int err = wordalloc_take(&a, cnt, &r->first);
			uint32_t room = 0, most = 0;

			if (err) {
				for (int i = 0; i < WORDS; i++) {
					room = map[i] ? 0 : room + 1;
					most = room > most ? room : most;
				}
				assert_true(most < cnt);
				continue;
			}
			r->cnt = cnt;
			used += cnt;
			for (uint32_t i = 0; i < cnt; i++) {
				assert_false(map[r->first + i]);
				map[r->first + i] = 1;
			}
		}
		assert_int_equal(a.used, used);
		for (size_t i = 0; i + 1 < a.nidle; i++)
			assert_true(a.idle[i].first + a.idle[i].cnt < a.idle[i + 1].first);
	}
	wordalloc_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_fit),
		cmocka_unit_test(joins),
		cmocka_unit_test(against_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
