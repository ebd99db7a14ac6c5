// SPDX-License-Identifier: BSD-2-Clause
/* Patterns of names, run as the BPF programs run them, against fnmatch(3). */
#include "helpers.h"

#include <fnmatch.h>

#include "bpf/event.h"
#include "capture/glob.h"

/* As in bpf/rule.bpf.h. */
static bool matches(const struct ct_glob *g, const char *name)
{
	uint32_t state = 1;

	for (; *name; name++)
		state = (state & g->accept[(uint8_t)*name]) << 1 | (state & g->star);
	return state & g->end;
}

static bool is_match(const char *pattern, const char *name)
{
	struct ct_glob g;

	assert_int_equal(glob_compile(&g, pattern), 0);
	return matches(&g, name);
}

static void by_hand(void **state)
{
	(void)state;
	assert_true(is_match("nginx", "nginx"));
	assert_false(is_match("nginx", "nginx2"));
	assert_false(is_match("nginx", "ngin"));
	assert_false(is_match("", "x"));
	assert_true(is_match("", ""));
	assert_true(is_match("*", ""));
	assert_true(is_match("*", "anything at all"));
	assert_true(is_match("java*", "java"));
	assert_true(is_match("*-worker-*", "my-worker-12"));
	assert_true(is_match("**a**b*", "xxaxxbxx"));
	assert_true(is_match("a*a", "aba"));
	assert_false(is_match("a*a", "a"));
	assert_true(is_match("?????", "12345"));
	assert_true(is_match("[a-c]x", "bx"));
	assert_false(is_match("[!a-c]x", "bx"));
	assert_true(is_match("[]x]", "]"));
	assert_true(is_match("[-a]", "-"));
	assert_true(is_match("[a-]", "-"));
	assert_true(is_match("[", "["));
	assert_true(is_match("a[b", "a[b"));
	assert_true(is_match("\\*", "*"));
	assert_false(is_match("\\*", "x"));
	assert_true(is_match("\xc3\xa4?", "\xc3\xa4z"));
}

static void as_long_as_names(void **state)
{
	struct ct_glob g;

	(void)state;
	assert_true(is_match("123456789012345", "123456789012345"));
	assert_true(is_match("*123456789012345*", "123456789012345"));
	assert_int_equal(glob_compile(&g, "1234567890123456"), -E2BIG);
	assert_int_equal(glob_compile(&g, "*[1-9]??????????????*?"), -E2BIG);
}

/* Of an alphabet so small that they often match. */
static void as_fnmatch_does(void **state)
{
	static const char *const piece[] = { "a", "b", "?", "*", "[ab]", "[!a]", "\\a", "\\*" };
	uint64_t seed = 42, matched = 0;
	char pattern[64], name[EV_COMM_LEN];
	unsigned i, k, n;

	(void)state;
	for (i = 0; i < 20000; i++) {
		pattern[0] = 0;
		n = rnd(&seed) % 7;
		for (k = 0; k < n; k++)
			strcat(pattern, piece[rnd(&seed) % COUNT(piece)]);
		n = rnd(&seed) % 7;
		for (k = 0; k < n; k++)
			name[k] = "ab*"[rnd(&seed) % 3];
		name[n] = 0;
		if (is_match(pattern, name) != !fnmatch(pattern, name, 0))
			fail_msg("%s against %s", pattern, name);
		matched += is_match(pattern, name);
	}
	assert_true(matched > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(as_long_as_names),
		cmocka_unit_test(as_fnmatch_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
