// SPDX-License-Identifier: BSD-2-Clause
/* See dwinfo.h. */
#include "symbol/dwinfo.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/debugfile.h"
#include "symbol/segs.h"
#include "symbol/strpool.h"
#include "util/xalloc.h"

/* Deeper trees of blocks and inlined calls come from damaged files alone. */
#define DEPTH_MAX 256
/* Rows of line tables after which libdw's handle is opened anew; it keeps some 50 bytes for each. */
#define ROWS_BEFORE_REOPEN (4u << 20)

#define NO_SCOPE UINT32_MAX

/* A function, or a function inlined into another one. */
struct scope {
	Dwarf_Off die;
	uint64_t entry;
	uint32_t parent; /* whom it was inlined into; NO_SCOPE: a function by itself */
	bool read;	 /* what follows is set */
	uint32_t call_line;
	const char *name, *call_file;
};

/* From this address on, until the next row. */
struct row {
	uint64_t addr;
	uint32_t line;
	uint32_t file; /* index in files of the unit, 0 unknown or no code */
};

struct unit {
	Dwarf_Off die;
	bool loaded;
	struct row *row;
	size_t nrow;
	const char **file;
	size_t nfile;
	struct scope *scope;
	size_t nscope, scope_cap;
	struct segs segs; /* ids are indices of scope */
};

struct dwinfo {
	Elf *elf;
	Dwarf *dw;
	Dwarf *alt;
	struct elf_file alt_file;
	struct unit *unit;
	size_t nunit, unit_cap;
	struct segs segs; /* ids are indices of unit */
	size_t rows;	  /* since the handle was opened */
	struct strpool strings;
};

struct spans {
	struct span *span;
	size_t cnt, cap;
};

/* ---- ranges ---- */

/* Adds the ranges of a DIE. False: it has none. */
static bool add_ranges(struct spans *s, Dwarf_Die *die, uint32_t id, uint32_t rank)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;
	bool any = false;

	while ((at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0) {
		/* what the linker dropped has been moved to 0, or to the end of all addresses */
		if (!lo || lo >= hi || lo >= UINT64_MAX - 1)
			continue;
		s->span = xgrow(s->span, s->cnt, &s->cap, sizeof(*s->span));
		s->span[s->cnt++] = (struct span){ lo, hi, rank, id };
		any = true;
	}
	return any;
}

static void find_units(struct dwinfo *d)
{
	struct spans spans = { 0 };
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	int tag;

	while (!dwarf_get_units(d->dw, cu, &cu, NULL, NULL, &die, NULL)) {
		tag = dwarf_tag(&die);
		if (tag != DW_TAG_compile_unit && tag != DW_TAG_skeleton_unit)
			continue;
		d->unit = xgrow(d->unit, d->nunit, &d->unit_cap, sizeof(*d->unit));
		d->unit[d->nunit] = (struct unit){ .die = dwarf_dieoffset(&die) };
		if (add_ranges(&spans, &die, (uint32_t)d->nunit, (uint32_t)d->nunit))
			d->nunit++;
	}
	segs_build(&d->segs, spans.span, spans.cnt);
	free(spans.span);
}

/* ---- the tree of scopes of a unit ---- */

struct walk {
	struct unit *u;
	struct spans spans;
	Dwarf_Off last; /* of the DIEs that were visited, the one furthest on */
};

static uint32_t add_scope(struct walk *w, Dwarf_Die *die, uint32_t parent)
{
	struct unit *u = w->u;
	uint32_t id = (uint32_t)u->nscope;
	Dwarf_Addr entry;

	/* a later one is further in, so its rank is the higher one */
	if (id == NO_SCOPE - 1 || !add_ranges(&w->spans, die, id, id))
		return NO_SCOPE;
	u->scope = xgrow(u->scope, u->nscope, &u->scope_cap, sizeof(*u->scope));
	u->scope[u->nscope++] = (struct scope){
		.die = dwarf_dieoffset(die),
		.parent = parent,
		.entry = dwarf_entrypc(die, &entry) ? 0 : entry,
	};
	return id;
}

