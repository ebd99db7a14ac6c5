// SPDX-License-Identifier: BSD-2-Clause
/* What is written at the console: which call it is, with which arguments, and where it is wrong. */
#include "helpers.h"

#include "console/words.h"

/* A line and what it is: the kind's letter, the method, the arguments as JSON. */
static void line_is(const char *line, const char *want)
{
	static const char *const kinds[] = { [WORDS_NOTHING] = "nothing",
					     [WORDS_NAME] = "name",
					     [WORDS_CALL] = "call",
					     [WORDS_HELP] = "help",
					     [WORDS_EXIT] = "exit" };
	struct strbuf got = STRBUF_INIT, why = STRBUF_INIT;
	struct words w;
	size_t at;
	char *args;

	if (words_parse(&w, line, &at, &why))
		fail_msg("'%s' is refused at %zu: %s", line, at, why.buf);
	strbuf_addstr(&got, kinds[w.kind]);
	if (w.space)
		strbuf_addf(&got, " %s", w.space);
	if (w.name)
		strbuf_addf(&got, " %s", w.name);
	if (w.args) {
		args = json_dumps(w.args, JSON_COMPACT);
		strbuf_addf(&got, " %s", args);
		free(args);
	}
	assert_string_equal(got.buf, want);
	words_free(&w);
	strbuf_free(&got);
	strbuf_free(&why);
}

/* Refused: `line` has a | where the caret has to be. */
static void line_is_wrong(const char *marked, const char *sentence)
{
	struct strbuf line = STRBUF_INIT, why = STRBUF_INIT;
	const char *mark = strchr(marked, '|');
	struct words w;
	size_t at;

	assert_non_null(mark);
	strbuf_add(&line, marked, (size_t)(mark - marked));
	strbuf_addstr(&line, mark + 1);
	if (words_parse(&w, line.buf, &at, &why) != -EINVAL)
		fail_msg("'%s' is taken", line.buf);
	if (at != (size_t)(mark - marked) || !strstr(why.buf, sentence))
		fail_msg("'%s' is refused at %zu: %s", line.buf, at, why.buf);
	words_free(&w);
	strbuf_free(&line);
	strbuf_free(&why);
}

static void calls(void **state)
{
	(void)state;
	line_is("debug.goTrace(\"go.trace\", 5)", "call debug goTrace [\"go.trace\",5]");
	line_is("debug.stopGoTrace()", "call debug stopGoTrace []");
	line_is("  debug . stopGoTrace ( ) ; // that was it", "call debug stopGoTrace []");
	line_is("debug_stopGoTrace();;", "call debug stopGoTrace []");
	line_is("a.b_c()", "call a b_c []");
	line_is("debug", "name debug");
	line_is("debug.goTrace", "name debug goTrace");
	line_is("debug_goTrace", "name debug goTrace");
	line_is("_x", "name _x");
	line_is("x_", "name x_");
	line_is("", "nothing");
	line_is(" \t;\r\n", "nothing");
	line_is("// debug.stopGoTrace()", "nothing");
	line_is("help", "help");
	line_is("help()", "help");
	line_is("help debug", "help debug");
	line_is("help debug.goTrace;", "help debug goTrace");
	line_is("exit", "exit");
	line_is("quit();", "exit");
	line_is("exit.now()", "call exit now []");
}

