// SPDX-License-Identifier: BSD-2-Clause
/*
 * See gopcln.h. Numbers of the layout are named after the fields of runtime.pcHeader, _func,
 * inlinedCall and moduledata.
 */
#include "symbol/gopcln.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/u64map.h"
#include "util/xalloc.h"

enum {
	MAGIC = 0xfffffff1,
	/* pcHeader */
	HDR_PTRSIZE = 7,
	HDR_NFUNC = 8,
	HDR_TEXT = 24, /* 0 from 1.26 on */
	HDR_FUNCNAME = 32,
	HDR_CU = 40,
	HDR_FILETAB = 48,
	HDR_PCTAB = 56,
	HDR_FUNCTAB = 64,
	HDR_SIZE = 72,
	/* _func */
	FN_NAME = 4,
	FN_PCFILE = 20,
	FN_PCLN = 24,
	FN_NPCDATA = 28,
	FN_CU = 32,
	FN_NFUNCDATA = 43,
	FN_SIZE = 44,
	PCDATA_INLTREE = 2,
	FUNCDATA_INLTREE = 3,
	/* inlinedCall */
	INL_SIZE = 16,
	INL_NAME = 4,
	INL_PARENT_PC = 8,
	/* moduledata; the same from 1.22 to 1.26 */
	MOD_MINPC = 160,
	MOD_MAXPC = 168,
	MOD_TEXT = 176,
	MOD_ETEXT = 184,
	MOD_GOFUNC = 320,
	MOD_SIZE = 328,
};

/* Steps of one table that a damaged file may make us go. */
#define STEPS_MAX (1u << 20)

struct bytes {
	const uint8_t *p;
	size_t n;
};

struct load {
	uint64_t addr;
	struct bytes mem;
};

struct gopcln {
	struct bytes tab; /* .gopclntab */
	uint64_t tab_addr;
	uint64_t nfunc, funcname, cu, filetab, pctab, functab;
	uint64_t text, etext, gofunc; /* gofunc 0: inlined calls are not known */
	struct load *load;
	size_t nload;
	struct u64map reloc; /* R_X86_64_RELATIVE of a PIE: address → what is put there */
};

/* ---- bytes, never outside ---- */

static bool in(const struct bytes *b, uint64_t off, size_t len)
{
	return off <= b->n && b->n - off >= len;
}

static uint32_t u32_at(const struct bytes *b, uint64_t off)
{
	uint32_t v = 0;

	if (in(b, off, sizeof(v)))
		memcpy(&v, b->p + off, sizeof(v));
	return v;
}

static uint64_t u64_at(const struct bytes *b, uint64_t off)
{
	uint64_t v = 0;

	if (in(b, off, sizeof(v)))
		memcpy(&v, b->p + off, sizeof(v));
	return v;
}

/* A string that ends inside; NULL else. */
static const char *str_at(const struct bytes *b, uint64_t off)
{
	if (off >= b->n || !memchr(b->p + off, '\0', b->n - off))
		return NULL;
	return (const char *)b->p + off;
}

static bool uvarint(const struct bytes *b, uint64_t *off, uint32_t *v)
{
	unsigned shift;
	uint8_t c;

	*v = 0;
	for (shift = 0; shift < 35; shift += 7) {
		if (*off >= b->n)
			return false;
		c = b->p[(*off)++];
		*v |= (uint32_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

/* The memory of the program from an address on, as the file has it. */
static struct bytes memory_at(const struct gopcln *g, uint64_t addr)
{
	size_t i;

	for (i = 0; i < g->nload; i++) {
		const struct load *l = &g->load[i];

		if (addr >= l->addr && addr - l->addr < l->mem.n)
			return (struct bytes){ l->mem.p + (addr - l->addr),
					       l->mem.n - (addr - l->addr) };
	}
	return (struct bytes){ NULL, 0 };
}

/* A pointer in the memory of the program, relocated. */
static uint64_t pointer_at(const struct gopcln *g, uint64_t addr)
{
	const uint64_t *r = u64map_get(&g->reloc, addr);
	struct bytes b = memory_at(g, addr);

	return r ? *r : u64_at(&b, 0);
}

/* ---- opening ---- */

static struct bytes section(Elf *elf, const char *want, uint64_t *addr)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	const char *name;
	GElf_Shdr sh;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return (struct bytes){ NULL, 0 };
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS ||
		    !(name = elf_strptr(elf, names, sh.sh_name)) || strcmp(name, want) != 0)
			continue;
		data = elf_rawdata(scn, NULL);
		*addr = sh.sh_addr;
		if (data && data->d_buf)
			return (struct bytes){ data->d_buf, data->d_size };
	}
	return (struct bytes){ NULL, 0 };
}

