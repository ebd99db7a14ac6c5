// SPDX-License-Identifier: BSD-2-Clause
/* See plt.h. */
#include "unwind/plt.h"

#include <string.h>

#define ENTRY_SIZE 16
#define PUSH_GOT_SIZE 6

/* The part of the code that a section is; false when it is none. */
static bool code_of(const struct unw_elf *e, const char *name, uint64_t *start, uint64_t *end)
{
	const Elf64_Shdr *sh = unw_elf_section(e, name);
	const struct unw_seg *seg = sh ? unw_elf_seg(e, sh->sh_addr) : NULL;

	if (!seg || !seg->exec || !sh->sh_size ||
	    sh->sh_size > seg->size - (sh->sh_addr - seg->addr))
		return false;
	*start = sh->sh_addr;
	*end = sh->sh_addr + sh->sh_size;
	return true;
}

static struct unw_rule above(int off)
{
	return (struct unw_rule){ .cfa = UNW_RSP, .cfa_off = off };
}

/*
 * Behind which byte of a lazy entry the number of the function is on the stack: jmp *GOT; push N;
 * jmp first; or endbr64; push N; jmp first. 0: another form.
 */
static int lazy_limit(const struct unw_elf *e, uint64_t start)
{
	static const uint8_t push_got[] = { 0xff, 0x35 }, jmp_got[] = { 0xff, 0x25 };
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const struct unw_seg *seg = unw_elf_seg(e, start);
	uint8_t b[2 * ENTRY_SIZE], *entry = b + ENTRY_SIZE;

	if (unw_elf_read(e, seg->off + (start - seg->addr), b, sizeof(b)) ||
	    memcmp(b, push_got, sizeof(push_got)))
		return 0;
	if (!memcmp(entry, jmp_got, sizeof(jmp_got)) && entry[6] == 0x68)
		return 11;
	if (!memcmp(entry, endbr, sizeof(endbr)) && entry[4] == 0x68)
		return 9;
	return 0;
}

static int add_lazy(const struct unw_elf *e, struct unw_spans *out)
{
	struct unw_rule rule = { .cfa = UNW_PLT };
	uint64_t start, end;
	int err;

	if (!code_of(e, ".plt", &start, &end) || end - start < 2 * ENTRY_SIZE || start % ENTRY_SIZE)
		return 0;
	rule.cfa_off = lazy_limit(e, start);
	if (!rule.cfa_off)
		return 0;
	err = unw_spans_begin(out, start, end, UNW_FROM_PLT, above(16));
	if (!err)
		err = unw_spans_row(out, start + PUSH_GOT_SIZE, above(24));
	if (!err)
		err = unw_spans_row(out, start + ENTRY_SIZE, rule);
	return err;
}

int unw_plt_read(const struct unw_elf *e, struct unw_spans *out)
{
	static const char *const plain[] = { ".plt.sec", ".plt.got", ".iplt" };
	int err = add_lazy(e, out);
	uint64_t start, end;
	size_t i;

	for (i = 0; !err && i < sizeof(plain) / sizeof(*plain); i++)
		if (code_of(e, plain[i], &start, &end))
			err = unw_spans_begin(out, start, end, UNW_FROM_PLT, above(8));
	return err;
}
