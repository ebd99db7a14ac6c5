// SPDX-License-Identifier: BSD-2-Clause
/* See symfile.h. */
#include "symbol/symfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/debugfile.h"
#include "symbol/dwinfo.h"
#include "symbol/gopcln.h"
#include "symbol/strpool.h"
#include "symbol/symindex.h"
#include "symbol/symname.h"
#include "util/strbuf.h"
#include "util/u64map.h"
#include "util/xalloc.h"

struct symfile {
	struct elf_file self, debug, mini;
	struct debug_search where;
	char *path;
	bool read;
	struct symindex *index;
	struct dwinfo *dwarf;
	struct gopcln *go;
	struct strpool names;
	struct u64map shown; /* address of a raw name → address of the one in names */
};

struct symfile *symfile__new(const struct symfile_opts *o, struct strbuf *why)
{
	struct symfile *f = xcalloc(1, sizeof(*f));
	int err;

	f->debug = f->mini = ELF_FILE_NONE;
	f->path = o->path ? xstrdup(o->path) : NULL;
	f->where = (struct debug_search){ o->root_fd, f->path };
	err = elf_file_open(&f->self, o->fd);
	if (!err)
		return f;
	strbuf_set_f(why, "it is not an ELF file");
	symfile__free(f);
	errno = -err;
	return NULL;
}

void symfile__free(struct symfile *f)
{
	if (!f)
		return;
	gopcln__free(f->go);
	dwinfo__free(f->dwarf);
	symindex__free(f->index);
	elf_file_close(&f->mini);
	elf_file_close(&f->debug);
	elf_file_close(&f->self);
	strpool_free(&f->names);
	u64map_free(&f->shown);
	free(f->path);
	free(f);
}

static bool has_dwarf(Elf *elf)
{
	return elf_has(elf, ".debug_info") || elf_has(elf, ".zdebug_info");
}

static void read_all(struct symfile *f)
{
	bool full = has_dwarf(f->self.elf);

	f->read = true;
	f->go = gopcln__new(f->self.elf);
	if (!full)
		debugfile_find(&f->where, f->self.elf, &f->debug);
	if (full)
		f->dwarf = dwinfo__new(f->self.elf, &f->where);
	else if (f->debug.elf && has_dwarf(f->debug.elf))
		f->dwarf = dwinfo__new(f->debug.elf, &f->where);

	f->index = symindex__new();
	symindex__add(f->index, f->self.elf);
	if (f->debug.elf)
		symindex__add(f->index, f->debug.elf);
	else if (!elf_has(f->self.elf, ".symtab") && debugfile_mini(f->self.elf, &f->mini))
		symindex__add(f->index, f->mini.elf);
	symindex__add_plt(f->index, f->self.elf);
	symindex__sort(f->index);
}

static const char *shown(struct symfile *f, const char *raw)
{
	uint64_t *slot = u64map_put(&f->shown, (uint64_t)(uintptr_t)raw, NULL);
	struct strbuf name = STRBUF_INIT;

	if (!*slot) {
		symname(&name, raw);
		*slot = (uint64_t)(uintptr_t)strpool_addn(&f->names, name.buf, name.len);
		strbuf_free(&name);
	}
	return (const char *)(uintptr_t)*slot;
}

/* Is it the name with what a compiler puts behind it? "f.constprop.0" for f */
static bool is_clone(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(symbol, name, len) && symbol[len] == '.';
}

/* The raw name of the outermost function, see symfile.h. */
static const char *outermost(const struct symbol *sym, const char *dwarf, uint64_t entry)
{
	if (!dwarf)
		return sym ? sym->name : NULL;
	if (!sym || (entry && sym->addr != entry) || is_clone(sym->name, dwarf))
		return dwarf;
	return sym->name;
}

size_t symfile__find(struct symfile *f, uint64_t addr, struct sym_loc *out, size_t max)
{
	const struct symbol *sym;
	struct sym_loc go = { 0 };
	uint64_t entry = 0;
	size_t i, n = 0;

	if (!f->read)
		read_all(f);
	if (f->go && (n = gopcln__find(f->go, addr, out, max))) {
		if (n > 1 || out[0].file)
			return n;
		/* C code that was linked in has a place in Go's table, and its lines elsewhere */
		go = out[0];
		n = 0;
	}
	sym = symindex__find(f->index, addr);
	if (f->dwarf)
		n = dwinfo__find(f->dwarf, addr, out, max, &entry);
	if (!n) {
		out[0] = (struct sym_loc){ 0 };
		n = 1;
	}
	if (go.func && !out[n - 1].func)
		out[n - 1].func = go.func;
	else
		out[n - 1].func = outermost(sym, out[n - 1].func, entry);
	for (i = 0; i < n; i++) {
		if (!out[i].func)
			return 0;
		if (out[i].func != go.func)
			out[i].func = shown(f, out[i].func);
	}
	return n;
}
