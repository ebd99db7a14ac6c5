// SPDX-License-Identifier: BSD-2-Clause
/* Requests' first lines, as Go reads them: pairs, seconds, paths. What is wanted was asked of
 * Go 1.26. */
#include "helpers.h"

#include <math.h>

#include "http/pprof.h"
#include "http/query.h"

/* key=value, each ended by a bar */
static char *pairs(const char *text)
{
	struct strbuf out = STRBUF_INIT;
	struct query q;
	size_t i;

	query_parse(&q, text);
	for (i = 0; i < q.cnt; i++)
		strbuf_addf(&out, "%s=%s|", q.v[i].key, q.v[i].value);
	query_free(&q);
	return out.cap ? out.buf : xstrdup("");
}

static void pairs_are_those_of_go(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "a=1", "a=1|" },
		{ "a=1&b=2&a=3", "a=1|b=2|a=3|" },
		{ "a", "a=|" },
		{ "a=", "a=|" },
		{ "=1", "=1|" },
		{ "a=b=c", "a=b=c|" },
		{ "&&a=1&", "a=1|" },
		{ "a=1;b=2&c=3", "c=3|" },
		{ "a%3d=1+2%2B3", "a==1 2+3|" },
		{ "a=%C3%A9", "a=\xc3\xa9|" },
		{ "a=%zz&b=%4&c=%&d=%41", "d=A|" },
		{ "a=%00", "" }, /* Go takes a NUL; nothing of ours has one */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *got = pairs(cases[i].text);

		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

static double seconds(const char *text)
{
	struct query q;
	double sec;

	query_parse(&q, text);
	sec = query_seconds(&q);
	query_free(&q);
	return sec;
}

static void seconds_are_those_of_go(void **state)
{
	static const char *const one[] = {
		"",
		"seconds=",
		"seconds=x",
		"seconds=0",
		"seconds=-3",
		"seconds=+-1",
		"seconds=1s",
		"seconds=0x2",
		"seconds=%205",
		"seconds=5%20",
		"seconds=.",
		"seconds=1e",
		"seconds=e5",
		"seconds=nan(5)",
		"seconds=-inf",
		"seconds=2;3",
		"Seconds=7",
		"seconds=,5",
		"seconds=1e999",
		"seconds=%zz",
		"seconds=x&seconds=5",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(one); i++)
		if (seconds(one[i]) != 1)
			fail_msg("'%s' gives %g", one[i], seconds(one[i]));
	assert_true(seconds("seconds=30") == 30);
	assert_true(seconds("pid=4&seconds=0.25&x") == 0.25);
	assert_true(seconds("seconds=2&seconds=5") == 2);
	assert_true(seconds("seconds=%2B.5") == 0.5);
	assert_true(seconds("seconds=5.") == 5);
	assert_true(seconds("seconds=25e-1") == 2.5);
	assert_true(seconds("seconds=0x1p-2") == 0.25);
	assert_true(seconds("seconds=1e-9") == 1e-9);
	assert_true(isinf(seconds("seconds=inf")));
	assert_true(isinf(seconds("seconds=Infinity")));
}

static void targets_are_split(void **state)
{
	static const struct {
		const char *target, *path, *clean, *query; /* path NULL: is none */
	} cases[] = {
		{ "/", "/", "", "" },
		{ "/a/b?c=1?2", "/a/b", "", "c=1?2" },
		{ "/a%20b%2fc", "/a b/c", "", "" },
		{ "http://localhost:6060/x?y", "/x", "", "y" },
		{ "HTTPS://h/x", "/x", "", "" },
		{ "//a", "//a", "/a", "" },
		{ "/a//b/", "/a//b/", "/a/b/", "" },
		{ "/a/./b", "/a/./b", "/a/b", "" },
		{ "/a/b/../c?d", "/a/b/../c", "/a/c", "d" },
		{ "/a/b/..", "/a/b/..", "/a", "" },
		{ "/../..", "/../..", "/", "" },
		{ "/a/.", "/a/.", "/a", "" },
		{ "/a/..b/...", "/a/..b/...", "", "" },
		{ "/%2e%2e/x", "/../x", "", "" },
		{ "*", NULL, NULL, NULL },
		{ "", NULL, NULL, NULL },
		{ "http://h", NULL, NULL, NULL },
		{ "ftp://h/x", NULL, NULL, NULL },
		{ "/%", NULL, NULL, NULL },
		{ "/%4", NULL, NULL, NULL },
		{ "/%gg", NULL, NULL, NULL },
		{ "/%00", NULL, NULL, NULL },
	};
	struct strbuf path = STRBUF_INIT, clean = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *query = target_split(cases[i].target, &path, &clean);

		if (!cases[i].path) {
			if (query)
				fail_msg("'%s' is taken", cases[i].target);
			continue;
		}
		if (!query)
			fail_msg("'%s' is not taken", cases[i].target);
		assert_string_equal(path.buf, cases[i].path);
		assert_string_equal(clean.buf, cases[i].clean);
		assert_string_equal(query, cases[i].query);
	}
	strbuf_free(&path);
	strbuf_free(&clean);
}

