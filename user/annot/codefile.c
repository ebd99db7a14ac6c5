// SPDX-License-Identifier: BSD-2-Clause
/* See codefile.h. */
#include "annot/codefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/frames.h"
#include "unwind/gopcln.h"
#include "util/sorted.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

/* Code is decoded once for each function, and a little of it is in several. */
#define BUDGET_TIMES 4
#define BUDGET_MIN (16u << 20)

#ifndef SHT_RELR
#define SHT_RELR 19
#endif

/* ---- frames ---- */

static int by_start(const void *a, const void *b)
{
	const struct unw_span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void read_frames(struct codefile *f)
{
	const Elf64_Shdr *sh = unw_elf_section(&f->elf, ".eh_frame");
	enum unw_source source = UNW_FROM_EH_FRAME;
	struct unw_bytes b;

	if ((!sh || sh->sh_type == SHT_NOBITS || sh->sh_size <= 4) && !f->go) {
		sh = unw_elf_section(&f->elf, ".debug_frame");
		source = UNW_FROM_DEBUG_FRAME;
	}
	if (!sh || unw_elf_load(&f->elf, sh, &b))
		return;
	unw_frames_read(&b, source, &f->elf, &f->frames);
	free(b.data);
	if (f->frames.nspan)
		qsort(f->frames.span, f->frames.nspan, sizeof(*f->frames.span), by_start);
}

const struct unw_span *codefile_span(const struct codefile *f, uint64_t addr)
{
	size_t lo = 0, hi = f->frames.nspan, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (f->frames.span[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < f->frames.span[lo - 1].end ? &f->frames.span[lo - 1] : NULL;
}

enum codefile_stack codefile_stack(const struct codefile *f, uint64_t addr)
{
	const struct unw_span *s = codefile_span(f, addr);
	const struct unw_rule *r;
	size_t lo, hi, mid;

	if (!s)
		return CODEFILE_UNKNOWN;
	lo = s->row;
	hi = s->row + s->nrow;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (f->frames.pc[mid] <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->row)
		return CODEFILE_UNKNOWN;
	r = &f->frames.rules.rule[f->frames.rule[lo - 1]];
	if (r->cfa == UNW_BAD)
		return CODEFILE_UNKNOWN;
	return r->cfa == UNW_RSP && r->cfa_off == 8 ? CODEFILE_BARE : CODEFILE_FRAME;
}

/* ---- addresses of code in data ---- */

static bool is_code(const struct codefile *f, uint64_t addr)
{
	const struct unw_seg *s = unw_elf_seg(&f->elf, addr);

	return s && s->exec;
}

static void add_pointer(struct codefile *f, uint64_t addr)
{
	if (!is_code(f, addr))
		return;
	f->ptr = xgrow(f->ptr, f->nptr, &f->cap_ptr, sizeof(*f->ptr));
	f->ptr[f->nptr++] = addr;
}

/* The word at an address of the file; 0 where there is none. */
static uint64_t word_at(const struct codefile *f, uint64_t addr)
{
	const struct unw_seg *s = unw_elf_seg(&f->elf, addr);
	uint64_t v;

	if (!s || s->size - (addr - s->addr) < sizeof(v) ||
	    unw_elf_read(&f->elf, s->off + (addr - s->addr), &v, sizeof(v)))
		return 0;
	return v;
}

static void add_rela(struct codefile *f, const struct unw_bytes *b)
{
	Elf64_Rela r;
	size_t i;

	for (i = 0; i < b->size / sizeof(r); i++) {
		memcpy(&r, b->data + i * sizeof(r), sizeof(r));
		if (ELF64_R_TYPE(r.r_info) == R_X86_64_RELATIVE)
			add_pointer(f, (uint64_t)r.r_addend);
	}
}

/* Packed relocations: an even word is an address, an odd one says which of the next 63 words are
 * meant, too (gABI, 2023). */
static void add_relr(struct codefile *f, const struct unw_bytes *b)
{
	uint64_t at = 0, w;
	size_t i, bit;

	for (i = 0; i < b->size / sizeof(w); i++) {
		memcpy(&w, b->data + i * sizeof(w), sizeof(w));
		if (!(w & 1)) {
			add_pointer(f, word_at(f, w));
			at = w + sizeof(w);
			continue;
		}
		for (bit = 1; bit < 64; bit++)
			if (w >> bit & 1)
				add_pointer(f, word_at(f, at + (bit - 1) * sizeof(w)));
		at += 63 * sizeof(w);
	}
}

/* A program with a fixed address has no relocations for them: every word may be one. */
static void add_words(struct codefile *f)
{
	struct unw_bytes b;
	size_t i, at;
	uint64_t v;

	for (i = 0; i < f->elf.nseg; i++) {
		const struct unw_seg *s = &f->elf.seg[i];

		if (s->exec || unw_elf_load_at(&f->elf, s->addr, UNW_ELF_PART_MAX, &b))
			continue;
		for (at = -s->addr % sizeof(v); at + sizeof(v) <= b.size; at += sizeof(v)) {
			memcpy(&v, b.data + at, sizeof(v));
			add_pointer(f, v);
		}
		free(b.data);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void read_pointers(struct codefile *f)
{
	struct unw_bytes b;
	Elf64_Ehdr eh;
	size_t i;

	f->has_ptr = true;
	for (i = 0; i < f->elf.nsh; i++) {
		const Elf64_Shdr *sh = &f->elf.sh[i];

		if ((sh->sh_type != SHT_RELA && sh->sh_type != SHT_RELR) ||
		    unw_elf_load(&f->elf, sh, &b))
			continue;
		if (sh->sh_type == SHT_RELA)
			add_rela(f, &b);
		else
			add_relr(f, &b);
		free(b.data);
	}
	if (!unw_elf_read(&f->elf, 0, &eh, sizeof(eh)) && eh.e_type == ET_EXEC)
		add_words(f);
	if (f->nptr)
		qsort(f->ptr, f->nptr, sizeof(*f->ptr), by_value);
}

bool codefile_points_into(struct codefile *f, uint64_t start, uint64_t end)
{
	size_t i;

	if (!f->has_ptr)
		read_pointers(f);
	i = sorted_from(f->ptr, f->nptr, sizeof(*f->ptr), start);
	return i < f->nptr && f->ptr[i] < end;
}

/* ---- the file ---- */

int codefile_open(struct codefile *f, int fd, struct strbuf *why)
{
	size_t i;
	int err;

	*f = (struct codefile){ 0 };
	err = unw_elf_open(&f->elf, fd, NULL, 0, why);
	if (err)
		return err;
	f->budget = BUDGET_MIN;
	for (i = 0; i < f->elf.nseg; i++)
		f->budget += f->elf.seg[i].exec ? BUDGET_TIMES * f->elf.seg[i].size : 0;
	f->go = unw_go_is(&f->elf);
	f->catches = unw_elf_section(&f->elf, ".gcc_except_table");
	symtab_read(&f->syms, &f->elf);
	read_frames(f);
	return 0;
}

void codefile_close(struct codefile *f)
{
	unw_spans_free(&f->frames);
	symtab_free(&f->syms);
	unw_elf_close(&f->elf);
	free(f->ptr);
	*f = (struct codefile){ .elf.fd = -1 };
}
