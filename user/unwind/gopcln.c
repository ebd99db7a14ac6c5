// SPDX-License-Identifier: BSD-2-Clause
/* See gopcln.h. */
#include "unwind/gopcln.h"

#include <errno.h>
#include <stdlib.h>

#include "unwind/cursor.h"
#include "util/xalloc.h"

/* Where things are, by version of the table. */
#define MAGIC_1_18 0xf0 /* the first byte */
#define MAGIC_1_20 0xf1
#define HEADER_SIZE 72
#define FLAG_AT_1_18 37 /* in a function's record */
#define FLAG_AT_1_20 41
#define MODULE_TEXT 176 /* runtime.moduledata.text, 1.22 to 1.26 */
#define MODULE_SIZE 192 /* what we read of it */

/* Of the header, behind the first byte: steps of one byte, words of eight. */
static const uint8_t header[] = { 0xff, 0xff, 0xff, 0x00, 0x00, 0x01, 0x08 };
#define TRIES_MAX 16 /* at what looks like it */
/* Behind the end of a function's table; functions begin at multiples of 32. */
#define PADDING_MAX 32

/* Flags of functions. */
enum {
	TOP_FRAME = 1, /* nobody called it */
	SP_WRITE = 2,  /* it goes to another stack, or aligns it */
};

/* Code, a piece at a time: functions are visited in order. */
struct window {
	const struct unw_elf *elf;
	uint64_t addr;
	size_t size;
	uint8_t data[64 << 10];
};

struct gopcln {
	struct unw_bytes b; /* of a section, and of it: */
	const uint8_t *data;
	size_t size;
	uint64_t addr;
	uint64_t nfunc, text;
	uint64_t names, pctab, functab; /* offsets */
	size_t flag_at;
	struct window code;
	struct unw_spans *out;
};

bool unw_go_is(const struct unw_elf *e)
{
	return unw_elf_section(e, ".gopclntab") || unw_elf_section(e, ".data.rel.ro.gopclntab") ||
	       unw_elf_section(e, ".go.buildinfo");
}

/* ---- where the text begins ---- */

static uint64_t u64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The table's address and that of its names are the first words of the runtime's moduledata. */
static bool is_module(const uint8_t *p, const struct gopcln *g)
{
	return u64_at(p) == g->addr && u64_at(p + 8) == g->addr + g->names;
}

static uint64_t text_in_section(const struct gopcln *g, const struct unw_elf *e, const char *name)
{
	const Elf64_Shdr *sh = unw_elf_section(e, name);
	struct unw_bytes b;
	uint64_t text = 0;
	size_t i;

	if (!sh || unw_elf_load(e, sh, &b))
		return 0;
	for (i = 0; !text && i + MODULE_SIZE <= b.size; i += 8)
		if (is_module(b.data + i, g))
			text = u64_at(b.data + i + MODULE_TEXT);
	free(b.data);
	return text;
}

/* In a PIE of another linker the words are zero, and relocations say what they will be. */
static uint64_t text_in_relocations(const struct gopcln *g, const struct unw_elf *e)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".rela.dyn");
	uint64_t module = 0, text = 0;
	struct unw_bytes b;
	size_t i, n;
	Elf64_Rela r;

	if (!sh || unw_elf_load(e, sh, &b))
		return 0;
	n = b.size / sizeof(r);
	/* sorted by address, so moduledata's words come one after the other */
	for (i = 0; !text && i < n; i++) {
		memcpy(&r, b.data + i * sizeof(r), sizeof(r));
		if (ELF64_R_TYPE(r.r_info) != R_X86_64_RELATIVE)
			continue;
		if (r.r_offset == g->addr + 24)
			text = (uint64_t)r.r_addend; /* of the table's own header */
		else if ((uint64_t)r.r_addend == g->addr)
			module = r.r_offset;
		else if (module && r.r_offset == module + 8 &&
			 (uint64_t)r.r_addend != g->addr + g->names)
			module = 0;
		else if (module && r.r_offset == module + MODULE_TEXT)
			text = (uint64_t)r.r_addend;
	}
	free(b.data);
	return text;
}

static uint64_t find_text(const struct gopcln *g, const struct unw_elf *e)
{
	static const char *const section[] = { ".go.module", ".noptrdata", ".data" };
	uint64_t text = u64_at(g->data + 24); /* 0 from 1.26 on */
	size_t i;

	for (i = 0; !text && i < sizeof(section) / sizeof(*section); i++)
		text = text_in_section(g, e, section[i]);
	return text ? text : text_in_relocations(g, e);
}