static bool may_hold_functions(int tag)
{
	switch (tag) {
	case DW_TAG_subprogram:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
	case DW_TAG_entry_point:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_common_block:
		return true;
	default:
		return false;
	}
}

/*
 * `in` is the function that the children of the DIE stand in, NO_SCOPE outside of all. In a tree
 * that is one offsets only grow; in a damaged one the same DIEs may be children of many, and the
 * time would be exponential.
 */
static void walk(struct walk *w, Dwarf_Die *parent, uint32_t in, unsigned depth)
{
	uint32_t inner;
	Dwarf_Die die;
	int tag;

	if (depth == DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		if (dwarf_dieoffset(&die) <= w->last)
			return;
		w->last = dwarf_dieoffset(&die);
		tag = dwarf_tag(&die);
		if (!may_hold_functions(tag))
			continue;
		inner = in;
		if (tag == DW_TAG_subprogram) {
			/* a nested function is nobody's inlined one */
			inner = add_scope(w, &die, NO_SCOPE);
		} else if (tag == DW_TAG_inlined_subroutine) {
			inner = add_scope(w, &die, in);
			if (inner == NO_SCOPE)
				inner = in;
		}
		walk(w, &die, inner, depth + 1);
	} while (!dwarf_siblingof(&die, &die));
}

/* ---- lines ---- */

static void load_files(struct dwinfo *d, struct unit *u, Dwarf_Files *files, size_t cnt)
{
	const char *name;
	size_t i;

	u->file = xcalloc(cnt, sizeof(*u->file));
	u->nfile = cnt;
	for (i = 0; i < cnt; i++) {
		name = dwarf_filesrc(files, i, NULL, NULL);
		if (name && *name && strcmp(name, "???") != 0)
			u->file[i] = strpool_add(&d->strings, name);
	}
}

static void load_lines(struct dwinfo *d, struct unit *u, Dwarf_Die *die)
{
	Dwarf_Lines *lines;
	Dwarf_Files *files;
	size_t i, n, file;
	bool end;
	int line;

	if (!dwarf_getsrcfiles(die, &files, &n))
		load_files(d, u, files, n);
	if (dwarf_getsrclines(die, &lines, &n) || !n)
		return;
	u->row = xmalloc(n * sizeof(*u->row));
	for (i = 0; i < n; i++) {
		Dwarf_Line *l = dwarf_onesrcline(lines, i);
		struct row r = { 0 };

		if (dwarf_lineaddr(l, &r.addr) || dwarf_lineendsequence(l, &end))
			continue;
		if (!end && !dwarf_lineno(l, &line) && !dwarf_line_file(l, &files, &file)) {
			r.line = line < 0 ? 0 : (uint32_t)line;
			r.file = file < u->nfile && u->file[file] ? (uint32_t)file + 1 : 0;
		}
		/* of rows at one address the last one holds */
		if (u->nrow && u->row[u->nrow - 1].addr == r.addr)
			u->nrow--;
		else if (u->nrow && u->row[u->nrow - 1].line == r.line &&
			 u->row[u->nrow - 1].file == r.file)
			continue;
		u->row[u->nrow++] = r;
	}
	u->row = xrealloc(u->row, u->nrow * sizeof(*u->row));
	d->rows += n;
}