/* Whatever comes: what is led to is clean, and nothing is read that is not there (under ASan). */
static void anything_is_read(void **state)
{
	static const char letters[] = "//..%%&=;+?0aF2e\xff";
	struct strbuf path = STRBUF_INIT, clean = STRBUF_INIT, again = STRBUF_INIT;
	uint64_t seed = 4711;
	char text[24];
	struct query q;

	(void)state;
	for (int n = 0; n < 50000; n++) {
		size_t i, len = rnd(&seed) % (sizeof(text) - 1);
		const char *query;

		for (i = 0; i < len; i++)
			text[i] = letters[rnd(&seed) % (sizeof(letters) - 1)];
		text[len] = 0;
		query_parse(&q, text);
		assert_true(query_seconds(&q) > 0);
		query_free(&q);
		query = target_split(text, &path, &clean);
		if (!query || !clean.len)
			continue;
		if (!target_split(clean.buf, &path, &again) || again.len)
			fail_msg("'%s' leads to '%s', which leads to '%s'", text, clean.buf,
				 again.buf);
	}
	strbuf_free(&path);
	strbuf_free(&clean);
	strbuf_free(&again);
}

/* ---- what is wished ---- */

static char *wish(const char *text)
{
	struct strbuf why = STRBUF_INIT;
	struct query q;
	json_t *object;
	char *got;

	query_parse(&q, text);
	object = pprof_wish(&q, &why);
	got = object ? json_dumps(object, JSON_COMPACT) : xstrdup(why.buf);
	json_decref(object);
	query_free(&q);
	strbuf_free(&why);
	return got;
}

static void queries_are_wishes(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "{}" },
		{ "seconds=5&debug=1&x=y", "{}" }, /* as Go leaves out what it does not know */
		{ "pid=42&seconds=5", "{\"pid\":\"42\"}" },
		{ "all=1", "{\"all\":true}" },
		{ "all&follow=true", "{\"all\":true,\"follow\":true}" },
		{ "all=0&pid=1", "{\"pid\":\"1\"}" },
		{ "all=yes", "'all' is a switch; write all=1" },
		{ "region=a:f&region=b:g&region=c:h", "{\"region\":[\"a:f\",\"b:g\",\"c:h\"]}" },
		{ "sample", "{\"sample\":true}" }, /* whose number may be left out */
		{ "sample=200", "{\"sample\":\"200\"}" },
		{ "pid",
		  "{\"pid\":\"\"}" }, /* refused where recordings are started, in its words */
		{ "comm=%ff", "the value of 'comm' is no UTF-8" },
		{ "p=42", "{}" }, /* long names alone */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *got = wish(cases[i].text);

		assert_string_equal(got, cases[i].want);
		free(got);
	}
}

static void refusals_have_a_status(void **state)
{
	(void)state;
	assert_int_equal(pprof_status(-EINVAL), 400);
	assert_int_equal(pprof_status(EPERM), 403);
	assert_int_equal(pprof_status(-ESRCH), 404);
	assert_int_equal(pprof_status(EBUSY), 503);
	assert_int_equal(pprof_status(-EIO), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_those_of_go),  cmocka_unit_test(seconds_are_those_of_go),
		cmocka_unit_test(targets_are_split),	  cmocka_unit_test(queries_are_wishes),
		cmocka_unit_test(refusals_have_a_status), cmocka_unit_test(anything_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
