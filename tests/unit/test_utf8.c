// SPDX-License-Identifier: BSD-2-Clause
/*
 * Characters and bytes: every code point there is, each kind of byte sequence that is none, cutting
 * on a character's end; and JSON strings made of them.
 */
#include "helpers.h"

#include "util/json.h"
#include "util/utf8.h"

static size_t encode(char *out, uint32_t c)
{
	if (c < 0x80)
		return out[0] = (char)c, 1;
	if (c < 0x800)
		return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)),
		       out[2] = (char)(0x80 | (c & 63)), 3;
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

static void every_code_point(void **state)
{
	char s[4];
	size_t n;

	(void)state;
	for (uint32_t c = 0; c <= 0x13ffff; c++) {
		bool legal = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

		n = encode(s, c);
		if (utf8_char(s, n) != (legal ? n : 0))
			fail_msg("U+%X", c);
		if (legal && n > 1 && utf8_char(s, n - 1)) /* cut short */
			fail_msg("U+%X cut", c);
	}
}

static void broken(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2 ",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xe2\x28\xa1",
		"\xe2\x82\x28",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98",
		"\xf0\x9f\x98 ",
		"\xf0\x9f ",
		"\xf5\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xed\xa0\x80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(utf8_char(bad[i], strlen(bad[i])), 0);
}

static void clean(const char *in, size_t max, const char *want)
{
	char out[64];
	size_t n;

	memset(out, '#', sizeof(out));
	n = utf8_clean(out, max, in, strlen(in));
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
	assert_int_equal(out[n], '#');
}

static void cleaning(void **state)
{
	(void)state;
	clean("abc", 60, "abc");
	clean("a\xff"
	      "b",
	      60, "a" UTF8_BAD "b");
	clean("\xe2\x82", 60, UTF8_BAD UTF8_BAD);
	clean("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 60, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	/* cut: never inside a character, and a replacement is one too */
	clean("abc", 2, "ab");
	clean("a\xe2\x82\xac", 3, "a");
	clean("a\xe2\x82\xac", 4, "a\xe2\x82\xac");
	clean("a\xff", 3, "a");
	clean("a\xff", 4, "a" UTF8_BAD);
	clean("abc", 0, "");
	clean("", 10, "");
}

static void json(const char *in, const char *want)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_addch(&sb, ':');
	json_quote(&sb, in);
	assert_int_equal(sb.buf[0], ':');
	assert_string_equal(sb.buf + 1, want);
	strbuf_free(&sb);
}

static void json_strings(void **state)
{
	(void)state;
	json("", "\"\"");
	json("go.trace", "\"go.trace\"");
	json("a\"b\\c/", "\"a\\\"b\\\\c/\"");
	json("\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\x7f\"");
	json("\xc3\xa4\xff\xc3", "\"\xc3\xa4" UTF8_BAD UTF8_BAD "\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(broken),
		cmocka_unit_test(cleaning),
		cmocka_unit_test(json_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