/* Does a table begin at an offset of what was read? */
static bool open_header(struct gopcln *g, const struct unw_elf *e, size_t off)
{
	g->data = g->b.data + off;
	g->size = g->b.size - off;
	g->addr = g->b.addr + off;
	if (g->size < HEADER_SIZE || memcmp(g->data + 1, header, sizeof(header)) ||
	    (g->data[0] != MAGIC_1_18 && g->data[0] != MAGIC_1_20))
		return false;
	g->flag_at = g->data[0] == MAGIC_1_20 ? FLAG_AT_1_20 : FLAG_AT_1_18;
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
static int find_table(struct gopcln *g, const struct unw_elf *e)
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

static int open_table(struct gopcln *g, const struct unw_elf *e)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".gopclntab");
	int err;

	if (!sh)
		sh = unw_elf_section(e, ".data.rel.ro.gopclntab");
	if (!sh)
		return find_table(g, e);
	err = unw_elf_load(e, sh, &g->b);
	if (err)
		return err;
	return open_header(g, e, 0) ? 0 : -ENODATA;
}

/* ---- a function ---- */

struct func {
	uint64_t start, end;
	const uint8_t *record;
	size_t room; /* bytes of it */
};

/* Up to n bytes of code at an address; how many there are. */
static size_t code_at(struct window *w, uint64_t addr, uint8_t *buf, size_t n)
{
	const struct unw_seg *s;
	uint64_t room;

	if (addr < w->addr || addr - w->addr > w->size || w->size - (addr - w->addr) < n) {
		s = unw_elf_seg(w->elf, addr);
		w->addr = addr;
		w->size = 0;
		if (!s)
			return 0;
		room = s->size - (addr - s->addr);
		if (room > sizeof(w->data))
			room = sizeof(w->data);
		if (unw_elf_read(w->elf, s->off + (addr - s->addr), w->data, room))
			return 0;
		w->size = room;
	}
	if (n > w->size - (addr - w->addr))
		n = w->size - (addr - w->addr);
	memcpy(buf, w->data + (addr - w->addr), n);
	return n;
}

/*
 * Does the instruction that first moves the stack pointer, right before pc, come with one that
 * saves rbp below the return address? push %rbp (1.21 and newer), or sub …,%rsp; mov %rbp,N(%rsp).
 */
static bool saves_rbp(struct gopcln *g, const struct func *f, uint64_t pc, int64_t depth)
{
	uint8_t b[9];
	int32_t at;

	if (pc <= f->start || code_at(&g->code, pc - 1, b, sizeof(b)) < sizeof(b))
		return false;
	if (depth == 8)
		return b[0] == 0x55;
	if (b[1] != 0x48 || b[2] != 0x89)
		return false;
	if (b[3] == 0x6c && b[4] == 0x24)
		return (int8_t)b[5] == depth - 8;
	memcpy(&at, b + 5, sizeof(at));
	return b[3] == 0xac && b[4] == 0x24 && at == depth - 8;
}

/* The table of stack depths, run by run. */
struct depths {
	struct cursor c;
	uint64_t pc; /* where the run ends */
	int64_t depth;
	bool begun;
};

static bool next_depth(struct depths *d, uint64_t end)
{
	uint64_t change = cursor_uleb(&d->c), by;

	if (d->c.bad || (!change && d->begun) || change > UINT32_MAX)
		return false;
	d->begun = true;
	d->depth += (change & 1) ? -(int64_t)(change >> 1) - 1 : (int64_t)(change >> 1);
	by = cursor_uleb(&d->c);
	if (d->c.bad || !by || by > end - d->pc)
		return false;
	d->pc += by;
	return d->depth >= 0 && d->depth < INT32_MAX / 2;
}

static struct unw_rule depth_rule(int64_t depth, bool saved)
{
	struct unw_rule r = { .cfa = UNW_RSP, .cfa_off = (int32_t)depth + 8 };

	if (saved && depth >= 8) {
		r.bp = UNW_BP_CFA;
		r.bp_off = -16;
	}
	return r;
}

/* One span with a row for each depth; where the table ends early, or makes no sense, it goes on by
 * frame pointer. */
