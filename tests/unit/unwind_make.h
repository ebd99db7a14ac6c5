/* SPDX-License-Identifier: BSD-2-Clause */
/* Small ELF files with frame information, made byte by byte, for the tests of user/unwind. */
#ifndef CTRACE_TESTS_UNWIND_MAKE_H
#define CTRACE_TESTS_UNWIND_MAKE_H

#include <elf.h>

#include "helpers.h"

/* ---- an ELF file ---- */

#define CODE_ADDR 0x1000 /* of the code, CODE_SIZE bytes, and where it is in the file */
#define CODE_SIZE 0x2000
#define PARTS_MAX 8

struct elf_part {
	const char *name;
	const void *data;
	size_t size;
	uint64_t flags;
	uint64_t addr; /* not 0: it has no data, and is `size` bytes of the code there */
};

struct elf_make {
	struct elf_part part[PARTS_MAX];
	size_t npart;
	uint64_t entry;
	bool no_sections; /* none in the headers */
	bool fixed;	  /* ET_EXEC */
	uint64_t eh_hdr;  /* address of .eh_frame_hdr */
	const void *code; /* instead of the first NOPs */
	size_t code_size;
	/* out */
	uint64_t at[PARTS_MAX]; /* where the parts came to lie */
};

static UNUSED void elf_add(struct elf_make *m, const char *name, const void *data, size_t size,
			   uint64_t flags)
{
	m->part[m->npart++] = (struct elf_part){ name, data, size, flags, 0 };
}

static UNUSED void elf_add_code(struct elf_make *m, const char *name, uint64_t addr, size_t size)
{
	m->part[m->npart++] = (struct elf_part){ name, "", size, SHF_ALLOC | SHF_EXECINSTR, addr };
}

/*
 * The file: headers, code (of NOPs), the parts one after the other from 0x4000 on, section headers.
 * Its first segment is the code, the second the parts, both at the addresses of their offsets.
 */
