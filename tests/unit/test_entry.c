// SPDX-License-Identifier: BSD-2-Clause
/* Where a function's calls are seen. */
#include "insns_make.h"

#include "annot/entry.h"

static void chosen(struct insns c, struct exits x, uint64_t addr, unsigned pushed)
{
	struct strbuf why = STRBUF_INIT;
	struct entry e;

	if (entry_choose(&e, &c, &x, &why))
		fail_msg("%s", why.buf);
	assert_int_equal(e.addr, BEGIN + addr);
	assert_int_equal(e.pushed, pushed);
	insns_free(&c);
	strbuf_free(&why);
}

static void refused(struct insns c, struct exits x, const char *want)
{
	struct strbuf why = STRBUF_INIT;
	struct entry e;

	assert_int_equal(entry_choose(&e, &c, &x, &why), -ENOTSUP);
	if (!strstr(why.buf, want))
		fail_msg("%s", why.buf);
	insns_free(&c);
	strbuf_free(&why);
}

static void cheapest(void **state)
{
	(void)state;
	/* mov %edi,%eax; ret */
	chosen(MAKE("\x89\xf8\xc3"), EXITS(BEGIN + 2), 0, 0);
	/* endbr64; push %rbx; pop %rbx; ret */
	chosen(MAKE("\xf3\x0f\x1e\xfa\x53\x5b\xc3"), EXITS(BEGIN + 6), 4, 0);
	/* sub $8,%rsp: none of those behind it */
	chosen(MAKE("\x48\x83\xec\x08\x53\x5b\x48\x83\xc4\x08\xc3"), EXITS(BEGIN + 10), 0, 0);
}

static void not_where_it_is_left(void **state)
{
	(void)state;
	refused(MAKE("\xc3"), EXITS(BEGIN), "nothing but");
	/* endbr64; nop, which is cheap, but an exit by what we say */
	chosen(MAKE("\xf3\x0f\x1e\xfa\x90\xc3"), EXITS(BEGIN + 4), 0, 0);
}

static void not_in_a_loop(void **state)
{
	(void)state;
	/* 0 dec %edi; 2 jne 0; 4 ret */
	refused(MAKE("\xff\xcf\x75\xfc\xc3"), EXITS(BEGIN + 4), "turn of a loop");
	/* that jump is a call of itself in its place */
	chosen(MAKE("\xff\xcf\xeb\xfc\xc3"), EXITS(BEGIN + 2, BEGIN + 4), 0, 0);
	/* 0 endbr64; 4 push %rbx; 5 pop %rbx; 6 jne 4; 8 ret */
	chosen(MAKE("\xf3\x0f\x1e\xfa\x53\x5b\x75\xfc\xc3"), EXITS(BEGIN + 8), 0, 0);
}

static void long_nops(void **state)
{
	(void)state;
	/* nopl 0(%rax,%rax): goes by; mov; ret */
	chosen(MAKE("\x0f\x1f\x44\0\0\x89\xf8\xc3"), EXITS(BEGIN + 7), 5, 0);
	refused(MAKE("\x0f\x1f\x44\0\0\xc3"), EXITS(BEGIN + 5), "no probe may be set");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cheapest),
		cmocka_unit_test(not_where_it_is_left),
		cmocka_unit_test(not_in_a_loop),
		cmocka_unit_test(long_nops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
