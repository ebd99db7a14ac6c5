// SPDX-License-Identifier: BSD-2-Clause
/* See loader.h. The symbols are those that the loader exports; nothing in the file is trusted. */
#include "space/loader.h"

#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/elf.h"
#include "util/strbuf.h"

#define HOOK "_dl_debug_state"
#define LIST "_r_debug" /* struct r_debug */

static const Elf64_Sym *find_symbol(const struct unw_bytes *syms, const struct unw_bytes *names,
				    const char *name)
{
	size_t i, len = strlen(name) + 1;
	const Elf64_Sym *sym;

	for (i = 0; i < syms->size / sizeof(*sym); i++) {
		sym = (const Elf64_Sym *)(const void *)(syms->data + i * sizeof(*sym));
		if (sym->st_shndx != SHN_UNDEF && sym->st_name < names->size &&
		    names->size - sym->st_name >= len &&
		    !memcmp(names->data + sym->st_name, name, len))
			return sym;
	}
	return NULL;
}

/* The part that is mapped at map->offset, to compare what the file and the process count. */
static const struct unw_seg *mapped_part(const struct unw_elf *e, const struct code_mapping *map)
{
	const struct unw_seg *seg;

	for (seg = e->seg; seg < e->seg + e->nseg; seg++)
		if (seg->exec && map->offset + (map->end - map->start) > seg->off &&
		    map->offset < seg->off + seg->size)
			return seg;
	return NULL;
}

static int find(const struct unw_elf *e, const struct unw_bytes *syms,
		const struct unw_bytes *names, const struct code_mapping *map,
		struct loader_hook *out)
{
	const Elf64_Sym *hook = find_symbol(syms, names, HOOK), *list;
	const struct unw_seg *code, *mapped = mapped_part(e, map);

	if (!hook || !mapped || ELF64_ST_TYPE(hook->st_info) != STT_FUNC)
		return -ENOENT;
	code = unw_elf_seg(e, hook->st_value);
	if (!code || !code->exec)
		return -ENOENT;
	*out = (struct loader_hook){ .offset = hook->st_value - code->addr + code->off };
	list = find_symbol(syms, names, LIST);
	if (list) /* start and offset are rounded to pages alike */
		out->r_state = map->start - map->offset + mapped->off - mapped->addr +
			       list->st_value + offsetof(struct r_debug, r_state);
	return 0;
}

int loader_find(int fd, const struct code_mapping *map, struct loader_hook *out)
{
	struct unw_bytes syms = { 0 }, names = { 0 };
	const Elf64_Shdr *dynsym, *dynstr;
	struct strbuf why = STRBUF_INIT;
	struct unw_elf e;
	int err = unw_elf_open(&e, fd, NULL, 0, &why);

	dynsym = err ? NULL : unw_elf_section(&e, ".dynsym");
	dynstr = err ? NULL : unw_elf_section(&e, ".dynstr");
	err = -ENOENT;
	if (dynsym && dynstr && !unw_elf_load(&e, dynsym, &syms) &&
	    !unw_elf_load(&e, dynstr, &names))
		err = find(&e, &syms, &names, map, out);
	free(syms.data);
	free(names.data);
	unw_elf_close(&e);
	strbuf_free(&why);
	return err;
}
