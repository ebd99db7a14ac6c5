// SPDX-License-Identifier: BSD-2-Clause
/* See plt.h. */
#include "symbol/plt.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "util/u64map.h"
#include "util/xalloc.h"

/* Entries that a damaged file may make us look at. */
#define PLT_MAX (1u << 20)

struct slot {
	const char *name; /* NULL: by the resolver at addend */
	uint64_t addend;
};

struct slots {
	struct slot *slot;
	size_t cnt, cap;
	size_t first;	       /* of .rela.plt, whose order is that of the pushed indices */
	struct u64map by_addr; /* address of the slot → index + 1 */
};

static void add_slots(struct slots *s, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL), *syms = NULL;
	Elf_Scn *symtab = elf_getscn(elf, sh->sh_link);
	GElf_Shdr symsh = { 0 };
	GElf_Rela rela;
	GElf_Sym sym;
	size_t i, n;

	if (!data || !data->d_buf)
		return;
	if (sh->sh_link && gelf_getshdr(symtab, &symsh))
		syms = elf_getdata(symtab, NULL);
	n = data->d_size / gelf_fsize(elf, ELF_T_RELA, 1, EV_CURRENT);
	for (i = 0; i < n && s->cnt < PLT_MAX; i++) {
		struct slot slot = { 0 };

		if (!gelf_getrela(data, (int)i, &rela))
			break;
		switch (GELF_R_TYPE(rela.r_info)) {
		case R_X86_64_JUMP_SLOT:
		case R_X86_64_GLOB_DAT:
			if (syms && gelf_getsym(syms, (int)GELF_R_SYM(rela.r_info), &sym))
				slot.name = elf_strptr(elf, symsh.sh_link, sym.st_name);
			break;
		case R_X86_64_IRELATIVE:
			slot.addend = (uint64_t)rela.r_addend;
			break;
		default:
			continue;
		}
		s->slot = xgrow(s->slot, s->cnt, &s->cap, sizeof(*s->slot));
		s->slot[s->cnt++] = slot;
		if (rela.r_offset)
			*u64map_put(&s->by_addr, rela.r_offset, NULL) = s->cnt;
	}
}

static int32_t rd32(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The slot that an entry jumps through, NULL when it is not seen. */
static const struct slot *decode(const struct slots *s, const uint8_t *p, size_t n, uint64_t addr)
{
	const uint64_t *found;
	size_t i;

	for (i = 0; i + 6 <= n; i++) {
		if (p[i] != 0xff || p[i + 1] != 0x25) /* jmp *d(%rip) */
			continue;
		found = u64map_get(&s->by_addr, addr + i + 6 + (uint64_t)(int64_t)rd32(p + i + 2));
		return found ? &s->slot[*found - 1] : NULL;
	}
	for (i = 0; i + 5 <= n; i++) {
		uint64_t at;

		if (p[i] != 0x68) /* push index */
			continue;
		at = s->first + (uint32_t)rd32(p + i + 1);
		return at < s->cnt ? &s->slot[at] : NULL;
	}
	return NULL;
}

static void entries(const struct slots *s, Elf_Scn *scn, const GElf_Shdr *sh, plt_fn fn,
		    plt_name_at name_at, void *ctx)
{
	Elf_Data *data = elf_rawdata(scn, NULL);
	size_t at, size = sh->sh_entsize == 8 ? 8 : 16;
	const struct slot *slot;
	const char *name;

	if (!data || !data->d_buf || sh->sh_type == SHT_NOBITS)
		return;
	for (at = 0; at + size <= data->d_size && at / size < PLT_MAX; at += size) {
		slot = decode(s, (const uint8_t *)data->d_buf + at, size, sh->sh_addr + at);
		if (!slot)
			continue;
		name = slot->name ? slot->name : name_at(ctx, slot->addend);
		if (name && *name)
			fn(ctx, sh->sh_addr + at, size, name);
	}
}

void plt_each(Elf *elf, plt_fn fn, plt_name_at name_at, void *ctx)
{
	struct slots s = { 0 };
	size_t names, pass;
	Elf_Scn *scn;
	GElf_Ehdr eh;
	GElf_Shdr sh;
	const char *name;

	if (!gelf_getehdr(elf, &eh) || eh.e_machine != EM_X86_64 || eh.e_type == ET_REL ||
	    elf_getshdrstrndx(elf, &names))
		return;
	/* other relocations, then those of the table, then the code */
	for (pass = 0; pass < 3; pass++) {
		if (pass == 1)
			s.first = s.cnt;
		for (scn = NULL; (scn = elf_nextscn(elf, scn));) {
			if (!gelf_getshdr(scn, &sh) || !(name = elf_strptr(elf, names, sh.sh_name)))
				continue;
			if (pass < 2 && sh.sh_type == SHT_RELA &&
			    !strcmp(name, pass ? ".rela.plt" : ".rela.dyn"))
				add_slots(&s, elf, scn, &sh);
			if (pass == 2 && sh.sh_flags & SHF_EXECINSTR && !strncmp(name, ".plt", 4))
				entries(&s, scn, &sh, fn, name_at, ctx);
		}
	}
	free(s.slot);
	u64map_free(&s.by_addr);
}
