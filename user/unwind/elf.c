// SPDX-License-Identifier: BSD-2-Clause
/* See elf.h. */
#include "unwind/elf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "util/strbuf.h"
#include "util/xalloc.h"

#define PHDRS_MAX 4096
#define SHDRS_MAX (1u << 20) /* a sparse file may claim any number */
#define NAMES_MAX (16ull << 20)
#define SPARSE_MIN \
	(1u << 20) /* to ask where the holes are costs more than to read less than this */

int unw_elf_read(const struct unw_elf *e, uint64_t off, void *buf, size_t n)
{
	ssize_t got;

	if (off > e->size || n > e->size - off)
		return -EIO;
	if (e->fd < 0) {
		memcpy(buf, e->image + off, n);
		return 0;
	}
	while (n) {
		got = pread(e->fd, buf, n, (off_t)off);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return -EIO;
		buf = (char *)buf + got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int unw_elf_spend(const struct unw_elf *e, uint64_t n)
{
	uint64_t cost = n > UNW_ELF_WORK_MIN ? n : UNW_ELF_WORK_MIN;

	if (cost > *e->left) {
		*e->left = 0;
		return -E2BIG;
	}
	*e->left -= cost;
	return 0;
}

uint64_t unw_elf_data(const struct unw_elf *e, uint64_t off)
{
	off_t at;

	if (e->fd < 0 || off >= e->size)
		return off < e->size ? off : e->size;
	at = lseek(e->fd, (off_t)off, SEEK_DATA);
	if (at < 0)
		return errno == ENXIO ? e->size :
					off; /* a file system without holes tells nothing */
	return (uint64_t)at < e->size ? (uint64_t)at : e->size;
}

/* Where the next hole begins, at most `end`. */
static uint64_t data_end(const struct unw_elf *e, uint64_t off, uint64_t end)
{
	off_t at = lseek(e->fd, (off_t)off, SEEK_HOLE);

	return at > (off_t)off && (uint64_t)at < end ? (uint64_t)at : end;
}

/* Is the file still as long? What lies behind its end looks like a hole. */
static int check_length(const struct unw_elf *e, uint64_t end)
{
	struct stat st;

	return fstat(e->fd, &st) || (uint64_t)st.st_size < end ? -EIO : 0;
}

/* The same as unw_elf_read() into zeroed memory, which stays untouched where the file has holes. */
static int read_sparse(const struct unw_elf *e, uint64_t off, uint8_t *buf, uint64_t n)
{
	uint64_t end = off + n, at = off, to;
	int err = 0;

	if (e->fd < 0 || n < SPARSE_MIN)
		return unw_elf_read(e, off, buf, n);
	while (!err && (at = unw_elf_data(e, at)) < end) {
		to = data_end(e, at, end);
		err = unw_elf_read(e, at, buf + (at - off), to - at);
		at = to;
	}
	return err ? err : check_length(e, end);
}

static void add_segment(struct unw_elf *e, const Elf64_Phdr *ph, size_t *cap)
{
	uint64_t size = ph->p_filesz < ph->p_memsz ? ph->p_filesz : ph->p_memsz;

	if (ph->p_offset >= e->size)
		return;
	if (size > e->size - ph->p_offset)
		size = e->size - ph->p_offset;
	if (!size || ph->p_vaddr + size < size)
		return;
	e->seg = xgrow(e->seg, e->nseg, cap, sizeof(*e->seg));
	e->seg[e->nseg++] = (struct unw_seg){
		.addr = ph->p_vaddr,
		.off = ph->p_offset,
		.size = size,
		.exec = ph->p_flags & PF_X,
	};
}

/* A static PIE has neither a fixed address nor an interpreter, but a flag in its dynamic section. */
static bool is_pie(const struct unw_elf *e)
{
	size_t i, n = e->dyn_size / sizeof(Elf64_Dyn);
	Elf64_Dyn d;

	for (i = 0; i < n && i < 256; i++) {
		if (unw_elf_read(e, e->dyn_off + i * sizeof(d), &d, sizeof(d)) ||
		    d.d_tag == DT_NULL)
			return false;
		if (d.d_tag == DT_FLAGS_1)
			return d.d_un.d_val & DF_1_PIE;
	}
	return false;
}

static int read_segments(struct unw_elf *e, const Elf64_Ehdr *eh, struct strbuf *why)
{
	size_t i, cap = 0, n = eh->e_phnum;
	Elf64_Phdr *ph;
	int err;

	if (!n || n > PHDRS_MAX || eh->e_phentsize != sizeof(*ph)) {
		strbuf_set_f(why, "it has no program headers that could be read");
		return -ENOEXEC;
	}
	ph = xmalloc(n * sizeof(*ph));
	err = unw_elf_read(e, eh->e_phoff, ph, n * sizeof(*ph));
	if (err)
		strbuf_set_f(why, "its program headers: %s", strerror(-err));
	for (i = 0; !err && i < n; i++) {
		if (ph[i].p_type == PT_LOAD)
			add_segment(e, &ph[i], &cap);
		else if (ph[i].p_type == PT_GNU_EH_FRAME)
			e->eh_hdr = ph[i].p_vaddr;
		else if (ph[i].p_type == PT_INTERP)
			e->program = true;
		else if (ph[i].p_type == PT_DYNAMIC) {
			e->dyn_off = ph[i].p_offset;
			e->dyn_size = ph[i].p_filesz;
		}
	}
	e->program = e->program || eh->e_type == ET_EXEC || is_pie(e);
	free(ph);
	return err;
}

/* Section headers are for debuggers; a file whose are gone or absurd is taken without. */
static void read_sections(struct unw_elf *e, const Elf64_Ehdr *eh)
{
	uint64_t n = eh->e_shnum, str = eh->e_shstrndx;
	Elf64_Shdr first;

	if (!eh->e_shoff || eh->e_shentsize != sizeof(first) ||
	    unw_elf_read(e, eh->e_shoff, &first, sizeof(first)))
		return;
	if (!n)
		n = first.sh_size; /* more than fit in the field */
	if (str == SHN_XINDEX)
		str = first.sh_link;
	if (!n || n > SHDRS_MAX || n > (e->size - eh->e_shoff) / sizeof(first) || str >= n)
		return;
	e->sh = xmalloc(n * sizeof(*e->sh));
	if (unw_elf_read(e, eh->e_shoff, e->sh, n * sizeof(*e->sh)))
		return;
	e->names_sz = e->sh[str].sh_size;
	if (e->sh[str].sh_type != SHT_STRTAB || e->names_sz > NAMES_MAX || e->names_sz > e->size) {
		e->names_sz = 0;
		return;
	}
	e->names = xmalloc(e->names_sz + 1);
	e->names[e->names_sz] = '\0';
	if (!unw_elf_read(e, e->sh[str].sh_offset, e->names, e->names_sz))
		e->nsh = n;
}

int unw_elf_open(struct unw_elf *e, int fd, const void *image, size_t size, struct strbuf *why)
{
	struct stat st;
	Elf64_Ehdr eh;
	int err;

	*e = (struct unw_elf){ .fd = fd, .image = image, .size = size };
	e->left = xmalloc(sizeof(*e->left));
	*e->left = UNW_ELF_WORK_MAX;
	if (fd >= 0) {
		if (fstat(fd, &st)) {
			err = -errno;
			strbuf_set_f(why, "%s", strerror(-err));
			return err;
		}
		e->size = S_ISREG(st.st_mode) && st.st_size > 0 ? (uint64_t)st.st_size : 0;
	}
	err = e->size < sizeof(eh) ? -ENOEXEC : unw_elf_read(e, 0, &eh, sizeof(eh));
	if (err && err != -ENOEXEC) {
		strbuf_set_f(why, "%s", strerror(-err));
		return err;
	}
	if (err || memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (eh.e_machine != EM_X86_64 && eh.e_machine != EM_AARCH64))
		err = -ENOEXEC;
	else if (eh.e_machine == EM_AARCH64)
		read_sections(e, &eh);
	if (err || eh.e_machine != EM_X86_64) {
		strbuf_set_f(why, "it is no ELF file of x86-64");
		return -ENOEXEC;
	}
	e->entry = eh.e_entry;
	err = read_segments(e, &eh, why);
	if (!err)
		read_sections(e, &eh);
	return err;
}

void unw_elf_close(struct unw_elf *e)
{
	free(e->seg);
	free(e->sh);
	free(e->names);
	free(e->left);
	*e = (struct unw_elf){ .fd = -1 };
}

const Elf64_Shdr *unw_elf_section(const struct unw_elf *e, const char *name)
{
	size_t i;

	for (i = 0; i < e->nsh; i++)
		if (e->sh[i].sh_name < e->names_sz && !strcmp(e->names + e->sh[i].sh_name, name))
			return &e->sh[i];
	return NULL;
}

const struct unw_seg *unw_elf_seg(const struct unw_elf *e, uint64_t addr)
{
	size_t i;

	for (i = 0; i < e->nseg; i++)
		if (addr >= e->seg[i].addr && addr - e->seg[i].addr < e->seg[i].size)
			return &e->seg[i];
	return NULL;
}

static int load(const struct unw_elf *e, uint64_t off, uint64_t size, struct unw_bytes *out)
{
	int err;

	if (size > UNW_ELF_PART_MAX)
		return -E2BIG;
	if (off > e->size || size > e->size - off)
		return -EINVAL;
	err = unw_elf_spend(e, size);
	if (err)
		return err;
	out->data = xcalloc(1, size ? size : 1);
	out->size = size;
	err = read_sparse(e, off, out->data, size);
	if (err) {
		free(out->data);
		out->data = NULL;
	}
	return err;
}

/* Takes the place of what was compressed: a zlib stream behind `head` bytes that gives `size`. */
static int inflate_part(struct unw_bytes *b, size_t head, uint64_t size)
{
	uint64_t in = b->size - head;
	uLongf got = size;
	uint8_t *data;
	int ret;

	/* deflate does not get below 1/1032; so a lie about the size costs no more than the file */
	if (size > UNW_ELF_INFLATED_MAX)
		return -E2BIG;
	if (size > in * 1032 + 1032)
		return -EINVAL;
	data = xmalloc(size ? size : 1);
	ret = uncompress(data, &got, b->data + head, in);
	if (ret != Z_OK || got != size) {
		free(data);
		return -EINVAL;
	}
	free(b->data);
	b->data = data;
	b->size = size;
	return 0;
}

static int expand(struct unw_bytes *b, bool flagged)
{
	Elf64_Chdr ch;
	uint64_t size;

	if (flagged) {
		if (b->size < sizeof(ch))
			return -EINVAL;
		memcpy(&ch, b->data, sizeof(ch));
		if (ch.ch_type != ELFCOMPRESS_ZLIB)
			return -ENOTSUP;
		return inflate_part(b, sizeof(ch), ch.ch_size);
	}
	if (b->size < 12 || memcmp(b->data, "ZLIB", 4))
		return 0;
	memcpy(&size, b->data + 4, 8);
	return inflate_part(b, 12, __builtin_bswap64(size));
}

int unw_elf_load(const struct unw_elf *e, const Elf64_Shdr *sh, struct unw_bytes *out)
{
	int err;

	*out = (struct unw_bytes){ .addr = sh->sh_addr };
	if (sh->sh_type == SHT_NOBITS)
		return -EINVAL;
	err = load(e, sh->sh_offset, sh->sh_size, out);
	if (err)
		return err;
	err = expand(out, sh->sh_flags & SHF_COMPRESSED);
	if (err) {
		free(out->data);
		out->data = NULL;
	}
	return err;
}

int unw_elf_load_at(const struct unw_elf *e, uint64_t addr, uint64_t max, struct unw_bytes *out)
{
	const struct unw_seg *s = unw_elf_seg(e, addr);
	uint64_t room;

	*out = (struct unw_bytes){ .addr = addr };
	if (!s)
		return -EINVAL;
	room = s->size - (addr - s->addr);
	return load(e, s->off + (addr - s->addr), room < max ? room : max, out);
}
