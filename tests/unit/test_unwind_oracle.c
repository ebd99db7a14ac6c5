// SPDX-License-Identifier: BSD-2-Clause
/*
 * Our rules against libdw's, for files of this machine and the vdso: at each of our rows, on both
 * sides of it, and at addresses at random.
 *
 * They are compared by what they give. Registers and memory are made up (a word of memory is a hash
 * of its address); libdw's operations are evaluated with them, and our rule as the BPF programs do
 * it. The caller's stack pointer, rip and rbp must be the same, unless ours says that it does not
 * know; and it may not say that where the CFA is rsp or rbp with an offset.
 */
#include "unwind_text.h"
#include "unwind_walk.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <sys/auxv.h>

#include "util/hash.h"

static uint64_t memory(uint64_t addr)
{
	return hash_u64(addr * 3 + 1);
}

/* ---- libdw's ---- */

static bool reg_value(const struct regs *at, uint64_t reg, uint64_t *v)
{
	*v = reg == 6 ? at->rbp : reg == 7 ? at->rsp : reg == 16 ? at->rip : 0;
	return reg == 6 || reg == 7 || reg == 16;
}

/* Evaluates; false: an operation or a register that is not among those we model. *value: the
 * result is a value, not a place. */
static bool evaluate(const Dwarf_Op *op, size_t n, const struct regs *at, uint64_t cfa,
		     uint64_t *result, bool *value)
{
	uint64_t s[32] = { 0 }, v;
	size_t sp = 0, i;

	*value = false;
	for (i = 0; i < n; i++) {
		uint8_t a = op[i].atom;

		if (sp > 28)
			return false;
		if (a >= DW_OP_breg0 && a <= DW_OP_breg31) {
			if (!reg_value(at, a - DW_OP_breg0, &v))
				return false;
			s[sp++] = v + op[i].number;
		} else if (a == DW_OP_bregx) {
			if (!reg_value(at, op[i].number, &v))
				return false;
			s[sp++] = v + op[i].number2;
		} else if (a >= DW_OP_lit0 && a <= DW_OP_lit31) {
			s[sp++] = a - DW_OP_lit0;
		} else if (a == DW_OP_call_frame_cfa) {
			s[sp++] = cfa;
		} else if (a == DW_OP_stack_value) {
			*value = true;
		} else if (a == DW_OP_deref && sp) {
			s[sp - 1] = memory(s[sp - 1]);
		} else if (a == DW_OP_plus_uconst && sp) {
			s[sp - 1] += op[i].number;
		} else if (sp >= 2) {
			v = s[--sp];
			switch (a) {
			case DW_OP_plus:
				s[sp - 1] += v;
				break;
			case DW_OP_and:
				s[sp - 1] &= v;
				break;
			case DW_OP_ge:
				s[sp - 1] = (int64_t)s[sp - 1] >= (int64_t)v;
				break;
			case DW_OP_shl:
				s[sp - 1] <<= v & 63;
				break;
			case DW_OP_mul:
				s[sp - 1] *= v;
				break;
			default:
				return false;
			}
		} else {
			return false;
		}
	}
	*result = sp ? s[sp - 1] : 0;
	return sp;
}

enum found { FOUND, UNDEFINED, OTHER };

static enum found caller_reg(Dwarf_Frame *f, int reg, const struct regs *at, uint64_t cfa,
			     uint64_t *v)
{
	Dwarf_Op mem[3], *ops;
	size_t n;
	bool value;

	if (dwarf_frame_register(f, reg, mem, &ops, &n))
		return OTHER;
	if (!n && ops == mem)
		return UNDEFINED;
	if (!n)
		return reg_value(at, (uint64_t)reg, v) ? FOUND : OTHER;
	if (!evaluate(ops, n, at, cfa, v, &value))
		return OTHER;
	if (!value)
		*v = memory(*v);
	return FOUND;
}

/* *simple: the CFA is rsp or rbp with an offset, and the return address right below. */
static struct caller by_libdw(Dwarf_Frame *f, const struct regs *at, bool *simple)
{
	struct caller c = { 0 };
	Dwarf_Addr start, end;
	enum found ra, rbp;
	Dwarf_Op *ops;
	uint64_t cfa = 0;
	bool signal, value;
	size_t n;

	*simple = false;
	dwarf_frame_info(f, &start, &end, &signal);
	if (dwarf_frame_cfa(f, &ops, &n) || !evaluate(ops, n, at, 0, &cfa, &value))
		n = 0;
	ra = caller_reg(f, 16, at, cfa, &c.regs.rip);
	c.stop = ra == UNDEFINED;
	c.known = c.stop || (ra == FOUND && n);
	*simple = c.known && n == 1 && c.regs.rip == memory(cfa - 8);
	rbp = caller_reg(f, 6, at, cfa, &c.regs.rbp);
	c.bp_known = rbp == FOUND;
	c.regs.rsp = cfa;
	if (signal && caller_reg(f, 7, at, cfa, &c.regs.rsp) != FOUND)
		c.known = false;
	return c;
}

/* ---- the comparison ---- */

struct judged {
	uint64_t entry;
	size_t same, bad, none, bp_lost;
};

static uint64_t row_start(const struct unwind_table *t, uint64_t pc)
{
	size_t lo = 0, hi = t->nrow;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->pc[mid] <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return t->pc[lo];
}

