// SPDX-License-Identifier: BSD-2-Clause
/* See symindex.h. */
#include "symbol/symindex.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/plt.h"
#include "symbol/segs.h"
#include "util/arena.h"
#include "util/xalloc.h"

enum bind_order { BIND_GLOBAL, BIND_WEAK, BIND_LOCAL };

struct entry {
	struct symbol sym;
	bool sized, label;
	enum bind_order bind;
};

struct symindex {
	struct entry *entry; /* by address once sorted; one for each address */
	size_t cnt, cap;
	struct segs segs; /* ids are indices of entry */
	struct arena names;
};

struct symindex *symindex__new(void)
{
	return xcalloc(1, sizeof(struct symindex));
}

void symindex__free(struct symindex *x)
{
	if (!x)
		return;
	free(x->entry);
	segs_free(&x->segs);
	arena_free(&x->names);
	free(x);
}

size_t symindex__count(const struct symindex *x)
{
	return x->cnt;
}

/* ---- gathering ---- */

static bool is_code(Elf *elf, size_t shndx)
{
	GElf_Shdr sh;

	return gelf_getshdr(elf_getscn(elf, shndx), &sh) && sh.sh_flags & SHF_EXECINSTR;
}

/* A function, or a global name in code that nobody gave a type (hand-written assembler). */
static bool wanted(Elf *elf, const GElf_Sym *sym, size_t shndx)
{
	unsigned type = GELF_ST_TYPE(sym->st_info), bind = GELF_ST_BIND(sym->st_info);

	if (shndx == SHN_UNDEF || !sym->st_name || !sym->st_value)
		return false;
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	return type == STT_NOTYPE && bind != STB_LOCAL && is_code(elf, shndx);
}

static void add_symbol(struct symindex *x, const GElf_Sym *sym, const char *name)
{
	unsigned bind = GELF_ST_BIND(sym->st_info);
	uint64_t end = sym->st_value + sym->st_size;
	struct entry *e;

	x->entry = xgrow(x->entry, x->cnt, &x->cap, sizeof(*x->entry));
	e = &x->entry[x->cnt++];
	*e = (struct entry){
		.sym = { sym->st_value, end < sym->st_value ? UINT64_MAX : end, name },
		.sized = sym->st_size != 0,
		.label = GELF_ST_TYPE(sym->st_info) != STT_FUNC,
		.bind = bind == STB_LOCAL ? BIND_LOCAL :
			bind == STB_WEAK  ? BIND_WEAK :
					    BIND_GLOBAL,
	};
}

static void add_table(struct symindex *x, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL), *extended = NULL;
	size_t i, cnt, esz = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	Elf32_Word shndx;
	const char *name;
	GElf_Sym sym;
	int at = elf_scnshndx(scn);

	if (!data || !data->d_buf || !esz)
		return;
	if (at > 0)
		extended = elf_getdata(elf_getscn(elf, (size_t)at), NULL);
	cnt = data->d_size / esz;
	for (i = 1; i < cnt; i++) {
		if (!gelf_getsymshndx(data, extended, (int)i, &sym, &shndx))
			break;
		if (!wanted(elf, &sym, sym.st_shndx == SHN_XINDEX ? shndx : sym.st_shndx))
			continue;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		/* $x and $d are marks of ARM's assemblers */
		if (name && *name && *name != '$')
			add_symbol(x, &sym, name);
	}
}

void symindex__add(struct symindex *x, Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) &&
		    (sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM))
			add_table(x, elf, scn, &sh);
}

static void add_plt_entry(void *ctx, uint64_t addr, uint64_t size, const char *func)
{
	struct symindex *x = ctx;
	size_t len = strcspn(func, "@");
	char *name = arena_alloc(&x->names, len + sizeof("@plt"));

	memcpy(name, func, len);
	memcpy(name + len, "@plt", sizeof("@plt"));
	x->entry = xgrow(x->entry, x->cnt, &x->cap, sizeof(*x->entry));
	x->entry[x->cnt++] = (struct entry){ .sym = { addr, addr + size, name }, .sized = true };
}

static const char *name_at(void *ctx, uint64_t addr)
{
	const struct symindex *x = ctx;
	size_t i;

	/* before the sort, and for the few resolvers of a static program alone */
	for (i = 0; i < x->cnt; i++)
		if (x->entry[i].sym.addr == addr)
			return x->entry[i].sym.name;
	return NULL;
}

void symindex__add_plt(struct symindex *x, Elf *elf)
{
	plt_each(elf, add_plt_entry, name_at, x);
}

/* ---- which one stays ---- */

static size_t underscores(const char *s)
{
	return strspn(s, "_");
}

/* < 0 when a is better */
static int compare(const struct entry *a, const struct entry *b)
{
	size_t na, nb;

	if (a->sized != b->sized)
		return a->sized ? -1 : 1;
	if (a->label != b->label)
		return a->label ? 1 : -1;
	if ((a->bind == BIND_LOCAL) != (b->bind == BIND_LOCAL))
		return a->bind == BIND_LOCAL ? 1 : -1;
	na = underscores(a->sym.name);
	nb = underscores(b->sym.name);
	if (na != nb)
		return na < nb ? -1 : 1;
	if (a->bind != b->bind)
		return a->bind < b->bind ? -1 : 1;
	na = strcspn(a->sym.name, "@");
	nb = strcspn(b->sym.name, "@");
	if (na != nb)
		return na < nb ? -1 : 1;
	return strcmp(a->sym.name, b->sym.name);
}

static int by_addr(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->sym.addr != y->sym.addr)
		return x->sym.addr < y->sym.addr ? -1 : 1;
	return compare(x, y);
}

static void keep_best(struct symindex *x)
{
	size_t i, n = 0;

	for (i = 0; i < x->cnt; i++)
		if (!n || x->entry[i].sym.addr != x->entry[n - 1].sym.addr)
			x->entry[n++] = x->entry[i];
	x->cnt = n;
}

/* Symbols without size: gone inside of a function, else up to the next symbol. */
static void settle_sizeless(struct symindex *x)
{
	uint64_t reach = 0; /* end of the functions so far */
	size_t i, n = 0;

	for (i = 0; i < x->cnt; i++) {
		struct entry e = x->entry[i];

		if (!e.sized) {
			if (e.sym.addr < reach)
				continue;
			e.sym.end = i + 1 < x->cnt ? x->entry[i + 1].sym.addr : e.sym.addr + 4096;
		} else if (e.sym.end > reach) {
			reach = e.sym.end;
		}
		x->entry[n++] = e;
	}
	x->cnt = n;
}

void symindex__sort(struct symindex *x)
{
	struct span *span;
	size_t i;

	if (x->cnt)
		qsort(x->entry, x->cnt, sizeof(*x->entry), by_addr);
	keep_best(x);
	settle_sizeless(x);
	span = xmalloc(x->cnt * sizeof(*span));
	for (i = 0; i < x->cnt; i++)
		span[i] = (struct span){ x->entry[i].sym.addr, x->entry[i].sym.end, (uint32_t)i,
					 (uint32_t)i };
	segs_build(&x->segs, span, x->cnt);
	free(span);
}

const struct symbol *symindex__find(const struct symindex *x, uint64_t addr)
{
	uint32_t id = segs_find(&x->segs, addr);

	return id == SEG_NONE ? NULL : &x->entry[id].sym;
}
