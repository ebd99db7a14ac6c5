// SPDX-License-Identifier: BSD-2-Clause
/* Lists of instructions: what is where, who jumps there, and who gave a register its value. */
#include "insns_make.h"

enum { RAX = 1, RBX = 4, RDX = 3 };

static void empty(void **state)
{
	struct insns c = { 0 };

	(void)state;
	insns_sort(&c);
	assert_false(insns_has(&c, 0));
	assert_int_equal(insns_from(&c, 5), 0);
	assert_int_equal(insns_at(&c, 5), 0);
	assert_int_equal(insns_jump_to(&c, 5), 0);
	insns_free(&c);
}

/* Pieces come in the order in which they were found. */
static void places(void **state)
{
	struct insns c = { 0 };

	(void)state;
	PUT_PIECE(&c, BEGIN, "\x89\xf8\xc3");		      /* mov %edi,%eax; ret */
	PUT_PIECE(&c, 0x800, "\xf0\xff\x07\xe9\xf8\x07\0\0"); /* lock incl (%rdi); jmp BEGIN */
	insns_sort(&c);
	assert_int_equal(c.cnt, 4);
	assert_int_equal(c.insn[0].addr, 0x800);
	assert_int_equal(c.insn[3].addr, BEGIN + 2);

	assert_true(insns_has(&c, BEGIN + 1));
	assert_false(insns_has(&c, BEGIN + 3));
	assert_false(insns_has(&c, BEGIN - 1));

	assert_int_equal(insns_from(&c, 0), 0);
	assert_int_equal(insns_from(&c, 0x804), 2);
	assert_int_equal(insns_from(&c, BEGIN + 3), 4);

	assert_int_equal(insns_at(&c, BEGIN), 2);
	assert_int_equal(insns_at(&c, BEGIN + 1), 4);
	assert_int_equal(insns_at(&c, 0x801), 0); /* behind the prefix */
	assert_int_equal(insns_at(&c, 0x802), 4);
	insns_free(&c);
}

static void jumps(void **state)
{
	/* je +2; jmp *%rax; call +3 (the ret); je +0; ret */
	struct insns c = MAKE("\x74\x09\xff\xe0\xe8\x02\0\0\0\x74\0\xc3");

	(void)state;
	assert_int_equal(c.njump, 2); /* neither the call nor the jump by the register */
	assert_true(c.calls);
	assert_int_equal(insns_jump_to(&c, BEGIN + 11), 0);
	assert_int_equal(c.jump[0].from, 0);
	assert_int_equal(c.jump[1].target, BEGIN + 11);
	assert_int_equal(c.jump[1].from, 3);
	assert_int_equal(insns_jump_to(&c, BEGIN + 9), c.njump);
	insns_free(&c);
}

static void facts(void **state)
{
	struct insns c = MAKE("\xc3");

	(void)state;
	assert_false(c.calls || c.offsets || c.own_address);
	insns_free(&c);
	c = MAKE("\x48\x63\x04\xba\xc3"); /* movslq (%rdx,%rdi,4),%rax */
	assert_true(c.offsets);
	insns_free(&c);
	c = MAKE("\x48\x8d\x05\0\0\0\0\xc3"); /* lea ret(%rip),%rax */
	assert_true(c.own_address);
	insns_free(&c);
	c = MAKE("\x48\x8d\x05\xf9\xff\xff\xff\xc3"); /* lea BEGIN(%rip),%rax: as everybody may */
	assert_false(c.own_address);
	insns_free(&c);
}

static void writers(void **state)
{
	/* 0 mov %rdi,%rbx; 3 mov (%rdx),%rax; 6 call; b nop; c jmp *%rax */
	struct insns c = MAKE("\x48\x89\xfb\x48\x8b\x02\xe8\0\0\0\0\x90\xff\xe0");
	const struct insn *w;
	bool sure;

	(void)state;
	w = insns_writer(&c, 4, RAX, &sure);
	assert_true(w && w->flow == INSN_CALL && sure);
	w = insns_writer(&c, 4, RBX, &sure); /* calls keep it */
	assert_true(w && w->addr == BEGIN && sure);
	w = insns_writer(&c, 2, RAX, &sure);
	assert_true(w && w->addr == BEGIN + 3 && sure);
	assert_null(insns_writer(&c, 2, RDX, &sure)); /* its caller's */
	assert_true(sure);
	insns_free(&c);
}

/* By the numbers of the manual, and one: rbx, rsp, rbp and r12 to r15 stay. */
static void over_a_call(void **state)
{
	struct insns c = MAKE("\xe8\0\0\0\0\xff\xe0"); /* call; jmp *%rax */
	bool sure, stays;
	uint8_t reg;

	(void)state;
	for (reg = 1; reg <= 16; reg++) {
		stays = reg == 4 || reg == 5 || reg == 6 || reg >= 13;
		assert_int_equal(!insns_writer(&c, 1, reg, &sure), stays);
		assert_true(sure);
	}
	insns_free(&c);
}

/* Somebody else comes to the jump, too, and where only a jump leads the way goes over that. */
static void ways_back(void **state)
{
	/* 0 mov (%rdx),%rax; 3 je 7; 5 xor %eax,%eax; 7 jmp *%rax */
	struct insns c = MAKE("\x48\x8b\x02\x74\x02\x31\xc0\xff\xe0");
	const struct insn *w;
	bool sure;

	(void)state;
	w = insns_writer(&c, 3, RAX, &sure);
	assert_true(w && w->addr == BEGIN + 5);
	assert_false(sure);
	insns_free(&c);

	/* 0 mov (%rdx),%rax; 3 jmp 6; 5 ret; 6 jmp *%rax */
	c = MAKE("\x48\x8b\x02\xeb\x01\xc3\xff\xe0");
	w = insns_writer(&c, 3, RAX, &sure);
	assert_true(w && w->addr == BEGIN);
	assert_true(sure);
	insns_free(&c);
}

static void too_far(void **state)
{
	char code[103];
	struct insns c;
	bool sure;

	(void)state;
	memset(code, 0x90, sizeof(code));
	memcpy(code, "\x48\x8b\x02", 3);
	memcpy(code + sizeof(code) - 2, "\xff\xe0", 2);
	c = make_insns(code, sizeof(code));
	assert_null(insns_writer(&c, c.cnt - 1, RAX, &sure));
	assert_false(sure);
	insns_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),       cmocka_unit_test(places),
		cmocka_unit_test(jumps),       cmocka_unit_test(facts),
		cmocka_unit_test(writers),     cmocka_unit_test(ways_back),
		cmocka_unit_test(over_a_call), cmocka_unit_test(too_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
