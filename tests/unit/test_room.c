// SPDX-License-Identifier: BSD-2-Clause
/* The room that is to stay free, where what was removed comes back at once, late, or never. */
#include "helpers.h"

#include "output/room.h"

#define K 1024ull
#define NOW 1000

static void asks_for_the_rest(void **state)
{
	struct room r = { .min_free = 100 * K };

	(void)state;
	assert_int_equal(room_missing(&r, NOW, 150 * K, 50 * K), 0);
	assert_int_equal(room_missing(&r, NOW, 150 * K, 51 * K), K);
	assert_int_equal(room_missing(&r, NOW, 60 * K, 0), 40 * K);
	r.min_free = 0;
	assert_int_equal(room_missing(&r, NOW, 10 * K, 11 * K), K);
}

static void what_comes_at_once_counts_once(void **state)
{
	struct room r = { .min_free = 100 * K };

	(void)state;
	assert_int_equal(room_missing(&r, NOW, 90 * K, 10 * K), 20 * K);
	room_removed(&r, NOW, 30 * K);
	room_written(&r, 10 * K);
	assert_int_equal(room_missing(&r, NOW, 110 * K, 10 * K), 0);
	assert_int_equal(room_missing(&r, NOW, 100 * K, 10 * K), 10 * K);
}

/* It counts as free until it is, or for as long as that may take. */
static void what_comes_late(void **state)
{
	struct room r = { .min_free = 100 * K };

	(void)state;
	assert_int_equal(room_missing(&r, NOW, 90 * K, 10 * K), 20 * K);
	room_removed(&r, NOW, 40 * K);
	room_written(&r, 10 * K);
	assert_int_equal(room_missing(&r, NOW, 80 * K, 10 * K), 0);
	room_written(&r, 10 * K);
	assert_int_equal(room_missing(&r, NOW, 70 * K, 10 * K), 0);
	room_written(&r, 10 * K);
	assert_int_equal(room_missing(&r, NOW, 60 * K, 10 * K), 10 * K); /* more than was removed */
	room_written(&r, 10 * K);
	assert_int_equal(room_missing(&r, NOW, 70 * K, 0), 10 * K); /* 20 have come, 20 are owed */
	assert_int_equal(room_missing(&r, NOW + ROOM_LATE_NS - 1, 70 * K, 0), 10 * K);
	assert_int_equal(room_missing(&r, NOW + ROOM_LATE_NS, 70 * K, 0), 30 * K);
}

/* However much is owed, half of what is to stay free does. */
static void never_less_than_half(void **state)
{
	struct room r = { .min_free = 100 * K };

	(void)state;
	assert_int_equal(room_missing(&r, NOW, 90 * K, 0), 10 * K);
	room_removed(&r, NOW, 1000 * K);
	assert_int_equal(room_missing(&r, NOW, 50 * K, 0), 0);
	assert_int_equal(room_missing(&r, NOW, 49 * K, 0), K);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_the_rest),
		cmocka_unit_test(what_comes_at_once_counts_once),
		cmocka_unit_test(what_comes_late),
		cmocka_unit_test(never_less_than_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
