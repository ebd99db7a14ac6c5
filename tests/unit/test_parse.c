// SPDX-License-Identifier: BSD-2-Clause
/* Numbers as users write them: what is one, what is none, what does not fit, and that a refusal
 * leaves the value. */
#include "helpers.h"

#include <errno.h>

#include "util/parse.h"

typedef int (*parser)(const char *s, uint64_t *out);

static void good(parser f, const char *s, uint64_t want)
{
	uint64_t v = ~want;

	if (f(s, &v) || v != want)
		fail_msg("'%s' gives %llu", s, (unsigned long long)v);
}

static void bad(parser f, const char *s, int err)
{
	uint64_t v = 4711;

	if (f(s, &v) != err || v != 4711)
		fail_msg("'%s' is not refused with %d", s, err);
}

static void numbers(void **state)
{
	static const char *const none[] = { "",	   " 1",  "1 ",	 "-1", "+1",  "0x10",
					    "1e3", "1.0", "1,2", "a",  "1\n", "\xd9\xa1" };

	(void)state;
	good(parse_u64, "0", 0);
	good(parse_u64, "0012", 12);
	good(parse_u64, "18446744073709551615", UINT64_MAX);
	bad(parse_u64, "18446744073709551616", -ERANGE);
	bad(parse_u64, "18446744073709551620", -ERANGE);
	bad(parse_u64, "99999999999999999999999", -ERANGE);
	for (size_t i = 0; i < COUNT(none); i++)
		bad(parse_u64, none[i], -EINVAL);
}

static void durations(void **state)
{
	static const char *const none[] = { "",
					    "s",
					    ".5s",
					    "-5",
					    "+5",
					    "5 s",
					    "5x",
					    "1..2",
					    "1.2.3",
					    "5ss",
					    "5sm",
					    "inf",
					    "nan",
					    "0x5",
					    "1e3",
					    " 5",
					    "00000000000000000000000000000000001" };

	(void)state;
	good(parse_duration, "5", 5000000000);
	good(parse_duration, "5s", 5000000000);
	good(parse_duration, "0.5s", 500000000);
	good(parse_duration, "500ms", 500000000);
	good(parse_duration, "20us", 20000);
	good(parse_duration, "7ns", 7);
	good(parse_duration, "1m", 60000000000);
	good(parse_duration, "2min", 120000000000);
	good(parse_duration, "1h", 3600000000000);
	good(parse_duration, "1H", 3600000000000);
	good(parse_duration, "0", 0);
	bad(parse_duration, "99999999999999h", -ERANGE);
	for (size_t i = 0; i < COUNT(none); i++)
		bad(parse_duration, none[i], -EINVAL);
}

static void sizes(void **state)
{
	static const char *const none[] = { "", "K", "1P", "1 K", "-1", "1KK", "1kib ", "64Kx" };

	(void)state;
	good(parse_size, "4096", 4096);
	good(parse_size, "17B", 17);
	good(parse_size, "64K", 65536);
	good(parse_size, "64k", 65536);
	good(parse_size, "64KB", 65536);
	good(parse_size, "64KiB", 65536);
	good(parse_size, "16M", 16 << 20);
	good(parse_size, "16MB", 16 << 20);
	good(parse_size, "16MiB", 16 << 20);
	good(parse_size, "1.5M", 3 << 19);
	good(parse_size, "1G", 1 << 30);
	good(parse_size, "3GB", 3ull << 30);
	good(parse_size, "3GiB", 3ull << 30);
	good(parse_size, "1T", 1ull << 40);
	bad(parse_size, "9999999999999999999G", -ERANGE);
	for (size_t i = 0; i < COUNT(none); i++)
		bad(parse_size, none[i], -EINVAL);
}

static void for_people(void **state)
{
	static const struct {
		uint64_t v;
		const char *text;
	} rows[] = { { 0, "0 B" },
		     { 17, "17 B" },
		     { 999, "999 B" },
		     { 1000, "1.0 kB" },
		     { 812000, "812.0 kB" },
		     { 3100000, "3.1 MB" },
		     { 2000000000, "2.0 GB" },
		     { 5000000000000, "5.0 TB" } };
	char buf[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_ptr_equal(format_size(buf, rows[i].v), buf);
		assert_string_equal(buf, rows[i].text);
	}
	assert_true(strlen(format_size(buf, UINT64_MAX)) < sizeof(buf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
