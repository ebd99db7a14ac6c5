// SPDX-License-Identifier: BSD-2-Clause
/* See head.h. */
#include "space/head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/elf.h"
#include "util/strbuf.h"

#define PAGE 4096u
#define NOTES_MAX 65536u /* bytes of a section of them */

/* A note: sizes of name and content, type, then both, each filled up to four bytes. */
static void look_at_notes(struct elf_head *h, const struct unw_bytes *b)
{
	size_t at = 0, name, desc;
	Elf64_Nhdr n;

	while (at + sizeof(n) <= b->size) {
		memcpy(&n, b->data + at, sizeof(n));
		name = at + sizeof(n);
		desc = name + (((size_t)n.n_namesz + 3) & ~(size_t)3);
		at = desc + (((size_t)n.n_descsz + 3) & ~(size_t)3);
		if (desc + n.n_descsz > b->size || n.n_namesz > b->size)
			return;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && n.n_descsz &&
		    n.n_descsz <= HEAD_BUILD_ID && !memcmp(b->data + name, "GNU", 4)) {
			h->nbuild = (uint8_t)n.n_descsz;
			memcpy(h->build_id, b->data + desc, h->nbuild);
			return;
		}
	}
}

static void find_build_id(struct elf_head *h, const struct unw_elf *e)
{
	struct unw_bytes b;
	size_t i;

	for (i = 0; i < e->nsh && !h->nbuild; i++) {
		if (e->sh[i].sh_type != SHT_NOTE || e->sh[i].sh_size > NOTES_MAX)
			continue;
		b = (struct unw_bytes){ 0 };
		if (!unw_elf_load(e, &e->sh[i], &b))
			look_at_notes(h, &b);
		free(b.data);
	}
}

static int read_head(struct elf_head *h, int fd, const void *image, size_t size)
{
	struct strbuf why = STRBUF_INIT;
	struct unw_elf e;
	size_t i;
	int err;

	memset(h, 0, sizeof(*h));
	err = unw_elf_open(&e, fd, image, size, &why);
	for (i = 0; !err && i < e.nseg && h->nseg < HEAD_SEGS; i++) {
		if (!e.seg[i].exec)
			continue;
		h->seg[h->nseg].off = e.seg[i].off;
		h->seg[h->nseg].size = e.seg[i].size;
		h->seg[h->nseg++].addr = e.seg[i].addr;
	}
	if (!err)
		find_build_id(h, &e);
	unw_elf_close(&e);
	strbuf_free(&why);
	return err;
}

int elf_head_read(struct elf_head *h, int fd)
{
	return read_head(h, fd, NULL, 0);
}

int elf_head_image(struct elf_head *h, const void *image, size_t size)
{
	return read_head(h, -1, image, size);
}

/* Mappings begin at pages, so a little before what the file asks for. */
uint64_t elf_head_addr(const struct elf_head *h, uint64_t off)
{
	unsigned i;

	for (i = 0; i < h->nseg; i++)
		if (off >= (h->seg[i].off & ~(uint64_t)(PAGE - 1)) &&
		    off < h->seg[i].off + h->seg[i].size)
			return h->seg[i].addr + (off - h->seg[i].off);
	return off;
}