static const struct row *find_row(const struct unit *u, uint64_t addr)
{
	size_t lo = 0, hi = u->nrow, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (u->row[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && u->row[lo - 1].file ? &u->row[lo - 1] : NULL;
}

/* ---- the handle ---- */

static void close_handle(struct dwinfo *d)
{
	dwarf_end(d->dw);
	dwarf_end(d->alt);
	d->dw = d->alt = NULL;
	d->rows = 0;
}

static int open_handle(struct dwinfo *d)
{
	d->dw = dwarf_begin_elf(d->elf, DWARF_C_READ, NULL);
	if (!d->dw)
		return -1;
	if (d->alt_file.elf)
		d->alt = dwarf_begin_elf(d->alt_file.elf, DWARF_C_READ, NULL);
	if (d->alt)
		dwarf_setalt(d->dw, d->alt);
	return 0;
}

static void load_unit(struct dwinfo *d, struct unit *u)
{
	struct walk w = { .u = u };
	Dwarf_Die die;

	u->loaded = true;
	if (d->rows > ROWS_BEFORE_REOPEN) {
		close_handle(d);
		if (open_handle(d))
			return;
	}
	if (!d->dw || !dwarf_offdie(d->dw, u->die, &die))
		return;
	load_lines(d, u, &die);
	walk(&w, &die, NO_SCOPE, 0);
	segs_build(&u->segs, w.spans.span, w.spans.cnt);
	free(w.spans.span);
}

struct dwinfo *dwinfo__new(Elf *elf, const struct debug_search *where)
{
	struct dwinfo *d = xcalloc(1, sizeof(*d));

	d->elf = elf;
	d->alt_file = ELF_FILE_NONE;
	if (open_handle(d)) {
		free(d);
		return NULL;
	}
	if (debugfile_alt(where, d->dw, &d->alt_file)) {
		d->alt = dwarf_begin_elf(d->alt_file.elf, DWARF_C_READ, NULL);
		if (d->alt)
			dwarf_setalt(d->dw, d->alt);
	}
	find_units(d);
	return d;
}

void dwinfo__free(struct dwinfo *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < d->nunit; i++) {
		free(d->unit[i].row);
		free(d->unit[i].file);
		free(d->unit[i].scope);
		segs_free(&d->unit[i].segs);
	}
	free(d->unit);
	segs_free(&d->segs);
	close_handle(d);
	elf_file_close(&d->alt_file);
	strpool_free(&d->strings);
	free(d);
}

/* ---- the question ---- */

static const char *attr_string(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr_integrate(die, name, &attr));
}

static void read_scope(struct dwinfo *d, struct unit *u, struct scope *s)
{
	Dwarf_Attribute attr;
	Dwarf_Word file, line;
	const char *name;
	Dwarf_Die die;

	s->read = true;
	if (!d->dw || !dwarf_offdie(d->dw, s->die, &die))
		return;
	name = attr_string(&die, DW_AT_linkage_name);
	if (!name)
		name = attr_string(&die, DW_AT_MIPS_linkage_name);
	if (!name)
		name = attr_string(&die, DW_AT_name);
	if (name && *name)
		s->name = strpool_add(&d->strings, name);
	if (s->parent == NO_SCOPE)
		return;
	if (!dwarf_formudata(dwarf_attr(&die, DW_AT_call_file, &attr), &file) && file < u->nfile)
		s->call_file = u->file[file];
	if (!dwarf_formudata(dwarf_attr(&die, DW_AT_call_line, &attr), &line) && line < UINT32_MAX)
		s->call_line = (uint32_t)line;
}

size_t dwinfo__find(struct dwinfo *d, uint64_t addr, struct sym_loc *out, size_t max,
		    uint64_t *entry)
{
	uint32_t at = segs_find(&d->segs, addr);
	struct sym_loc loc = { 0 };
	const struct row *row;
	struct unit *u;
	size_t n = 0;

	*entry = 0;
	if (at == SEG_NONE || !max)
		return 0;
	u = &d->unit[at];
	if (!u->loaded)
		load_unit(d, u);
	row = find_row(u, addr);
	if (row) {
		loc.file = u->file[row->file - 1];
		loc.line = row->line;
	}
	at = segs_find(&u->segs, addr);
	if (at == SEG_NONE) {
		out[0] = loc;
		return row ? 1 : 0;
	}
	for (; at != NO_SCOPE; at = u->scope[at].parent) {
		struct scope *s = &u->scope[at];

		if (!s->read)
			read_scope(d, u, s);
		loc.func = s->name;
		/* the last place is the outermost one's */
		if (n == max)
			n--;
		out[n++] = loc;
		*entry = s->entry;
		loc = (struct sym_loc){ .file = s->call_file, .line = s->call_line };
	}
	return n;
}