static void judge(const struct unwind_table *t, Dwarf_CFI *cfi, uint64_t pc, uint64_t seed,
		  struct judged *j)
{
	struct regs at = { .rip = pc, .rsp = rnd(&seed) & ~7ull, .rbp = rnd(&seed) & ~7ull };
	const struct unw_rule *r = unwind_table_find(t, pc);
	struct strbuf text = STRBUF_INIT;
	struct caller ours, theirs;
	Dwarf_Frame *f = NULL;
	bool simple;

	if (dwarf_cfi_addrframe(cfi, pc, &f)) {
		j->none++;
		return;
	}
	theirs = by_libdw(f, &at, &simple);
	free(f);
	assert_non_null(r);
	rule_text(&text, r);
	ours = by_rule(r, &at, memory);
	if (!ours.known) {
		if (simple)
			fail_msg("%llx: ours is not known", (unsigned long long)pc);
		j->bad++;
	} else if (ours.stop && row_start(t, pc) == j->entry) {
		j->same++; /* whatever it says: nobody calls what a program starts with */
	} else if (ours.stop != theirs.stop || !theirs.known) {
		fail_msg("%llx: ours is %s, theirs %s", (unsigned long long)pc, text.buf,
			 theirs.stop ? "stops" : "goes on or is not known");
	} else if (!ours.stop) {
		if (ours.regs.rsp != theirs.regs.rsp || ours.regs.rip != theirs.regs.rip)
			fail_msg("%llx: another CFA, or rip: %s", (unsigned long long)pc, text.buf);
		if (ours.bp_known && (!theirs.bp_known || ours.regs.rbp != theirs.regs.rbp))
			fail_msg("%llx: another rbp: %s", (unsigned long long)pc, text.buf);
		j->bp_lost += !ours.bp_known && theirs.bp_known;
		j->same++;
	} else {
		j->same++;
	}
	strbuf_free(&text);
}

static void judge_all(const char *name, const struct unwind_table *t, Elf *elf)
{
	Dwarf_CFI *cfi = dwarf_getcfi_elf(elf);
	struct judged rows = { 0 }, random = { 0 };
	uint64_t seed = 5, first = t->pc[0], last = t->pc[t->nrow - 1];
	/* libdw begins each function anew for each address */
	size_t i, step = 1 + t->nrow / (SANITIZED ? 5000 : 100000);

	assert_non_null(cfi);
	table_is_sound(t);
	rows.entry = random.entry = elf64_getehdr(elf)->e_entry;
	for (i = 0; i < t->nrow; i += step) {
		judge(t, cfi, t->pc[i], rnd(&seed), &rows);
		if (i)
			judge(t, cfi, t->pc[i] - 1, rnd(&seed), &rows);
		judge(t, cfi, t->pc[i] + 1, rnd(&seed), &rows);
	}
	for (i = 0; i < (SANITIZED ? 2000 : 20000); i++)
		judge(t, cfi, first + rnd(&seed) % (last - first), rnd(&seed), &random);
	print_message("%s: %zu rows; around them %zu same, %zu bad, %zu without; at random %zu "
		      "same, %zu bad (%.3f %%), %zu without; rbp lost at %zu\n",
		      name, t->nrow, rows.same, rows.bad, rows.none, random.same, random.bad,
		      100.0 * (double)random.bad / (double)(random.same + random.bad), random.none,
		      rows.bp_lost + random.bp_lost);
	assert_true(rows.same > t->nrow / step && random.same);
	assert_true(random.bad * 25 <= random.same);
	dwarf_cfi_end(cfi);
}

static void judge_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct strbuf why = STRBUF_INIT;
	struct unwind_table t;
	Elf *elf;

	if (fd < 0)
		skip();
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	assert_non_null(elf);
	if (unwind_table_read(&t, fd, &why))
		fail_msg("%s: %s", path, why.buf);
	judge_all(path, &t, elf);
	unwind_table_free(&t);
	elf_end(elf);
	close(fd);
	strbuf_free(&why);
}

#define FILE_TEST(name, path)          \
	static void name(void **state) \
	{                              \
		(void)state;           \
		judge_file(path);      \
	}

FILE_TEST(libc, "/lib/x86_64-linux-gnu/libc.so.6")
FILE_TEST(libcrypto, "/usr/lib/x86_64-linux-gnu/libcrypto.so.3")
FILE_TEST(libstdcxx, "/usr/lib/x86_64-linux-gnu/libstdc++.so.6")
FILE_TEST(loader, "/lib64/ld-linux-x86-64.so.2")
FILE_TEST(bash, "/bin/bash")
FILE_TEST(gdb, "/usr/bin/gdb")
FILE_TEST(ourselves, "/proc/self/exe")

static void vdso(void **state)
{
	const Elf64_Ehdr *eh = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct strbuf why = STRBUF_INIT;
	struct unwind_table t;
	size_t size;
	Elf *elf;

	(void)state;
	if (!eh)
		skip();
	size = eh->e_shoff + eh->e_shnum * sizeof(Elf64_Shdr);
	assert_int_equal(unwind_table_image(&t, eh, size, &why), 0);
	elf = elf_memory((char *)eh, size);
	assert_non_null(elf);
	judge_all("vdso", &t, elf);
	unwind_table_free(&t);
	elf_end(elf);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libc),	  cmocka_unit_test(libcrypto), cmocka_unit_test(libstdcxx),
		cmocka_unit_test(loader), cmocka_unit_test(bash),      cmocka_unit_test(gdb),
		cmocka_unit_test(vdso),	  cmocka_unit_test(ourselves),
	};

	elf_version(EV_CURRENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
