/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables as text, and small ELF files to read them from, for the tests of user/unwind.
 *
 * A row is "ADDRESS CFA [BP]": "1001 rsp+16 bp@cfa-16". The kinds of CFA are bad, stop, rsp+N,
 * rbp+N, *(rsp+N)+8, *(rbp+N), plt N, signal+N, fp; those of rbp are nothing (as it was), bp@cfa+N,
 * bp@rbp+N and bp? (lost).
 */
#ifndef CTRACE_TESTS_UNWIND_TEXT_H
#define CTRACE_TESTS_UNWIND_TEXT_H

#include <elf.h>

#include "helpers.h"
#include "unwind/table.h"

static UNUSED void rule_text(struct strbuf *sb, const struct unw_rule *r)
{
	static const char *const form[] = {
		[UNW_BAD] = "bad",
		[UNW_STOP] = "stop",
		[UNW_RSP] = "rsp%+d",
		[UNW_RBP] = "rbp%+d",
		[UNW_RSP_DEREF] = "*(rsp%+d)+8",
		[UNW_RBP_DEREF] = "*(rbp%+d)",
		[UNW_PLT] = "plt %d",
		[UNW_SIGNAL] = "signal%+d",
		[UNW_FP] = "fp",
	};

	assert_true(r->cfa < COUNT(form));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	strbuf_addf(sb, form[r->cfa], r->cfa_off);
#pragma GCC diagnostic pop
	if (r->bp == UNW_BP_CFA)
		strbuf_addf(sb, " bp@cfa%+d", r->bp_off);
	else if (r->bp == UNW_BP_RBP)
		strbuf_addf(sb, " bp@rbp%+d", r->bp_off);
	else if (r->bp == UNW_BP_UNDEF)
		strbuf_addstr(sb, " bp?");
}

static UNUSED void table_text(struct strbuf *sb, const struct unwind_table *t)
{
	size_t i;

	for (i = 0; i < t->nrow; i++) {
		strbuf_addf(sb, "%llx ", (unsigned long long)t->pc[i]);
		rule_text(sb, &t->rules[t->rule[i]]);
		strbuf_addch(sb, '\n');
	}
}

/* What holds for every table, whatever it was read from. */
static UNUSED void table_is_sound(const struct unwind_table *t)
{
	size_t i;

	if (t->nrow) {
		assert_true(t->nrule >= 1 && t->nrule <= UNW_RULES_MAX);
		assert_int_equal(t->rule[t->nrow - 1], 0);
	}
	for (i = 0; i < t->nrow; i++) {
		assert_true(t->rule[i] < t->nrule);
		if (i)
			assert_true(t->pc[i] > t->pc[i - 1] && t->rule[i] != t->rule[i - 1]);
	}
	for (i = 0; i < t->nrule; i++) {
		const struct unw_rule *r = &t->rules[i];

		assert_int_equal(i == 0, r->cfa == UNW_BAD);
		assert_true(r->cfa <= UNW_FP && r->bp <= UNW_BP_UNDEF);
		if (r->cfa == UNW_BAD || r->cfa == UNW_STOP || r->cfa == UNW_FP)
			assert_true(!r->bp && !r->bp_off && !r->cfa_off);
		if (r->bp == UNW_BP_RBP)
			assert_int_equal(r->cfa, UNW_RBP_DEREF);
		if (r->bp == UNW_BP_SAME || r->bp == UNW_BP_UNDEF)
			assert_int_equal(r->bp_off, 0);
	}
}

/* ---- an ELF file ---- */

#define CODE_ADDR 0x1000 /* of the code, CODE_SIZE bytes, and where it is in the file */
#define CODE_SIZE 0x2000
#define PARTS_MAX 8

struct elf_part {
	const char *name;
	const void *data;
	size_t size;
	uint64_t flags, addr; /* addr 0: where it comes to lie in the file */
};

struct elf_make {
	struct elf_part part[PARTS_MAX];
	size_t npart;
	uint64_t entry;
	bool no_sections; /* none in the headers */
	uint64_t eh_hdr;  /* address of .eh_frame_hdr */
	/* out */
	uint64_t at[PARTS_MAX]; /* where the parts came to lie */
};

static UNUSED void elf_add(struct elf_make *m, const char *name, const void *data, size_t size,
			   uint64_t flags)
{
	m->part[m->npart++] = (struct elf_part){ name, data, size, flags, 0 };
}

/*
 * The file: headers, code (of NOPs), the parts one after the other from 0x4000 on, section headers.
 * Its first segment is the code, the second the parts, both at the addresses of their offsets.
 */
static UNUSED void elf_write(struct elf_make *m, struct strbuf *out)
{
	static const char zero[0x4000];
	Elf64_Ehdr eh = { .e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = 1 };
	Elf64_Phdr ph[3] = { { 0 } };
	Elf64_Shdr sh[PARTS_MAX + 2] = { { 0 } };
	struct strbuf names = STRBUF_INIT;
	size_t i;

	memcpy(eh.e_ident, "\177ELF\2\1\1", 7);
	strbuf_reset(out);
	strbuf_add(out, zero, sizeof(zero));
	memset(out->buf + CODE_ADDR, 0x90, CODE_SIZE);
	strbuf_addch(&names, '\0');
	for (i = 0; i < m->npart; i++) {
		struct elf_part *p = &m->part[i];

		m->at[i] = out->len;
		sh[i + 1].sh_name = (uint32_t)names.len;
		sh[i + 1].sh_type = SHT_PROGBITS;
		sh[i + 1].sh_flags = p->flags;
		sh[i + 1].sh_addr = sh[i + 1].sh_offset = out->len;
		sh[i + 1].sh_size = p->size;
		strbuf_add(out, p->data, p->size);
		while (out->len % 16)
			strbuf_addch(out, '\0');
		strbuf_add(&names, p->name, strlen(p->name) + 1);
	}
	ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = CODE_ADDR };
	ph[0].p_vaddr = CODE_ADDR;
	ph[0].p_filesz = ph[0].p_memsz = CODE_SIZE;
	ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R, .p_offset = 0x4000 };
	ph[1].p_vaddr = 0x4000;
	ph[1].p_filesz = ph[1].p_memsz = out->len - 0x4000;
	ph[2] = (Elf64_Phdr){ .p_type = PT_GNU_EH_FRAME, .p_vaddr = m->eh_hdr };
	eh.e_entry = m->entry;
	eh.e_phoff = sizeof(eh);
	eh.e_phentsize = sizeof(*ph);
	eh.e_phnum = m->eh_hdr ? 3 : 2;
	if (!m->no_sections) {
		i = m->npart + 1;
		sh[i].sh_type = SHT_STRTAB;
		sh[i].sh_offset = out->len;
		sh[i].sh_size = names.len;
		strbuf_add(out, names.buf, names.len);
		while (out->len % 16)
			strbuf_addch(out, '\0');
		eh.e_shoff = out->len;
		eh.e_shentsize = sizeof(*sh);
		eh.e_shnum = (uint16_t)(i + 1);
		eh.e_shstrndx = (uint16_t)i;
		strbuf_add(out, sh, (i + 1) * sizeof(*sh));
	}
	memcpy(out->buf, &eh, sizeof(eh));
	memcpy(out->buf + sizeof(eh), ph, sizeof(ph));
	strbuf_free(&names);
}

#endif
