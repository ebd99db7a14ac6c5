// SPDX-License-Identifier: BSD-2-Clause
/* See symtab.h. */
#include "annot/symtab.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/sorted.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define PACKED_MAX (256ull << 20) /* what .gnu_debugdata may unpack to */
#define BUILD_ID_MAX 64
#define NAME_MAX_LEN 16384 /* a longer name is none of a compiler */

/* ---- tables ---- */

static void add_symbol(struct symtab *t, const Elf64_Sym *s, const char *name)
{
	uint8_t type = ELF64_ST_TYPE(s->st_info);

	if (type > STT_FUNC && type != STT_GNU_IFUNC)
		return; /* sections, files, thread-locals */
	if (s->st_shndx != SHN_UNDEF && s->st_shndx != SHN_ABS) {
		t->sym = xgrow(t->sym, t->cnt, &t->cap, sizeof(*t->sym));
		t->sym[t->cnt++] = (struct symtab_sym){ s->st_value, s->st_size, name, type,
							ELF64_ST_BIND(s->st_info) };
	} else if (s->st_shndx == SHN_UNDEF && type == STT_FUNC) {
		t->absent = xgrow(t->absent, t->nabsent, &t->cap_absent, sizeof(*t->absent));
		t->absent[t->nabsent++] = name;
	}
}

/* Takes the names over when it returns true. */
static bool add_table(struct symtab *t, const struct unw_bytes *syms, const struct unw_bytes *names)
{
	size_t i, n = syms->size / sizeof(Elf64_Sym), before = t->cnt + t->nabsent;
	const char *text = (const char *)names->data;
	Elf64_Sym s;

	/* a name ends in the table: its last byte is the NUL of the last one */
	if (!names->size || text[names->size - 1])
		return false;
	for (i = 1; i < n; i++) {
		memcpy(&s, syms->data + i * sizeof(s), sizeof(s));
		if (s.st_name && s.st_name < names->size && text[s.st_name] &&
		    strnlen(text + s.st_name, NAME_MAX_LEN) < NAME_MAX_LEN)
			add_symbol(t, &s, text + s.st_name);
	}
	return t->cnt + t->nabsent > before;
}

static void add_file(struct symtab *t, const struct unw_elf *e)
{
	struct unw_bytes syms, names;
	size_t i;

	for (i = 0; i < e->nsh && t->ntext < sizeof(t->text) / sizeof(t->text[0]); i++) {
		const Elf64_Shdr *sh = &e->sh[i];

		if ((sh->sh_type != SHT_SYMTAB && sh->sh_type != SHT_DYNSYM) ||
		    sh->sh_link >= e->nsh || unw_elf_load(e, sh, &syms))
			continue;
		names = (struct unw_bytes){ 0 };
		if (!unw_elf_load(e, &e->sh[sh->sh_link], &names) && add_table(t, &syms, &names))
			t->text[t->ntext++] = names.data;
		else
			free(names.data);
		free(syms.data);
	}
}

/* ---- files that belong to this one ---- */

static bool build_id(const struct unw_elf *e, uint8_t *id, size_t *n)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".note.gnu.build-id");
	struct {
		Elf64_Nhdr nh;
		char owner[4];
		uint8_t id[BUILD_ID_MAX];
	} note = { 0 };

	if (!sh || sh->sh_type != SHT_NOTE || sh->sh_size <= 16 || sh->sh_size > sizeof(note) ||
	    unw_elf_read(e, sh->sh_offset, &note, sh->sh_size))
		return false;
	*n = note.nh.n_descsz;
	if (note.nh.n_namesz != 4 || memcmp(note.owner, "GNU", 4) || *n < 2 ||
	    *n > sh->sh_size - 16)
		return false;
	memcpy(id, note.id, *n);
	return true;
}

static bool same_build(const struct unw_elf *e, const uint8_t *id, size_t n)
{
	uint8_t other[BUILD_ID_MAX];
	size_t len;

	return build_id(e, other, &len) && len == n && !memcmp(id, other, n);
}

/* The file that packages of debug symbols install. */
static void add_debug_file(struct symtab *t, const struct unw_elf *e)
{
	struct strbuf path = STRBUF_INIT, why = STRBUF_INIT;
	uint8_t id[BUILD_ID_MAX];
	struct unw_elf debug;
	size_t i, n;
	int fd;

	if (!build_id(e, id, &n))
		return;
	strbuf_addf(&path, "/usr/lib/debug/.build-id/%02x/", id[0]);
	for (i = 1; i < n; i++)
		strbuf_addf(&path, "%02x", id[i]);
	strbuf_addstr(&path, ".debug");
	fd = open(path.buf, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		if (!unw_elf_open(&debug, fd, NULL, 0, &why) && same_build(&debug, id, n))
			add_file(t, &debug);
		unw_elf_close(&debug);
		close(fd);
	}
	strbuf_free(&why);
	strbuf_free(&path);
}

static void add_image(struct symtab *t, const uint8_t *image, size_t size)
{
	struct strbuf why = STRBUF_INIT;
	struct unw_elf packed;

	if (!unw_elf_open(&packed, -1, image, size, &why))
		add_file(t, &packed);
	unw_elf_close(&packed);
	strbuf_free(&why);
}

/* Fedora's symbols: an ELF file under xz in a section. */
static void add_packed(struct symtab *t, const struct unw_elf *e)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".gnu_debugdata");
	uint64_t limit = PACKED_MAX;
	struct unw_bytes in;
	lzma_ret ret = LZMA_BUF_ERROR;
	size_t at, size, cap;
	uint8_t *image = NULL;

	if (!sh || unw_elf_load(e, sh, &in))
		return;
	for (cap = in.size * 8 + 4096; ret == LZMA_BUF_ERROR && cap <= PACKED_MAX; cap *= 4) {
		image = xrealloc(image, cap);
		at = size = 0;
		ret = lzma_stream_buffer_decode(&limit, 0, NULL, in.data, &at, in.size, image,
						&size, cap);
	}
	if (ret == LZMA_OK)
		add_image(t, image, size);
	free(image);
	free(in.data);
}

/* ---- all together ---- */

static int by_addr(const void *a, const void *b)
{
	const struct symtab_sym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return strcmp(x->name, y->name);
}

void symtab_read(struct symtab *t, const struct unw_elf *e)
{
	*t = (struct symtab){ 0 };
	add_file(t, e);
	add_packed(t, e);
	add_debug_file(t, e);
	if (t->cnt)
		qsort(t->sym, t->cnt, sizeof(*t->sym), by_addr);
}

void symtab_free(struct symtab *t)
{
	size_t i;

	for (i = 0; i < t->ntext; i++)
		free(t->text[i]);
	free(t->sym);
	free(t->absent);
	*t = (struct symtab){ 0 };
}

size_t symtab_from(const struct symtab *t, uint64_t addr)
{
	return t->cnt ? sorted_from(&t->sym->addr, t->cnt, sizeof(*t->sym), addr) : 0;
}
