// SPDX-License-Identifier: BSD-2-Clause
/* Each kind of option: which values it takes, and the sentence for those that it does not. */
#include "helpers.h"

#include <errno.h>
#include <limits.h>

#include "cli/optkind.h"

struct given {
	bool flag;
	const char *string;
	struct opt_strings strings;
	unsigned number, percent, word, words;
	uint64_t duration, size;
};

#define TO(kind, field) OPT_FIELD(kind, struct given, field)

static const struct opt_word colours[] = {
	{ "red", 1, NULL },
	{ "blue", 2, NULL },
	{ "none", 0, NULL },
	{ "pink", 4, "out of stock" },
	{ 0 },
};

static int set_even(const struct opt_row *row, void *given, const char *arg, struct strbuf *why)
{
	if (strlen(arg) % 2)
		return opt_refuse(row, arg, why, "%zu letters are odd", strlen(arg));
	((struct given *)given)->flag = true;
	return 0;
}

static const struct opt_row flag = { .name = "flag", TO(FLAG, flag) };
static const struct opt_row file = {
	.name = "file", .arg = "FILE", TO(STRING, string), .what = "a name", .words = colours + 3
};
static const struct opt_row globs = {
	.name = "glob", .arg = "GLOB", TO(STRINGS, strings), .what = "a glob"
};
static const struct opt_row any = { .name = "any", .arg = "N", TO(NUMBER, number) };
static const struct opt_row some = { .letter = 'n',
				     .name = "some",
				     .arg = "[N]",
				     TO(NUMBER, number),
				     .min = 2,
				     .max = 9,
				     .unsaid = 5,
				     .what = "a tooth" };
static const struct opt_row share = { .name = "share", .arg = "N%", TO(PERCENT, percent) };
static const struct opt_row half = {
	.name = "half", .arg = "N%", TO(PERCENT, percent), .min = 1, .max = 50
};
static const struct opt_row pause_for = { .name = "pause",
					  .arg = "TIME",
					  TO(DURATION, duration),
					  .min = 1000,
					  .max = 2000000000,
					  .low = "too hasty" };
static const struct opt_row room = { .name = "room",
				     .arg = "SIZE",
				     TO(SIZE, size),
				     .max = 1 << 20,
				     .high = "more than there is",
				     .way = "64K" };
static const struct opt_row colour = {
	.name = "colour", .arg = "WORD", TO(WORD, word), .words = colours
};
static const struct opt_row paint = {
	.letter = 'p', .name = "paint", .arg = "LIST", TO(WORDS, words), .words = colours
};
static const struct opt_row even = {
	.name = "even", .arg = "WORD", .kind = OPT_OWN, .set = set_even
};

/* What the row's field holds as a number. */
static uint64_t value_of(const struct opt_row *row, const struct given *g)
{
	const void *field = (const char *)g + row->at;

	return row->kind == OPT_DURATION || row->kind == OPT_SIZE ? *(const uint64_t *)field :
								    *(const unsigned *)field;
}

