// SPDX-License-Identifier: BSD-2-Clause
/* See gotab.h. */
#include "unwind/gotab.h"

#include <errno.h>
#include <stdlib.h>

#include "util/xalloc.h"

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
	MODULE_ALL = 328, /* what we look at */
};

/* Words and relocations are whole in it. */
#define WINDOW_UNIT 24u
#define WINDOW (WINDOW_UNIT * 2730)

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

/* A search for moduledata, in one section after the other. */
struct search {
	const struct gotab *g;
	const struct unw_elf *e;
	struct gotab_module *m;
	uint64_t module, text; /* by relocations: where it is, and what the table's header says */
};

/* Looks at a piece of a section, of which one thing needs `least` bytes; true: it is found. */
typedef bool (*look_fn)(struct search *s, const uint8_t *p, size_t size, size_t least);

static bool look_at_words(struct search *s, const uint8_t *p, size_t size, size_t least)
{
	size_t i;

	for (i = 0; i + least <= size; i += 8) {
		if (!is_module(p + i, s->g))
			continue;
		s->m->text = u64_at(p + i + MODULE_TEXT);
		s->m->etext = u64_at(p + i + MODULE_ETEXT);
		if (i + MODULE_ALL <= size)
			s->m->gofunc = u64_at(p + i + MODULE_GOFUNC);
		if (s->m->text)
			return true;
	}
	return false;
}

/* In a PIE the words may be zero, and relocations say what they will be. They are sorted by
 * address, so the words of moduledata come one after the other. */
static bool look_at_relocations(struct search *s, const uint8_t *p, size_t size, size_t least)
{
	const struct gotab *g = s->g;
	struct gotab_module *m = s->m;
	Elf64_Rela r;
	size_t i;

	for (i = 0; !m->gofunc && i + least <= size; i += sizeof(r)) {
		memcpy(&r, p + i, sizeof(r));
		if (ELF64_R_TYPE(r.r_info) != R_X86_64_RELATIVE)
			continue;
		if (r.r_offset == g->addr + HEADER_TEXT)
			s->text = (uint64_t)r.r_addend;
		else if ((uint64_t)r.r_addend == g->addr && !m->text)
			s->module = r.r_offset;
		else if (!s->module)
			continue;
		else if (r.r_offset == s->module + 8 && (uint64_t)r.r_addend != g->addr + g->names)
			s->module = 0;
		else if (r.r_offset == s->module + MODULE_TEXT)
			m->text = (uint64_t)r.r_addend;
		else if (r.r_offset == s->module + MODULE_ETEXT)
			m->etext = (uint64_t)r.r_addend;
		else if (r.r_offset == s->module + MODULE_GOFUNC)
			m->gofunc = (uint64_t)r.r_addend;
	}
	return m->gofunc;
}

/* A window at a time, however large the section claims to be, and nothing of its holes. Pieces
 * overlap by what one thing takes; at the end it may be as short as `least`. */
static bool look_at(struct search *s, const Elf64_Shdr *sh, look_fn fn, size_t one, size_t least)
{
	uint64_t at, end = sh ? sh->sh_size : 0, data, n;
	uint8_t *window;
	bool found = false, last = false;

	if (!sh || sh->sh_type == SHT_NOBITS || sh->sh_flags & SHF_COMPRESSED ||
	    sh->sh_offset > s->e->size || end > s->e->size - sh->sh_offset)
		return false;
	window = xmalloc(WINDOW);
	for (at = 0; !found && !last; at += WINDOW - one) {
		data = unw_elf_data(s->e, sh->sh_offset + at) - sh->sh_offset;
		if (data >= end)
			break;
		at += (data - at) / WINDOW_UNIT * WINDOW_UNIT;
		last = end - at <= WINDOW;
		n = last ? end - at : WINDOW;
		if (unw_elf_spend(s->e, n) || unw_elf_read(s->e, sh->sh_offset + at, window, n))
			break;
		found = fn(s, window, n, last ? least : one);
	}
	free(window);
	return found;
}

static bool module_in_relocations(struct search *s)
{
	const Elf64_Shdr *sh = unw_elf_section(s->e, ".rela.dyn");

	if (!sh)
		sh = unw_elf_section(s->e, ".rela");
	look_at(s, sh, look_at_relocations, sizeof(Elf64_Rela), sizeof(Elf64_Rela));
	if (!s->m->text) /* older than the layout that we know, but the table's own header has it */
		s->m->text = s->text;
	return s->m->text;
}

int gotab_module(const struct gotab *g, const struct unw_elf *e, struct gotab_module *m)
{
	static const char *const section[] = { ".go.module", ".noptrdata", ".data" };
	struct search s = { .g = g, .e = e, .m = m };
	size_t i;

	*m = (struct gotab_module){ 0 };
	for (i = 0; i < sizeof(section) / sizeof(*section); i++)
		if (look_at(&s, unw_elf_section(e, section[i]), look_at_words, MODULE_ALL,
			    MODULE_LEAST))
			return 0;
	return module_in_relocations(&s) ? 0 : -ENODATA;
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
