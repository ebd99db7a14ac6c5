// SPDX-License-Identifier: BSD-2-Clause
/* The index under the interning tables: ids in the order of adding, all ids of a hash found and no
 * other. */
#include "helpers.h"

#include "util/idset.h"

static void empty(void **state)
{
	struct idset s = { 0 };
	size_t at = idset_start(&s, 99);

	(void)state;
	assert_int_equal(idset_next(&s, 99, &at), 0);
	idset_reset(&s);
	idset_free(&s);
}

static void ids_count_up(void **state)
{
	struct idset s = { 0 };

	(void)state;
	for (uint32_t i = 1; i <= 5000; i++)
		assert_int_equal(idset_add(&s, i * 2654435761u), i);
	assert_true(s.cnt * 2 <= s.nslot);
	idset_reset(&s);
	assert_int_equal(idset_add(&s, 7), 1);
	idset_free(&s);
	assert_int_equal(s.cnt, 0);
}

/* equal hashes, hashes that share a place, and a run that wraps around the table's end */
static void collisions(void **state)
{
	static const uint32_t hashes[] = { 63, 127, 0, 64, 191, 1, 0xffffffff };
	struct idset s = { 0 };
	uint32_t h, id, n, want[700] = { 0 };
	size_t at, i;

	(void)state;
	for (i = 0; i < COUNT(want); i++) {
		h = (uint32_t)(i % COUNT(hashes));
		id = idset_add(&s, hashes[h]);
		want[id - 1] = h;
	}
	for (h = 0; h < COUNT(hashes); h++) {
		n = 0;
		for (at = idset_start(&s, hashes[h]); (id = idset_next(&s, hashes[h], &at)); n++)
			assert_int_equal(want[id - 1], h);
		assert_int_equal(n, COUNT(want) / COUNT(hashes));
	}
	at = idset_start(&s, 255);
	assert_int_equal(idset_next(&s, 255, &at), 0);
	idset_reset(&s);
	at = idset_start(&s, 63);
	assert_int_equal(idset_next(&s, 63, &at), 0);
	idset_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(ids_count_up),
		cmocka_unit_test(collisions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