static void arguments(void **state)
{
	static const struct {
		const char *text, *json;
	} row[] = {
		{ "", "" },
		{ "1,", "1" },
		{ "'it\\'s', \"a 'b'\"", "\"it's\",\"a 'b'\"" },
		{ "\"\\b\\f\\n\\r\\t\\v\\\\\\/\"", "\"\\b\\f\\n\\r\\t\\u000B\\\\/\"" },
		{ "'\\x41\\u00e4\\u{1F600}\\ud83d\\ude00'",
		  "\"A\xc3\xa4\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"" },
		{ "'\xc3\xa4 \xf0\x9f\x98\x80'", "\"\xc3\xa4 \xf0\x9f\x98\x80\"" },
		{ "0, -0, 7, -7, +7", "0,0,7,-7,7" },
		{ "9223372036854775807, -9223372036854775808",
		  "9223372036854775807,-9223372036854775808" },
		{ "5.0, 5e0, 5., .5, -.5e1, 1e3, 1E+2, 25e-1", "5,5,5,0.5,-5,1000,100,2.5" },
		{ "0x10, 0XfF, -0x1", "16,255,-1" },
		{ "true, false, null, undefined", "true,false,null,null" },
		{ "[], {}, [ ], { }", "[],{},[],{}" },
		{ "{pid: 42, region: ['a:b', \"c\",], 'first-proc': 1, }",
		  "{\"pid\":42,\"region\":[\"a:b\",\"c\"],\"first-proc\":1}" },
		{ "{a: {b: [{c: []}]}}", "{\"a\":{\"b\":[{\"c\":[]}]}}" },
		{ "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]",
		  "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]" },
		{ "{a: 1, a: 2}", "{\"a\":2}" },
		{ "{true: 1, $_9: 2}", "{\"true\":1,\"$_9\":2}" },
		{ "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
		  "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]" },
	};
	struct strbuf line = STRBUF_INIT, want = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		strbuf_set_f(&line, "x.y(%s)", row[i].text);
		strbuf_set_f(&want, "call x y [%s]", row[i].json);
		line_is(line.buf, want.buf);
	}
	strbuf_free(&line);
	strbuf_free(&want);
}