static void find_loads(struct gopcln *g, Elf *elf)
{
	size_t i, n, size;
	const char *file = elf_rawfile(elf, &size);
	struct bytes whole = { (const uint8_t *)file, file ? size : 0 };
	GElf_Phdr ph;

	if (elf_getphdrnum(elf, &n))
		return;
	g->load = xcalloc(n, sizeof(*g->load));
	for (i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_LOAD &&
		    in(&whole, ph.p_offset, ph.p_filesz))
			g->load[g->nload++] =
				(struct load){ ph.p_vaddr, { whole.p + ph.p_offset, ph.p_filesz } };
}

/* Of a PIE: what the dynamic linker puts into the data. Returns where it puts `want` first. */
static void find_relocs(struct gopcln *g, Elf *elf)
{
	static const char *const names[] = { ".rela.dyn", ".rela" };
	uint64_t addr, off;
	struct bytes b;
	Elf64_Rela r;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		b = section(elf, names[i], &addr);
		for (off = 0; in(&b, off, sizeof(r)); off += sizeof(r)) {
			memcpy(&r, b.p + off, sizeof(r));
			if (ELF64_R_TYPE(r.r_info) == R_X86_64_RELATIVE && r.r_offset)
				*u64map_put(&g->reloc, r.r_offset, NULL) = (uint64_t)r.r_addend;
		}
	}
}

/* Does the module's data begin here? Its first words point to the table and to its names. */
static bool is_module(struct gopcln *g, uint64_t addr)
{
	uint64_t text, etext;

	if (pointer_at(g, addr) != g->tab_addr ||
	    pointer_at(g, addr + 8) != g->tab_addr + g->funcname)
		return false;
	text = pointer_at(g, addr + MOD_TEXT);
	etext = pointer_at(g, addr + MOD_ETEXT);
	if (!text || text >= etext || pointer_at(g, addr + MOD_MINPC) < text ||
	    pointer_at(g, addr + MOD_MAXPC) > etext + 64)
		return false;
	g->text = text;
	g->etext = etext;
	g->gofunc = pointer_at(g, addr + MOD_GOFUNC);
	return true;
}

static bool find_module(struct gopcln *g, Elf *elf)
{
	static const char *const names[] = { ".go.module", ".noptrdata", ".data", ".data.rel.ro" };
	uint64_t addr = 0, off;
	struct bytes b;
	size_t i;

	for (i = 0; i < g->reloc.cap; i++)
		if (g->reloc.slot[i].key && g->reloc.slot[i].val == g->tab_addr &&
		    is_module(g, g->reloc.slot[i].key))
			return true;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		b = section(elf, names[i], &addr);
		for (off = 0; in(&b, off, MOD_SIZE); off += 8)
			if (u64_at(&b, off) == g->tab_addr && is_module(g, addr + off))
				return true;
	}
	return false;
}

static bool read_header(struct gopcln *g)
{
	if (g->tab.n < HDR_SIZE || u32_at(&g->tab, 0) != MAGIC || g->tab.p[HDR_PTRSIZE] != 8)
		return false;
	g->nfunc = u64_at(&g->tab, HDR_NFUNC);
	g->funcname = u64_at(&g->tab, HDR_FUNCNAME);
	g->cu = u64_at(&g->tab, HDR_CU);
	g->filetab = u64_at(&g->tab, HDR_FILETAB);
	g->pctab = u64_at(&g->tab, HDR_PCTAB);
	g->functab = u64_at(&g->tab, HDR_FUNCTAB);
	/* one more than there are functions: where the last one ends */
	return g->nfunc && g->nfunc < UINT32_MAX && g->functab < g->tab.n &&
	       in(&g->tab, g->functab, g->nfunc * 8 + 4);
}

struct gopcln *gopcln__new(Elf *elf)
{
	struct gopcln *g = xcalloc(1, sizeof(*g));

	g->tab = section(elf, ".gopclntab", &g->tab_addr);
	if (!g->tab.p)
		g->tab = section(elf, ".data.rel.ro.gopclntab", &g->tab_addr);
	if (!g->tab.p || !read_header(g)) {
		free(g);
		return NULL;
	}
	find_loads(g, elf);
	find_relocs(g, elf);
	if (!find_module(g, elf)) { /* lines, but no inlined calls */
		const uint64_t *r = u64map_get(&g->reloc, g->tab_addr + HDR_TEXT);

		g->text = r ? *r : u64_at(&g->tab, HDR_TEXT);
		g->etext = g->text + u32_at(&g->tab, g->functab + g->nfunc * 8);
	}
	if (!g->text) {
		gopcln__free(g);
		return NULL;
	}
	return g;
}

