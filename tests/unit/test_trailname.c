// SPDX-License-Identifier: BSD-2-Clause
/* The names of the files of a recording: where the time goes, and that their order is that of time.
 */
#include "helpers.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "output/trailname.h"

#define SECOND 1000000000ull
#define MOMENT (1795278312ull * SECOND + 345678901) /* 2026-11-21 16:25:12.345678901 UTC */

static void is(const char *base, uint64_t wall_ns, unsigned nth, const char *want)
{
	char name[PATH_MAX];

	assert_int_equal(trailname(name, sizeof(name), base, wall_ns, nth), 0);
	assert_string_equal(name, want);
}

static void time_goes_before_the_extension(void **state)
{
	(void)state;
	is("go.trace", MOMENT, 0, "go-20261121T162512.345Z.trace");
	is("go", MOMENT, 0, "go-20261121T162512.345Z");
	assert_int_equal(strlen("go-20261121T162512.345Z"), strlen("go") + TRAILNAME_ADDS);
	is("/var/tmp/x.y/go.trace", MOMENT, 0, "/var/tmp/x.y/go-20261121T162512.345Z.trace");
	is("x.y/go", MOMENT, 0, "x.y/go-20261121T162512.345Z"); /* that dot is the directory's */
	is("./.go", MOMENT, 0, "./.go-20261121T162512.345Z");
	is("a.b.trace", MOMENT, 0, "a.b-20261121T162512.345Z.trace");
	is("go.", MOMENT, 0, "go-20261121T162512.345Z.");
}

static void utc(void **state)
{
	(void)state;
	setenv("TZ", "America/New_York", 1);
	tzset();
	is("go.trace", MOMENT, 0, "go-20261121T162512.345Z.trace");
	unsetenv("TZ");
	tzset();
}

static void one_name_for_one_file(void **state)
{
	(void)state;
	is("go.trace", MOMENT, 1, "go-20261121T162512.346Z.trace");
	is("go.trace", MOMENT, 655, "go-20261121T162513.000Z.trace");
	is("go.trace", MOMENT / SECOND * SECOND, 0, "go-20261121T162512.000Z.trace");
}

static void in_the_order_of_time(void **state)
{
	char before[PATH_MAX] = "", name[PATH_MAX];
	uint64_t wall = MOMENT;
	unsigned i;

	(void)state;
	for (i = 0; i < 40; i++) {
		assert_int_equal(trailname(name, sizeof(name), "go.trace", wall, 0), 0);
		assert_true(strcmp(before, name) < 0);
		assert_true(!*before || strlen(before) == strlen(name));
		strcpy(before, name);
		wall += 1000000ull << i;
	}
}

static void what_cannot_be(void **state)
{
	char name[29];

	(void)state;
	assert_int_equal(trailname(name, sizeof(name), "go.trace", MOMENT, 0), -ENAMETOOLONG);
	assert_int_equal(trailname(name, sizeof(name), "o.trace", MOMENT, 0), 0);
	/* the last moment that there is */
	assert_int_equal(trailname(name, sizeof(name), "o.trace", UINT64_MAX, 0), 0);
	assert_string_equal(name, "o-25540721T233433.709Z.trace");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_goes_before_the_extension),
		cmocka_unit_test(utc),
		cmocka_unit_test(one_name_for_one_file),
		cmocka_unit_test(in_the_order_of_time),
		cmocka_unit_test(what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
