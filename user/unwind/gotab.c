// SPDX-License-Identifier: BSD-2-Clause
/* See gotab.h. */
#include "unwind/gotab.h"

#include <errno.h>
#include <stdlib.h>

/* Where things are, by version of the table. */
#define MAGIC_1_18 0xf0 /* the first byte */
#define MAGIC_1_20 0xf1
#define HEADER_SIZE 72
#define HEADER_TEXT 24

/* Of the header, behind the first byte: steps of one byte, words of eight. */
static const uint8_t header[] = { 0xff, 0xff, 0xff, 0x00, 0x00, 0x01, 0x08 };
#define TRIES_MAX 16 /* at what looks like it */

/* runtime.moduledata */
enum {
	MODULE_TEXT = 176,
	MODULE_ETEXT = 184,
	MODULE_LEAST = 192, /* what there has to be of it */
	MODULE_GOFUNC = 320,
};

static uint64_t u64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- moduledata ---- */

/* The table's address and that of its names are its first words. */
static bool is_module(const uint8_t *p, const struct gotab *g)
{
	return u64_at(p) == g->addr && u64_at(p + 8) == g->addr + g->names;
}

static bool module_in_section(const struct gotab *g, const struct unw_elf *e, const char *name,
			      struct gotab_module *m)
{
	const Elf64_Shdr *sh = unw_elf_section(e, name);
	struct unw_bytes b;
	size_t i;

	if (!sh || unw_elf_load(e, sh, &b))
		return false;
	for (i = 0; !m->text && i + MODULE_LEAST <= b.size; i += 8) {
		if (!is_module(b.data + i, g))
			continue;
		m->text = u64_at(b.data + i + MODULE_TEXT);
		m->etext = u64_at(b.data + i + MODULE_ETEXT);
		if (i + MODULE_GOFUNC + 8 <= b.size)
			m->gofunc = u64_at(b.data + i + MODULE_GOFUNC);
	}
	free(b.data);
	return m->text;
}

/* In a PIE the words may be zero, and relocations say what they will be. They are sorted by
 * address, so the words of moduledata come one after the other. */
static bool module_in_relocations(const struct gotab *g, const struct unw_elf *e,
				  struct gotab_module *m)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".rela.dyn");
	uint64_t module = 0, text = 0;
	struct unw_bytes b;
	size_t i, n;
	Elf64_Rela r;

	if (!sh && !(sh = unw_elf_section(e, ".rela")))
		return false;
	if (unw_elf_load(e, sh, &b))
		return false;
	n = b.size / sizeof(r);
	for (i = 0; !m->gofunc && i < n; i++) {
		memcpy(&r, b.data + i * sizeof(r), sizeof(r));
		if (ELF64_R_TYPE(r.r_info) != R_X86_64_RELATIVE)
			continue;
		if (r.r_offset == g->addr + HEADER_TEXT)
			text = (uint64_t)r.r_addend;
		else if ((uint64_t)r.r_addend == g->addr && !m->text)
			module = r.r_offset;
		else if (!module)
			continue;
		else if (r.r_offset == module + 8 && (uint64_t)r.r_addend != g->addr + g->names)
			module = 0;
		else if (r.r_offset == module + MODULE_TEXT)
			m->text = (uint64_t)r.r_addend;
		else if (r.r_offset == module + MODULE_ETEXT)
			m->etext = (uint64_t)r.r_addend;
		else if (r.r_offset == module + MODULE_GOFUNC)
			m->gofunc = (uint64_t)r.r_addend;
	}
	free(b.data);
	if (!m->text) /* older than the layout that we know, but the table's own header has it */
		m->text = text;
	return m->text;
}

int gotab_module(const struct gotab *g, const struct unw_elf *e, struct gotab_module *m)
{
	static const char *const section[] = { ".go.module", ".noptrdata", ".data" };
	size_t i;

	*m = (struct gotab_module){ 0 };
	for (i = 0; i < sizeof(section) / sizeof(*section); i++)
		if (module_in_section(g, e, section[i], m))
			return 0;
	return module_in_relocations(g, e, m) ? 0 : -ENODATA;
}

/* ---- the table ---- */

/* Where the text begins is 0 in the table from 1.26 on, and in a PIE. */
static uint64_t find_text(const struct gotab *g, const struct unw_elf *e)
{
	uint64_t text = u64_at(g->data + HEADER_TEXT);
	struct gotab_module m;

	if (text || gotab_module(g, e, &m))
		return text;
	return m.text;
}