static void values(void **state)
{
	static const struct {
		const struct opt_row *row;
		const char *arg;
		uint64_t want;
	} is[] = {
		{ &any, "0", 0 },
		{ &any, "4294967295", UINT_MAX },
		{ &some, "2", 2 },
		{ &some, "9", 9 },
		{ &some, NULL, 5 },
		{ &share, "0", 0 },
		{ &share, "100%", 100 },
		{ &half, "1%", 1 },
		{ &half, "50", 50 },
		{ &pause_for, "1us", 1000 },
		{ &pause_for, "2", 2000000000 },
		{ &room, "0", 0 },
		{ &room, "1M", 1 << 20 },
		{ &colour, "red", 1 },
		{ &colour, "none", 0 },
		{ &paint, "blue", 2 },
		{ &paint, "blue,red,red", 3 },
		{ &paint, "none", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(is); i++) {
		struct strbuf why = STRBUF_INIT;
		struct given g;

		memset(&g, 0xff, sizeof(g));
		if (opt_set(is[i].row, &g, is[i].arg, &why))
			fail_msg("%s", why.buf);
		assert_int_equal(value_of(is[i].row, &g), is[i].want);
	}
}

static void others(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct given g = { 0 };

	(void)state;
	assert_int_equal(opt_set(&flag, &g, NULL, &why), 0);
	assert_true(g.flag);
	assert_int_equal(opt_set(&file, &g, "a", &why), 0);
	assert_int_equal(opt_set(&file, &g, "b", &why), 0);
	assert_string_equal(g.string, "b");
	assert_int_equal(opt_set(&globs, &g, "x*", &why), 0);
	assert_int_equal(opt_set(&globs, &g, "y?", &why), 0);
	assert_int_equal(g.strings.cnt, 2);
	assert_string_equal(g.strings.v[0], "x*");
	assert_string_equal(g.strings.v[1], "y?");
	g.flag = false;
	assert_int_equal(opt_set(&even, &g, "ab", &why), 0);
	assert_true(g.flag);
	assert_int_equal(why.len, 0);
	free(g.strings.v);
}

static void refusals(void **state)
{
	static const struct {
		const struct opt_row *row;
		const char *arg, *want;
	} is[] = {
		{ &file, "", "--file: a name is missing; write FILE" },
		{ &file, "pink", "--file=pink: out of stock; write FILE" },
		{ &globs, "", "--glob: a glob is missing; write GLOB" },
		{ &any, "x", "--any=x: not a number; write 0 to 4294967295" },
		{ &any, "4294967296", "--any=4294967296: too large; write 0 to 4294967295" },
		{ &some, "", "-n: not a tooth; write 2 to 9" },
		{ &some, "1", "-n 1: too small; write 2 to 9" },
		{ &some, "10", "-n 10: too large; write 2 to 9" },
		{ &some, "99999999999999999999",
		  "-n 99999999999999999999: too large; write 2 to 9" },
		{ &share, "101%", "--share=101%: too large; write 0% to 100%" },
		{ &share, "5%%", "--share=5%%: not a percentage; write 0% to 100%" },
		{ &share, "%", "--share=%: not a percentage; write 0% to 100%" },
		{ &share, "", "--share: not a percentage; write 0% to 100%" },
		{ &half, "0", "--half=0: too small; write 1% to 50%" },
		{ &half, "51%", "--half=51%: too large; write 1% to 50%" },
		{ &pause_for, "999ns", "--pause=999ns: too hasty; write 5, 5s, 500ms or 1m" },
		{ &pause_for, "3s", "--pause=3s: too large; write 5, 5s, 500ms or 1m" },
		{ &pause_for, "-1", "--pause=-1: not a duration; write 5, 5s, 500ms or 1m" },
		{ &room, "2M", "--room=2M: more than there is; write 64K" },
		{ &room, "99999999999T", "--room=99999999999T: more than there is; write 64K" },
		{ &room, "much", "--room=much: not a size; write 64K" },
		{ &colour, "green",
		  "--colour=green: not a known word; write one of red, blue, none" },
		{ &colour, "", "--colour: not a known word; write one of red, blue, none" },
		{ &colour, "pink", "--colour=pink: out of stock; write one of red, blue, none" },
		{ &paint, "red,",
		  "-p red,: '' is not a known word; write one or more of red, blue, or none" },
		{ &paint, "red,none",
		  "-p red,none: 'none' stands alone; write one or more of red, blue, or none" },
		{ &paint, "pink",
		  "-p pink: 'pink': out of stock; write one or more of red, blue, or none" },
		{ &even, "abc", "--even=abc: 3 letters are odd; write WORD" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(is); i++) {
		struct strbuf why = STRBUF_INIT;
		struct given before, g;

		memset(&g, 0, sizeof(g));
		before = g;
		assert_int_equal(opt_set(is[i].row, &g, is[i].arg, &why), -EINVAL);
		assert_string_equal(why.buf, is[i].want);
		assert_memory_equal(&g, &before, sizeof(g));
		strbuf_free(&why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(others),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests_name("optkind", tests, NULL, NULL);
}
