// SPDX-License-Identifier: BSD-2-Clause
/* Names that say that they are a part of a function; that the parts are found is in test_funcs.c. */
#include "helpers.h"

#include "annot/pieces.h"

static void names(void **state)
{
	(void)state;
	assert_int_equal(pieces_part_of("work.cold"), 4);
	assert_int_equal(pieces_part_of("work.cold.12"), 4);
	assert_int_equal(pieces_part_of("work.part.0"), 4);
	assert_int_equal(pieces_part_of("work.part.0.cold"), 11); /* of the part */
	assert_int_equal(pieces_part_of("work.isra.0.cold"), 11);
	assert_int_equal(pieces_part_of("work"), 0);
	assert_int_equal(pieces_part_of("work.partial"), 0);
	assert_int_equal(pieces_part_of(".cold"), 0); /* of nothing */
	assert_int_equal(pieces_part_of(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