static UNUSED void elf_write(struct elf_make *m, struct strbuf *out)
{
	static const char zero[0x4000];
	Elf64_Ehdr eh = { .e_machine = EM_X86_64, .e_version = 1 };
	Elf64_Phdr ph[3] = { { 0 } };
	Elf64_Shdr sh[PARTS_MAX + 2] = { { 0 } };
	struct strbuf names = STRBUF_INIT;
	size_t i;

	memcpy(eh.e_ident, "\177ELF\2\1\1", 7);
	strbuf_reset(out);
	strbuf_add(out, zero, sizeof(zero));
	memset(out->buf + CODE_ADDR, 0x90, CODE_SIZE);
	if (m->code_size)
		memcpy(out->buf + CODE_ADDR, m->code, m->code_size);
	strbuf_addch(&names, '\0');
	for (i = 0; i < m->npart; i++) {
		struct elf_part *p = &m->part[i];

		m->at[i] = out->len;
		sh[i + 1].sh_name = (uint32_t)names.len;
		sh[i + 1].sh_type = SHT_PROGBITS;
		sh[i + 1].sh_flags = p->flags;
		sh[i + 1].sh_addr = sh[i + 1].sh_offset = out->len;
		sh[i + 1].sh_size = p->size;
		if (p->addr)
			sh[i + 1].sh_addr = sh[i + 1].sh_offset = p->addr;
		else
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
	eh.e_type = m->fixed ? ET_EXEC : ET_DYN;
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

/* ---- frame sections ---- */

struct frame_make {
	struct strbuf s;
	bool eh;   /* .eh_frame, at `addr` */
	bool wide; /* lengths of 64 bits */
	uint64_t addr;
	size_t begun, cie;
};

static UNUSED void add_num(struct strbuf *s, uint64_t v, size_t n)
{
	strbuf_add(s, &v, n);
}

static UNUSED void record_begin(struct frame_make *f)
{
	f->begun = f->s.len;
	if (f->wide)
		add_num(&f->s, 0xffffffff, 4);
	add_num(&f->s, 0, f->wide ? 8 : 4);
}

static UNUSED void record_end(struct frame_make *f)
{
	size_t head = f->wide ? 12 : 4;
	uint64_t len;

	while ((f->s.len - f->begun - head) % 4)
		add_num(&f->s, 0, 1);
	len = f->s.len - f->begun - head;
	memcpy(f->s.buf + f->begun + (f->wide ? 4 : 0), &len, f->wide ? 8 : 4);
}

/* A CIE with data aligned to -8, and behind it what is in `more`: augmentation data with their
 * size, instructions. */
static UNUSED void cie(struct frame_make *f, int version, const char *letters, const char *more,
		       size_t n)
{
	record_begin(f);
	f->cie = f->begun;
	add_num(&f->s, f->eh ? 0 : ~0ull, f->wide ? 8 : 4);
	add_num(&f->s, (uint64_t)version, 1);
	strbuf_add(&f->s, letters, strlen(letters) + 1);
	if (version == 4) {
		add_num(&f->s, 8, 1);
		add_num(&f->s, 0, 1);
	}
	strbuf_add(&f->s, "\x01\x78\x10", 3);
	strbuf_add(&f->s, more, n);
	record_end(f);
}

/* The instructions that all compilers begin with: CFA at rsp + 8, return address at CFA - 8. */
#define USUAL "\x0c\x07\x08\x90\x01"
#define USUAL_CIE(f) cie(f, 1, "zR", "\x01\x1b" USUAL, 7)

static UNUSED void fde_start(struct frame_make *f)
{
	size_t id_at;

	record_begin(f);
	id_at = f->s.len;
	add_num(&f->s, f->eh ? id_at - f->cie : f->cie, f->wide ? 8 : 4);
}

/* As USUAL_CIE wants it: pcrel sdata4. */
static UNUSED void fde(struct frame_make *f, uint64_t start, uint64_t size, const char *program,
		       size_t n)
{
	fde_start(f);
	add_num(&f->s, start - (f->addr + f->s.len), 4);
	add_num(&f->s, size, 4);
	add_num(&f->s, 0, 1);
	strbuf_add(&f->s, program, n);
	record_end(f);
}

#define FDE(f, start, size, program) fde(f, start, size, program, sizeof(program) - 1)

/* With absolute addresses and no augmentation. */
static UNUSED void plain_fde(struct frame_make *f, uint64_t start, uint64_t size,
			     const char *program, size_t n)
{
	fde_start(f);
	add_num(&f->s, start, 8);
	add_num(&f->s, size, 8);
	strbuf_add(&f->s, program, n);
	record_end(f);
}

static UNUSED struct frame_make *eh_frame(void)
{
	static struct frame_make f;

	strbuf_free(&f.s);
	f = (struct frame_make){ .s = STRBUF_INIT, .eh = true, .addr = 0x4000 };
	return &f;
}

/* ---- Go's table of functions, as of 1.20 ---- */

struct go_func {
	const char *name;
	uint32_t start; /* from the text on */
	uint8_t flag;
	const char *pcsp; /* changes of the depth (zigzag) and lengths, in turns; "" is none */
};

/* Of n functions, the last of which ends at `end`; the text at CODE_ADDR when told. */
static UNUSED void go_table(struct strbuf *s, const struct go_func *f, size_t n, uint32_t end,
			    bool with_text)
{
	struct strbuf names = STRBUF_INIT, pctab = STRBUF_INIT, tab = STRBUF_INIT;
	uint8_t record[44];
	uint32_t v, at;
	size_t i;

	strbuf_addch(&pctab, '\0');
	for (i = 0; i < n; i++) {
		add_num(&tab, f[i].start, 4);
		add_num(&tab, n * 8 + 4 + i * sizeof(record), 4);
	}
	add_num(&tab, end, 4);
	for (i = 0; i < n; i++) {
		memset(record, 0, sizeof(record));
		memcpy(record, &f[i].start, 4);
		v = (uint32_t)names.len;
		memcpy(record + 4, &v, 4);
		at = *f[i].pcsp ? (uint32_t)pctab.len : 0;
		memcpy(record + 16, &at, 4);
		record[41] = f[i].flag;
		strbuf_add(&tab, record, sizeof(record));
		strbuf_add(&names, f[i].name, strlen(f[i].name) + 1);
		strbuf_add(&pctab, f[i].pcsp, strlen(f[i].pcsp) + 1);
	}
	strbuf_add(s, "\xf1\xff\xff\xff\0\0\1\10", 8);
	add_num(s, n, 8);
	add_num(s, 0, 8);
	add_num(s, with_text ? CODE_ADDR : 0, 8);
	add_num(s, 72, 8);
	add_num(s, 72, 8);
	add_num(s, 72, 8);
	add_num(s, 72 + names.len, 8);
	add_num(s, 72 + names.len + pctab.len, 8);
	strbuf_add(s, names.buf, names.len);
	strbuf_add(s, pctab.buf, pctab.len);
	strbuf_add(s, tab.buf, tab.len);
	strbuf_free(&names);
	strbuf_free(&pctab);
	strbuf_free(&tab);
}

#endif
