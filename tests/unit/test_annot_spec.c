// SPDX-License-Identifier: BSD-2-Clause
/* What users write behind --region, --usdt and --usdt-region, and which files it means. */
#include "helpers.h"

#include <fcntl.h>
#include <unistd.h>

#include "annot/spec.h"
#include "util/xalloc.h"

static struct annot_spec good(enum annot_spec_kind kind, const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct annot_spec s;

	if (annot_spec_parse(&s, kind, text, &why))
		fail_msg("'%s': %s", text, why.buf);
	assert_string_equal(s.text, text);
	assert_int_equal(s.kind, kind);
	strbuf_free(&why);
	return s;
}

static void regions(void **state)
{
	static const struct {
		const char *text, *bin, *func;
	} is[] = {
		{ "libpq.so:PQexec", "libpq.so", "PQexec" },
		{ "/usr/bin/x:main", "/usr/bin/x", "main" },
		{ "libfoo.so:ns::cls::fn", "libfoo.so", "ns::cls::fn" },
		{ "libfoo.so:::top", "libfoo.so", "::top" },
		{ "a::b:fn", "a::b", "fn" },
		{ "/with\\:colon/x:fn", "/with:colon/x", "fn" },
		{ "x:f(ns::a, int)", "x", "f(ns::a, int)" },
		{ "x:<T as a::B>::c", "x", "<T as a::B>::c" },
		{ "lib*.so:PQ*", "lib*.so", "PQ*" },
		{ "x:operator[]", "x", "operator[]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(is); i++) {
		struct annot_spec s = good(SPEC_REGION, is[i].text);

		assert_string_equal(s.bin, is[i].bin);
		assert_string_equal(s.func, is[i].func);
		assert_null(s.provider);
		annot_spec_free(&s);
	}
}

static void markers(void **state)
{
	struct annot_spec s = good(SPEC_USDT, "postgres:postgresql:query__start");

	(void)state;
	assert_string_equal(s.bin, "postgres");
	assert_string_equal(s.provider, "postgresql");
	assert_string_equal(s.name, "query__start");
	assert_int_equal(s.nend + s.name_arg, 0);
	assert_null(s.func);
	annot_spec_free(&s);
	s = good(SPEC_USDT, "/a\\:b/*.so:*:gc__*");
	assert_string_equal(s.bin, "/a:b/*.so");
	assert_string_equal(s.name, "gc__*");
	annot_spec_free(&s);
}

static void pairs(void **state)
{
	struct annot_spec s = good(SPEC_USDT_REGION, "py:python:function__entry,function__return");

	(void)state;
	assert_string_equal(s.name, "function__entry");
	assert_int_equal(s.nend, 1);
	assert_string_equal(s.end[0], "function__return");
	assert_int_equal(s.name_arg, 0);
	annot_spec_free(&s);
	s = good(SPEC_USDT_REGION, "postgres:postgresql:t__start,t__commit,t__abort:arg2");
	assert_int_equal(s.nend, 2);
	assert_string_equal(s.end[1], "t__abort");
	assert_int_equal(s.name_arg, 2);
	annot_spec_free(&s);
}

/* The sentence names the option and what was given, and holds `want`. */
static void refusals(void **state)
{
	static const struct {
		enum annot_spec_kind kind;
		const char *text, *want;
	} is[] = {
		{ SPEC_REGION, "", "no colon" },
		{ SPEC_REGION, "PQexec", "no colon" },
		{ SPEC_REGION, "a::b", "no colon" },
		{ SPEC_REGION, "a\\:b", "no colon" },
		{ SPEC_REGION, "x\\", "no colon" },
		{ SPEC_REGION, ":f", "the file is missing" },
		{ SPEC_REGION, "x:", "the function is missing" },
		{ SPEC_REGION, "/usr/lib/:f", "is a directory" },
		{ SPEC_REGION, "/path/with:colon:fn", "a colon in a path is written \\:" },
		{ SPEC_REGION, "x:f:", "a colon in a path is written \\:" },
		{ SPEC_USDT, "x", "no colon" },
		{ SPEC_USDT, "x:p", "the provider or the marker is missing" },
		{ SPEC_USDT, "x::n", "no colon" },
		{ SPEC_USDT, "x:p:", "the marker is missing" },
		{ SPEC_USDT, ":p:n", "the file is missing" },
		{ SPEC_USDT, "x:p:n:o", "one colon too many" },
		{ SPEC_USDT, "x:p:a,b", "it is one marker" },
		{ SPEC_USDT_REGION, "x:p:a", "the marker that ends it is missing" },
		{ SPEC_USDT_REGION, "x:p:a,", "has no name" },
		{ SPEC_USDT_REGION, "x:p:a,b,,c", "has no name" },
		{ SPEC_USDT_REGION, "x:p:,b", "the marker is missing" },
		{ SPEC_USDT_REGION, "x:p:a,b:", "none of arg1 to arg12" },
		{ SPEC_USDT_REGION, "x:p:a,b:arg", "none of arg1 to arg12" },
		{ SPEC_USDT_REGION, "x:p:a,b:arg0", "none of arg1 to arg12" },
		{ SPEC_USDT_REGION, "x:p:a,b:arg13", "none of arg1 to arg12" },
		{ SPEC_USDT_REGION, "x:p:a,b:2", "none of arg1 to arg12" },
		{ SPEC_USDT_REGION, "x:p:a,b:arg1:arg2", "none of arg1 to arg12" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(is); i++) {
		struct strbuf why = STRBUF_INIT;
		struct annot_spec s;

		assert_int_equal(annot_spec_parse(&s, is[i].kind, is[i].text, &why), -EINVAL);
		annot_spec_free(&s);
		assert_int_equal(strncmp(why.buf, "--", 2), 0);
		assert_non_null(strstr(why.buf, is[i].text));
		if (!strstr(why.buf, is[i].want))
			fail_msg("'%s': %s", is[i].text, why.buf);
		strbuf_free(&why);
	}
}

static void is_file(const char *bin, const char *path, bool want)
{
	struct strbuf text = STRBUF_INIT;
	struct annot_spec s;

	strbuf_addf(&text, "%s:f", bin);
	s = good(SPEC_REGION, text.buf);
	if (annot_spec_matches(&s, path) != want)
		fail_msg("%s, %s", bin, path);
	annot_spec_free(&s);
	strbuf_free(&text);
}

static void files(void **state)
{
	static const struct {
		const char *bin, *path;
		bool want;
	} is[] = {
		{ "libpq.so", "/usr/lib/libpq.so", true },
		{ "libpq.so", "/usr/lib/libpq.so.5", true },
		{ "libpq.so", "/usr/lib/libpq.so.5.15", true },
		{ "libpq.so", "/usr/lib/libpq.so.5.15.debug", false },
		{ "libpq.so", "/usr/lib/libpq.sox", false },
		{ "libpq.so", "/usr/lib/libpq.so.", false },
		{ "libpq.so", "/usr/lib/xlibpq.so", false },
		{ "libpq.so.5", "/usr/lib/libpq.so.5", true },
		{ "libpq", "/usr/lib/libpq.so.5", false },
		{ "libpq*", "/usr/lib/libpq.so.5", true },
		{ "lib*.so", "/usr/lib/libpq.so.5.15", true },
		{ "lib?.so", "/usr/lib/libpq.so.5.15", false },
		{ "postgres", "/usr/lib/postgresql/15/bin/postgres", true },
		{ "postgres", "postgres", true },
		{ "postgres", "/usr/lib/postgres/x", false },
		{ "/usr/lib/libpq.so", "/usr/lib/libpq.so.5.15", true },
		{ "/usr/*/libpq.so", "/usr/lib/x/libpq.so.5", true },
		{ "libpq.so.5", "/usr/lib/libpq.so.5.15", true },
		{ "libpq.so.5", "/usr/lib/libpq.so.51", false },
		{ "libpq.so.15", "/usr/lib/libpq.so.5.15", false },
		{ "libpq.so.5", "/usr/lib/libpq.so.5.debug", false },
		{ "libstdc++.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", true },
		{ "lib*.so.6", "/usr/lib/libstdc++.so.6.0.30", true },
		{ "libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6", true },
		{ "python3", "/opt/python3.11", false },
		{ "/lib/libpq.so", "/usr/lib/libpq.so", true },
		{ "/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6", true },
		{ "/usr/lib64/libc.so.6", "/lib64/libc.so.6", true },
		{ "/lib/*.so", "/usr/lib/libpq.so.5.15", true },
		{ "/bin/sh", "/usr/sbin/sh", false },
		{ "/opt/lib/libpq.so", "/usr/opt/lib/libpq.so", false },
		{ "/library/libpq.so", "/usr/library/libpq.so", false },
		{ "/usr/lib/*.so", "/usr/lib/a.so.d/libpq.so.5", true },
		{ "a[b", "/x/a[b", true },
		{ "*", "/anything", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(is); i++)
		is_file(is[i].bin, is[i].path, is[i].want);
}

/* redis-server is a link to redis-check-rdb, which is what processes have mapped. */
static void links(void **state)
{
	char dir[TEMP_LEN], *old = xstrdup(getenv("PATH")), *real;
	struct strbuf path = STRBUF_INIT, file = STRBUF_INIT, link = STRBUF_INIT;

	(void)state;
	assert_int_equal(temp_dir(dir, "spec"), 0);
	real = realpath(dir, NULL);
	strbuf_addf(&file, "%s/check-rdb", real);
	strbuf_addf(&link, "%s/server", real);
	close(open(file.buf, O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	assert_int_equal(symlink("check-rdb", link.buf), 0);
	is_file(link.buf, file.buf, true);
	is_file(link.buf, "/usr/bin/check-rdb", false);
	is_file("server", file.buf, false);
	strbuf_addf(&path, "/nonsense:%s:%s", real, old);
	setenv("PATH", path.buf, 1);
	is_file("server", file.buf, true);
	is_file("server", "/usr/bin/check-rdb", false);
	is_file("server", "/usr/bin/server", true);
	is_file("check-rdb", link.buf, false);
	setenv("PATH", old, 1);
	unlink(link.buf);
	unlink(file.buf);
	rmdir(dir);
	free(real);
	free(old);
	strbuf_free(&path);
	strbuf_free(&file);
	strbuf_free(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions),  cmocka_unit_test(markers), cmocka_unit_test(pairs),
		cmocka_unit_test(refusals), cmocka_unit_test(files),   cmocka_unit_test(links),
	};

	return cmocka_run_group_tests_name("annot_spec", tests, NULL, NULL);
}
