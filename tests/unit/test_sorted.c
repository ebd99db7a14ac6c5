// SPDX-License-Identifier: BSD-2-Clause
/* Looking up numbers in sorted arrays: every place of small ones, in structs too. */
#include "helpers.h"

#include "util/sorted.h"

static void numbers(void **state)
{
	static const uint64_t all[] = { 2, 4, 4, 4, 8, UINT64_MAX };
	size_t cnt, i;
	uint64_t from;

	(void)state;
	assert_int_equal(sorted_from(NULL, 0, sizeof(*all), 1), 0);
	for (cnt = 0; cnt <= COUNT(all); cnt++) {
		for (from = 0; from < 10; from++) {
			for (i = 0; i < cnt && all[i] < from; i++)
				;
			assert_int_equal(sorted_from(all, cnt, sizeof(*all), from), i);
		}
	}
	assert_int_equal(sorted_from(all, COUNT(all), sizeof(*all), UINT64_MAX), 5);
}

static void members(void **state)
{
	static const struct {
		char other[3];
		uint64_t nr;
		uint32_t more;
	} all[] = { { "a", 10, 1 }, { "b", 20, 99 }, { "c", 30, 3 } };

	(void)state;
	assert_int_equal(sorted_from(&all->nr, COUNT(all), sizeof(*all), 10), 0);
	assert_int_equal(sorted_from(&all->nr, COUNT(all), sizeof(*all), 11), 1);
	assert_int_equal(sorted_from(&all->nr, COUNT(all), sizeof(*all), 21), 2);
	assert_int_equal(sorted_from(&all->nr, COUNT(all), sizeof(*all), 31), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