static void what_is_wrong(void **state)
{
	static const char *const row[][2] = {
		{ "|'x'", "a call has to come here" },
		{ "|(1)", "a call has to come here" },
		{ "|5", "a call has to come here" },
		{ "|.x()", "a call has to come here" },
		{ "debug.|", "the name of a method is missing" },
		{ "debug.|()", "the name of a method is missing" },
		{ "a.b|.c()", "nothing below a method" },
		{ "|goTrace('x')", "goTrace is no method" },
		{ "|_x()", "_x is no method" },
		{ "debug |goTrace", "arguments stand in ()" },
		{ "debug.goTrace |'x'", "arguments stand in ()" },
		{ "a.b() |c", "nothing can come behind it" },
		{ "a.b()|.c", "nothing can come behind it" },
		{ "a.b(); |c.d()", "nothing can come behind it" },
		{ "a.b(|", "a value is missing" },
		{ "a.b(1|", "a ) is missing" },
		{ "a.b(1,|", "a value is missing" },
		{ "a.b(1 |2)", "a comma or a ) has to come" },
		{ "a.b([1|", "a ] is missing" },
		{ "a.b([1|)", "a comma or a ] has to come" },
		{ "a.b({|", "a } is missing" },
		{ "a.b({a|", "a : has to come" },
		{ "a.b({a:|", "a value is missing" },
		{ "a.b({a: 1|)", "a comma or a } has to come" },
		{ "a.b({|1: 2})", "a name has to come" },
		{ "a.b({|first-proc: 1})", "\"first-proc\"" },
		{ "a.b(|,)", "no value" },
		{ "a.b(|go.trace)", "\"go.trace\"" },
		{ "a.b(|/tmp/x)", "\"/tmp/x\"" },
		{ "a.b(|~/x)", "\"~/x\"" },
		{ "a.b(|NaN)", "no value" },
		{ "a.b(|Infinity)", "no value" },
		{ "a.b(|c())", "no value" },
		{ "a.b(|`x`)", "no value" },
		{ "a.b(|5s)", "needs quotes" },
		{ "a.b(|1.2.3)", "no number" },
		{ "a.b(|1e)", "no number" },
		{ "a.b(|1e+)", "no number" },
		{ "a.b(|.)", "no number" },
		{ "a.b(|-)", "no number" },
		{ "a.b(|--1)", "no number" },
		{ "a.b(|- 1)", "no number" },
		{ "a.b(|007)", "does not begin with 0" },
		{ "a.b(|0x)", "no hexadecimal number" },
		{ "a.b(|0xfffffffffffffffff)", "too large" },
		{ "a.b(|0x1g)", "no number" },
		{ "a.b(|1e999)", "too large" },
		{ "a.b(|'x)", "a ' is missing" },
		{ "a.b(|\"x\\\")", "a \" is missing" },
		{ "a.b(|'x\\", "a ' is missing" },
		{ "a.b('|\\q')", "a backslash is written twice" },
		{ "a.b('|\\0')", "NUL" },
		{ "a.b('|\\x00')", "NUL" },
		{ "a.b('|\\u{0}')", "NUL" },
		{ "a.b('|\\x4')", "no character" },
		{ "a.b('|\\u12')", "no character" },
		{ "a.b('|\\u{110000}')", "no character" },
		{ "a.b('|\\u{}')", "no character" },
		{ "a.b('|\\u{1')", "no character" },
		{ "a.b('|\\ud83d')", "no character" },
		{ "a.b('|\\ud83dx')", "no character" },
		{ "a.b('|\\ud83d\\u0041')", "no character" },
		{ "a.b('|\\ude00')", "no character" },
		{ "a.b('x|\xff')", "no UTF-8" },
		{ "a.b('x|\xed\xa0\x80')", "no UTF-8" },
		{ "a.b(|\xc3\xa4)", "no value" },
		{ "|help(1)", "takes nothing" },
		{ "|exit(1)", "takes nothing" },
		{ "help debug |goTrace", "nothing can come behind" },
		{ "a.b([[[[[[[[[[[[[[[[[[[[|[]]]]]]]]]]]]]]]]]]]]])", "too deep" },
		{ "a.b({a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:|[",
		  "too deep" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++)
		line_is_wrong(row[i][0], row[i][1]);
}

static void long_lines(void **state)
{
	char *line = xmalloc(WORDS_LINE_MAX + 100);
	struct strbuf why = STRBUF_INIT;
	struct words w;
	size_t at;

	(void)state;
	memset(line, ' ', WORDS_LINE_MAX + 99);
	line[WORDS_LINE_MAX + 99] = 0;
	assert_int_equal(words_parse(&w, line, &at, &why), -EINVAL);
	line[WORDS_LINE_MAX] = 0;
	assert_int_equal(words_parse(&w, line, &at, &why), 0);
	words_free(&w);
	memset(line, '[', 1000000); /* no deeper than the stack bears */
	memcpy(line, "a.b(", 4);
	assert_int_equal(words_parse(&w, line, &at, &why), -EINVAL);
	words_free(&w);
	strbuf_free(&why);
	free(line);
}

/* Pieces of the language in any order: nothing but 0 and a refusal with a place inside the line;
 * what was taken is JSON. */
static void any_line(void **state)
{
	static const char *const piece[] = {
		"debug", ".",  "goTrace", "(",	  ")",	  "[",	       "]",	  "{",	  "}", ",",
		":",	 "'",  "\"",	  "\\",	  "\\u",  "\\x4",      "{1F600}", "5",	  "-", "0x",
		"1e",	 "e9", ".5",	  "true", "null", "undefined", "help",	  "exit", ";", "//",
		" ",	 "\t", "\xc3",	  "\xa4", "a-b",  "pid: 42",   "['a:b']", "\x01", "_",
	};
	const char *env = getenv("CTRACE_FUZZ_N");
	unsigned long n = env ? strtoul(env, NULL, 10) : 20000, taken = 0;
	struct strbuf line = STRBUF_INIT, why = STRBUF_INIT;
	uint64_t seed = 88172645463325252ull;
	struct words w;
	size_t at, cnt;
	char *text;
	int err;

	(void)state;
	while (n--) {
		strbuf_reset(&line);
		if (rnd(&seed) % 2)
			strbuf_addstr(&line, "a.b(");
		for (cnt = rnd(&seed) % 12; cnt; cnt--)
			strbuf_addstr(&line, piece[rnd(&seed) % COUNT(piece)]);
		if (rnd(&seed) % 2)
			strbuf_addstr(&line, ")");
		strbuf_reset(&why);
		err = words_parse(&w, line.buf, &at, &why);
		assert_true(err ? err == -EINVAL && at <= line.len && why.len : !why.len);
		taken += !err;
		if (!err && w.kind == WORDS_CALL) {
			text = json_dumps(w.args, 0);
			assert_non_null(text);
			free(text);
		}
		words_free(&w);
	}
	assert_true(taken > 0);
	strbuf_free(&line);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),	 cmocka_unit_test(arguments),
		cmocka_unit_test(what_is_wrong), cmocka_unit_test(long_lines),
		cmocka_unit_test(any_line),
	};

	return cmocka_run_group_tests_name("console_words", tests, NULL, NULL);
}
