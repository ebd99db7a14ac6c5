// SPDX-License-Identifier: BSD-2-Clause
/* The growing string: always a C string, whatever its length, and its memory has one owner. */
#include "helpers.h"

static void check(const struct strbuf *sb, const char *want)
{
	assert_non_null(sb->buf);
	assert_int_equal(sb->len, strlen(want));
	assert_string_equal(sb->buf, want);
}

static void empty(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	check(&sb, "");
	strbuf_reset(&sb);
	strbuf_addstr(&sb, "");
	strbuf_addf(&sb, "%s", "");
	check(&sb, "");
	strbuf_free(&sb);
	check(&sb, "");
	strbuf_free(&sb);
	assert_int_equal(strbuf_empty[0], 0);
}

/* across every size at which it grows */
static void grows(void **state)
{
	struct strbuf one = STRBUF_INIT, fmt = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		assert_int_equal(one.len, i);
		assert_int_equal(one.buf[i], 0);
		assert_true(!one.cap || one.cap > one.len);
		strbuf_addch(&one, (char)('a' + i % 26));
		strbuf_addf(&fmt, "%c", (char)('a' + i % 26));
	}
	assert_memory_equal(one.buf, fmt.buf, 5001);
	strbuf_free(&one);
	strbuf_free(&fmt);
}

static void long_format(void **state)
{
	struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 200; i++)
		strbuf_addstr(&a, "0123456789");
	strbuf_addf(&b, "<%s>%d", a.buf, 42);
	assert_int_equal(b.len, 2004);
	assert_memory_equal(b.buf + 1, a.buf, 2000);
	assert_string_equal(b.buf + 2001, ">42");
	strbuf_free(&a);
	strbuf_free(&b);
}

static void bytes_with_nul(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	strbuf_add(&sb, "a\0b", 3);
	strbuf_addch(&sb, 'c');
	assert_int_equal(sb.len, 4);
	assert_memory_equal(sb.buf, "a\0bc", 5);
	strbuf_free(&sb);
}

static void anew(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	char *mem;

	(void)state;
	strbuf_set_f(&sb, "no process with pid %d", 7);
	mem = sb.buf;
	strbuf_set_f(&sb, "%s", "short");
	check(&sb, "short");
	assert_ptr_equal(sb.buf, mem);
	strbuf_reset(&sb);
	check(&sb, "");
	assert_ptr_equal(sb.buf, mem);
	strbuf_free(&sb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),       cmocka_unit_test(grows),
		cmocka_unit_test(long_format), cmocka_unit_test(bytes_with_nul),
		cmocka_unit_test(anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