/* Does a table begin at an offset of what was read? */
static bool open_header(struct gotab *g, const struct unw_elf *e, size_t off)
{
	g->data = g->b.data + off;
	g->size = g->b.size - off;
	g->addr = g->b.addr + off;
	if (g->size < HEADER_SIZE || memcmp(g->data + 1, header, sizeof(header)) ||
	    (g->data[0] != MAGIC_1_18 && g->data[0] != MAGIC_1_20))
		return false;
	g->old = g->data[0] == MAGIC_1_18;
	g->nfunc = u64_at(g->data + 8);
	g->names = u64_at(g->data + 32);
	g->pctab = u64_at(g->data + 56);
	g->functab = u64_at(g->data + 64);
	/* a pair of 32-bit offsets for each function, and one that ends the last */
	if (g->names > g->size || g->pctab > g->size || g->functab > g->size ||
	    g->nfunc >= (g->size - g->functab) / 8)
		return false;
	g->text = find_text(g, e);
	return g->text;
}

/* In a stripped PIE up to 1.25 it is somewhere in .data.rel.ro. */
static int find_table(struct gotab *g, const struct unw_elf *e)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".data.rel.ro");
	unsigned int tries = 0;
	size_t off;
	int err;

	if (!sh)
		return -ENODATA;
	err = unw_elf_load(e, sh, &g->b);
	if (err)
		return err;
	for (off = 0; off + HEADER_SIZE <= g->b.size && tries < TRIES_MAX; off += 8) {
		if (memcmp(g->b.data + off + 1, header, sizeof(header)))
			continue;
		tries++;
		if (open_header(g, e, off))
			return 0;
	}
	return -ENODATA;
}

int gotab_open(struct gotab *g, const struct unw_elf *e)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".gopclntab");
	int err;

	*g = (struct gotab){ 0 };
	if (!sh)
		sh = unw_elf_section(e, ".data.rel.ro.gopclntab");
	if (!sh)
		return find_table(g, e);
	err = unw_elf_load(e, sh, &g->b);
	if (err)
		return err;
	return open_header(g, e, 0) ? 0 : -ENODATA;
}

void gotab_close(struct gotab *g)
{
	free(g->b.data);
	*g = (struct gotab){ 0 };
}

/* ---- a function ---- */

bool gotab_func(const struct gotab *g, uint64_t i, struct gotab_func *out)
{
	const uint8_t *tab = g->data + g->functab;
	uint32_t at[3];

	memcpy(at, tab + i * 8, sizeof(at)); /* start, record, the next one's start */
	if (at[2] <= at[0] || at[1] >= g->size - g->functab)
		return false;
	out->start = g->text + at[0];
	out->end = g->text + at[2];
	out->record = tab + at[1];
	out->room = g->size - g->functab - at[1];
	return out->start < out->end; /* the text may begin anywhere */
}

uint32_t gotab_word(const struct gotab_func *f, uint64_t off)
{
	uint32_t v = 0;

	if (off <= f->room && f->room - off >= sizeof(v))
		memcpy(&v, f->record + off, sizeof(v));
	return v;
}

const char *gotab_name(const struct gotab *g, uint32_t off)
{
	const uint8_t *p = g->data + g->names;

	if (off >= g->size - g->names || !memchr(p + off, '\0', g->size - g->names - off))
		return NULL;
	return (const char *)p + off;
}

/* ---- values ---- */

bool gotab_runs(const struct gotab *g, const struct gotab_func *f, uint32_t stream,
		struct gotab_runs *r)
{
	if (!stream || stream >= g->size - g->pctab)
		return false;
	*r = (struct gotab_runs){ .pc = f->start, .end = f->end, .value = -1 };
	r->c = cursor_of(g->data + g->pctab + stream, g->size - g->pctab - stream);
	return true;
}

bool gotab_step(struct gotab_runs *r)
{
	uint64_t change = cursor_uleb(&r->c), by;

	if (r->c.bad || (!change && r->begun) || change > UINT32_MAX)
		return false;
	r->begun = true;
	r->value += (change & 1) ? -(int64_t)(change >> 1) - 1 : (int64_t)(change >> 1);
	by = cursor_uleb(&r->c);
	if (r->c.bad || !by || by > r->end - r->pc)
		return false;
	r->pc += by;
	return true;
}
