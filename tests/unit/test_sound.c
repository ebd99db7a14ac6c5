// SPDX-License-Identifier: BSD-2-Clause
/* What makes us believe that a function's code is all there, and all code. */
#include "insns_make.h"

#include "annot/sound.h"

static void ends(struct insns c, const char *want)
{
	struct strbuf why = STRBUF_INIT;
	int err = sound_ends(&c, &why);

	if (err != (want ? -ENOTSUP : 0) || (want && !strstr(why.buf, want)))
		fail_msg("%d: %s", err, why.buf);
	insns_free(&c);
	strbuf_free(&why);
}

static void pieces_end(void **state)
{
	struct insns c = { 0 };

	(void)state;
	ends(MAKE("\x89\xf8\xc3"), NULL);	    /* mov; ret */
	ends(MAKE("\x89\xf8\xc3\x90\x90"), NULL);   /* and padding */
	ends(MAKE("\x0f\x0b"), NULL);		    /* ud2 */
	ends(MAKE("\xe8\0\0\0\0"), NULL);	    /* call, of what does not return */
	ends(MAKE("\x89\xf8"), "runs on into");	    /* mov */
	ends(MAKE("\xc3\x74\xfd"), "runs on into"); /* ret; je */
	ends(MAKE("\x90\x90"), "has no instructions");

	PUT_PIECE(&c, BEGIN, "\xc3");
	PUT_PIECE(&c, BEGIN - 2, "\x89\xf8"); /* into the first one */
	insns_sort(&c);
	ends(c, NULL);
	c = (struct insns){ 0 };
	PUT_PIECE(&c, BEGIN, "\xc3");
	PUT_PIECE(&c, BEGIN + 8, "\x89\xf8"); /* each is looked at */
	insns_sort(&c);
	ends(c, "runs on into");
}

static bool believed(const struct insns *c, struct exits x, bool catches)
{
	struct strbuf why = STRBUF_INIT;
	int err = sound_exits(c, &x, catches, &why);

	strbuf_free(&why);
	return !err;
}

static void exits_are_reached(void **state)
{
	struct insns c = MAKE("\x74\x01\xc3\x90\xc3"); /* 0 je 3; 2 ret; 3 nop; 4 ret */
	struct exits x = EXITS(BEGIN + 2);

	(void)state;
	assert_true(believed(&c, EXITS(BEGIN + 2, BEGIN + 4), false));
	insns_free(&c);

	c = MAKE("\xeb\x01\xc3\xc3"); /* 0 jmp 3; 2 ret, or a table; 3 ret */
	assert_true(believed(&c, EXITS(BEGIN + 3), false));
	assert_false(believed(&c, EXITS(BEGIN + 2, BEGIN + 3), false));
	assert_false(believed(&c, x, true)); /* nothing that might throw is called */
	x.tables = true;
	assert_true(believed(&c, x, false));
	insns_free(&c);

	c = MAKE("\xe8\0\0\0\0\xc3\xc3"); /* call; ret; 6 ret */
	assert_false(believed(&c, EXITS(BEGIN + 6), false));
	assert_true(believed(&c, EXITS(BEGIN + 6), true));
	insns_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_end),
		cmocka_unit_test(exits_are_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