void gopcln__free(struct gopcln *g)
{
	if (!g)
		return;
	free(g->load);
	u64map_free(&g->reloc);
	free(g);
}

/* ---- the question ---- */

struct func {
	uint64_t entry;
	uint64_t off; /* of its _func in the table */
};

static bool find_func(const struct gopcln *g, uint64_t addr, struct func *f)
{
	uint64_t lo = 0, hi = g->nfunc, mid, want;

	if (addr < g->text || addr >= g->etext)
		return false;
	want = addr - g->text;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (u32_at(&g->tab, g->functab + 8 * mid) <= want)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || want >= u32_at(&g->tab, g->functab + 8 * g->nfunc))
		return false;
	f->entry = g->text + u32_at(&g->tab, g->functab + 8 * (lo - 1));
	f->off = g->functab + u32_at(&g->tab, g->functab + 8 * (lo - 1) + 4);
	return in(&g->tab, f->off, FN_SIZE);
}

/* What a table of the function says for an address; -1: nothing. */
static int32_t value_at(const struct gopcln *g, const struct func *f, uint32_t table, uint64_t addr)
{
	uint64_t pc = f->entry, off = g->pctab + table;
	uint32_t delta, step, i;
	uint32_t val = UINT32_MAX;

	if (!table)
		return -1;
	for (i = 0; i < STEPS_MAX; i++) {
		if (!uvarint(&g->tab, &off, &delta) || (!delta && i) ||
		    !uvarint(&g->tab, &off, &step))
			return -1;
		val += delta & 1 ? ~(delta >> 1) : delta >> 1;
		pc += step;
		if (addr < pc)
			return (int32_t)val;
	}
	return -1;
}

static const char *file_at(const struct gopcln *g, const struct func *f, uint64_t addr)
{
	int32_t no = value_at(g, f, u32_at(&g->tab, f->off + FN_PCFILE), addr);
	uint32_t off;

	if (no < 0)
		return NULL;
	off = u32_at(&g->tab,
		     g->cu + 4 * ((uint64_t)u32_at(&g->tab, f->off + FN_CU) + (uint32_t)no));
	return off == UINT32_MAX ? NULL : str_at(&g->tab, g->filetab + off);
}

/* The function's tree of inlined calls; empty: nothing was inlined. */
static struct bytes inline_tree(const struct gopcln *g, const struct func *f)
{
	uint32_t npcdata = u32_at(&g->tab, f->off + FN_NPCDATA), off;

	if (!g->gofunc || npcdata <= PCDATA_INLTREE ||
	    g->tab.p[f->off + FN_NFUNCDATA] <= FUNCDATA_INLTREE)
		return (struct bytes){ NULL, 0 };
	off = u32_at(&g->tab, f->off + FN_SIZE + 4 * ((uint64_t)npcdata + FUNCDATA_INLTREE));
	return off == UINT32_MAX ? (struct bytes){ NULL, 0 } : memory_at(g, g->gofunc + off);
}

static const char *name_at(const struct gopcln *g, uint32_t off)
{
	const char *s = str_at(&g->tab, g->funcname + off);

	return s && *s ? s : NULL;
}

size_t gopcln__find(struct gopcln *g, uint64_t addr, struct sym_loc *out, size_t max)
{
	struct bytes tree;
	uint32_t table;
	struct func f;
	int32_t call;
	size_t n = 0, depth;

	if (!max || !find_func(g, addr, &f))
		return 0;
	tree = inline_tree(g, &f);
	table = u32_at(&g->tab, f.off + FN_SIZE + 4 * PCDATA_INLTREE);
	for (depth = 0; depth < 1000; depth++) {
		int32_t line = value_at(g, &f, u32_at(&g->tab, f.off + FN_PCLN), addr);
		uint64_t at;

		call = tree.n ? value_at(g, &f, table, addr) : -1;
		at = (uint64_t)(uint32_t)call * INL_SIZE;
		if (call >= 0 && !in(&tree, at, INL_SIZE))
			call = -1;
		if (n == max)
			n--;
		out[n++] = (struct sym_loc){
			.func = name_at(g, u32_at(call < 0 ? &g->tab : &tree,
						  call < 0 ? f.off + FN_NAME : at + INL_NAME)),
			.file = file_at(g, &f, addr),
			.line = line < 0 ? 0 : (uint32_t)line,
		};
		if (!out[n - 1].func)
			return 0;
		if (call < 0)
			return n;
		addr = f.entry + u32_at(&tree, at + INL_PARENT_PC);
	}
	return 0;
}