static int add_depths(struct gopcln *g, const struct func *f, uint32_t pcsp)
{
	const struct unw_rule fp = { .cfa = UNW_FP };
	struct depths d = { .pc = f->start, .depth = -1 };
	bool saved = false, moved = false;
	uint64_t pc = f->start;
	int err = unw_spans_begin(g->out, f->start, f->end, UNW_FROM_GO, fp);

	if (err || !pcsp || pcsp >= g->size - g->pctab)
		return err;
	d.c = cursor_of(g->data + g->pctab + pcsp, g->size - g->pctab - pcsp);
	while (!err && pc < f->end && next_depth(&d, f->end)) {
		if (d.depth && !moved) {
			moved = true;
			saved = saves_rbp(g, f, pc, d.depth);
		}
		err = unw_spans_row(g->out, pc, depth_rule(d.depth, saved));
		pc = d.pc;
	}
	if (!err && f->end - pc >= PADDING_MAX)
		err = unw_spans_row(g->out, pc, fp);
	return err;
}

static bool named(const struct gopcln *g, const struct func *f, const char *name)
{
	size_t n = strlen(name) + 1;
	uint32_t off;

	memcpy(&off, f->record + 4, sizeof(off));
	return off < g->size - g->names && n <= g->size - g->names - off &&
	       !memcmp(g->data + g->names + off, name, n);
}

/* Functions of the runtime that are not what their flags say, to us. */
static bool special(const struct gopcln *g, const struct func *f, uint8_t flag, struct unw_rule *r)
{
	/* what it would return to is not what is being done: the goroutine was left */
	if (flag & SP_WRITE && (named(g, f, "runtime.mcall") || named(g, f, "runtime.morestack")))
		*r = (struct unw_rule){ .cfa = UNW_STOP };
	/* where a signal's handler returns to: a ucontext is on the stack, 40 bytes before its
	 * sigcontext */
	else if (named(g, f, "runtime.sigreturn__sigaction") || named(g, f, "runtime.sigreturn"))
		*r = (struct unw_rule){ .cfa = UNW_SIGNAL, .cfa_off = 40 };
	/* called by a signal, which is somebody */
	else if (flag & TOP_FRAME && !named(g, f, "runtime.sigtramp") &&
		 !named(g, f, "runtime.cgoSigtramp"))
		*r = (struct unw_rule){ .cfa = UNW_STOP };
	else if (flag & SP_WRITE)
		*r = (struct unw_rule){ .cfa = UNW_FP };
	else
		return false;
	return true;
}

static int add_function(struct gopcln *g, const struct func *f)
{
	struct unw_rule r;
	uint32_t pcsp;
	uint8_t flag;

	if (f->room <= g->flag_at)
		return 0;
	flag = f->record[g->flag_at];
	if (flag && special(g, f, flag, &r))
		return unw_spans_begin(g->out, f->start, f->end, UNW_FROM_GO, r);
	memcpy(&pcsp, f->record + 16, sizeof(pcsp));
	return add_depths(g, f, pcsp);
}

static int add_functions(struct gopcln *g)
{
	const uint8_t *tab = g->data + g->functab;
	const struct unw_seg *seg = NULL;
	uint32_t at[3];
	struct func f;
	uint64_t i;
	int err = 0;

	for (i = 0; !err && i < g->nfunc; i++) {
		memcpy(at, tab + i * 8, sizeof(at)); /* start, record, the next one's start */
		f.start = g->text + at[0];
		f.end = g->text + at[2];
		if (!seg || f.start < seg->addr || f.start - seg->addr >= seg->size)
			seg = unw_elf_seg(g->code.elf, f.start);
		if (at[2] <= at[0] || at[1] >= g->size - g->functab || !seg || !seg->exec ||
		    f.end - seg->addr > seg->size)
			continue;
		f.record = tab + at[1];
		f.room = g->size - g->functab - at[1];
		err = add_function(g, &f);
	}
	return err;
}

int unw_go_read(const struct unw_elf *e, struct unw_spans *out)
{
	struct gopcln *g = xcalloc(1, sizeof(*g));
	size_t before = out->nspan;
	int err;

	g->code.elf = e;
	g->out = out;
	err = open_table(g, e);
	if (!err)
		err = add_functions(g);
	if (!err && out->nspan == before)
		err = -ENODATA;
	free(g->b.data);
	free(g);
	return err;
}
