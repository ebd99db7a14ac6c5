// SPDX-License-Identifier: BSD-2-Clause
/* Names of JIT code from the text that programs write for perf. */
#include "helpers.h"
#include "symbol/perfmap.h"

static struct perfmap *parse(const char *text)
{
	return perfmap__new(text, strlen(text));
}

static void check(const struct perfmap *m, uint64_t addr, const char *want)
{
	const char *got = perfmap__find(m, addr);

	if (want) {
		assert_non_null(got);
		assert_string_equal(got, want);
	} else {
		assert_null(got);
	}
}

static void lines(void **state)
{
	struct perfmap *m = parse("7f0000001000 20 Interpreter\n"
				  "7f0000001020 8 LazyCompile:~a b.js:1:2\n"
				  "0x2000 0x10 with prefix\r\n"
				  "ABC0 f Upper\n");

	(void)state;
	check(m, 0x7f0000000fff, NULL);
	check(m, 0x7f0000001000, "Interpreter");
	check(m, 0x7f000000101f, "Interpreter");
	check(m, 0x7f0000001020, "LazyCompile:~a b.js:1:2");
	check(m, 0x7f0000001028, NULL);
	check(m, 0x200f, "with prefix");
	check(m, 0xabce, "Upper");
	check(m, 0xabcf, NULL);
	perfmap__free(m);
}

static void the_last_wins(void **state)
{
	struct perfmap *m = parse("1000 100 old\n1040 20 middle\n1050 100 new\n1000 10 newest\n");

	(void)state;
	check(m, 0x1000, "newest");
	check(m, 0x1010, "old");
	check(m, 0x1040, "middle");
	check(m, 0x1050, "new");
	check(m, 0x114f, "new");
	check(m, 0x1150, NULL);
	perfmap__free(m);
}

static void damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"1000",
		"1000 10 no end of line",
		"1000 10\n",
		"1000 10 \n",
		"1000\t10\tname\n",
		"g000 10 name\n",
		"1000 0 name\n",
		"10000000000000000 10 name\n",
		"fffffffffffffff8 10 name\n",
		" 1000 10 name\n",
	};
	char with_nul[] = "1000 10 na\0me\n";
	struct perfmap *m;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		m = parse(texts[i]);
		check(m, 0x1000, NULL);
		check(m, 0, NULL);
		check(m, UINT64_MAX, NULL);
		perfmap__free(m);
	}
	m = perfmap__new(with_nul, sizeof(with_nul) - 1);
	check(m, 0x1000, NULL);
	perfmap__free(m);
	/* one bad line costs itself */
	m = parse("1000 10 a\nrubbish\n1010 10 b\n");
	check(m, 0x100f, "a");
	check(m, 0x1010, "b");
	perfmap__free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(the_last_wins),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests_name("perfmap", tests, NULL, NULL);
}
