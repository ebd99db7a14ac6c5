// SPDX-License-Identifier: BSD-2-Clause
/* See debugfile.h. */
#include "symbol/debugfile.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <linux/openat2.h>
#include <lzma.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "util/env.h"
#include "util/strbuf.h"

/* What .gnu_debugdata may unpack to; that of a 100 MB program is some megabytes. */
#define MINI_MAX (256u << 20)

/* ---- files ---- */

int elf_file_open(struct elf_file *f, int fd)
{
	*f = (struct elf_file){ .fd = fd };
	elf_version(EV_CURRENT); /* the library does nothing before it */
	f->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (f->elf && elf_kind(f->elf) == ELF_K_ELF)
		return 0;
	elf_file_close(f);
	return -ENOEXEC;
}

void elf_file_close(struct elf_file *f)
{
	elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	free(f->image);
	*f = ELF_FILE_NONE;
}

int open_in_root(int root_fd, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct stat st;
	int fd;

	fd = root_fd < 0 ? open(path, (int)how.flags) :
			   (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) { /* no device, no pipe */
		close(fd);
		errno = EINVAL;
		fd = -1;
	}
	return fd;
}

struct build_id elf_build_id(Elf *elf)
{
	struct build_id id = { .len = 0 };
	const void *bits;
	ssize_t n = dwelf_elf_gnu_build_id(elf, &bits);

	if (n > 0 && n <= BUILD_ID_MAX) {
		memcpy(id.byte, bits, (size_t)n);
		id.len = (size_t)n;
	}
	return id;
}

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return a->len == b->len && !memcmp(a->byte, b->byte, a->len);
}

static Elf_Scn *section(Elf *elf, const char *want)
{
	Elf_Scn *scn = NULL;
	const char *name;
	GElf_Shdr sh;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type != SHT_NOBITS && sh.sh_size &&
		    (name = elf_strptr(elf, names, sh.sh_name)) && !strcmp(name, want))
			return scn;
	return NULL;
}

bool elf_has(Elf *elf, const char *name)
{
	return section(elf, name) != NULL;
}

/* ---- separate debug files ---- */

struct want {
	struct build_id id; /* len 0: unknown */
	bool check_crc;
	uint32_t crc;
	const struct stat * not ; /* the file itself */
};

static bool crc_is(int fd, uint32_t want)
{
	static unsigned char buf[1 << 16];
	uLong crc = crc32(0, NULL, 0);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), at)) > 0) {
		crc = crc32(crc, buf, (uInt)n);
		at += n;
	}
	return !n && (uint32_t)crc == want;
}

/* Takes the file when it is the one; a build-id on both sides decides, else the checksum. */
static bool try_file(int root_fd, const char *path, const struct want *w, struct elf_file *out)
{
	int fd = open_in_root(root_fd, path);
	struct build_id id;
	struct stat st;

	if (fd < 0)
		return false;
	if (w->not &&!fstat(fd, &st) && st.st_ino == w->not ->st_ino &&
	    st.st_dev == w->not ->st_dev) {
		close(fd);
		return false;
	}
	if (elf_file_open(out, fd))
		return false;
	id = elf_build_id(out->elf);
	if (id.len && w->id.len ? build_id_equal(&id, &w->id) : w->check_crc && crc_is(fd, w->crc))
		return true;
	elf_file_close(out);
	return false;
}

static bool try_roots(const struct debug_search *s, const char *path, const struct want *w,
		      struct elf_file *out)
{
	if (s->root_fd >= 0 && try_file(s->root_fd, path, w, out))
		return true;
	return try_file(-1, path, w, out);
}

static void add_hex(struct strbuf *sb, const uint8_t *p, size_t n)
{
	while (n--)
		strbuf_addf(sb, "%02x", *p++);
}

static bool by_build_id(const struct debug_search *s, const struct want *w, struct elf_file *out)
{
	struct strbuf path = STRBUF_INIT;
	bool found;

	if (w->id.len < 2)
		return false;
	strbuf_addf(&path, "/usr/lib/debug/.build-id/%02x/", w->id.byte[0]);
	add_hex(&path, w->id.byte + 1, w->id.len - 1);
	strbuf_addstr(&path, ".debug");
	found = try_roots(s, path.buf, w, out);
	strbuf_free(&path);
	return found;
}

/* debuginfod-find(1): $DEBUGINFOD_CACHE_PATH, else a directory of the user's cache. */
static void cache_dir(struct strbuf *dir)
{
	const char *set = getenv(ENV_DEBUGINFOD_CACHE), *xdg = getenv(ENV_XDG_CACHE);
	struct passwd *pw;

	if (set && *set) {
		strbuf_addstr(dir, set);
	} else if (xdg && *xdg) {
		strbuf_addf(dir, "%s/debuginfod_client", xdg);
	} else if ((pw = getpwuid(getuid())) && pw->pw_dir) {
		/* not $HOME: under sudo that is another one's */
		strbuf_addf(dir, "%s/.cache/debuginfod_client", pw->pw_dir);
	}
}

static bool by_debuginfod(const struct want *w, struct elf_file *out)
{
	struct strbuf path = STRBUF_INIT;
	bool found = false;

	if (!w->id.len)
		return false;
	cache_dir(&path);
	if (path.len) {
		strbuf_addch(&path, '/');
		add_hex(&path, w->id.byte, w->id.len);
		strbuf_addstr(&path, "/debuginfo");
		found = try_file(-1, path.buf, w, out);
	}
	strbuf_free(&path);
	return found;
}

/* Length of the directory in a path, with its last '/'. */
static int dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash + 1 - path) : 0;
}

static bool by_debuglink(const struct debug_search *s, Elf *elf, const struct want *w,
			 struct elf_file *out)
{
	struct strbuf path = STRBUF_INIT;
	struct want link = *w;
	const char *name;
	GElf_Word crc;
	bool found = false;
	size_t i;

	name = dwelf_elf_gnu_debuglink(elf, &crc);
	if (!name || !*name || strchr(name, '/') || !s->path)
		return false;
	link.check_crc = true;
	link.crc = crc;
	for (i = 0; i < 3 && !found; i++) {
		strbuf_set_f(&path, "%s%.*s%s%s", i == 2 ? "/usr/lib/debug" : "", dir_len(s->path),
			     s->path, i == 1 ? ".debug/" : "", name);
		found = try_roots(s, path.buf, &link, out);
	}
	strbuf_free(&path);
	return found;
}

bool debugfile_find(const struct debug_search *s, Elf *elf, struct elf_file *out)
{
	struct want w = { .id = elf_build_id(elf) };

	return by_build_id(s, &w, out) || by_debuglink(s, elf, &w, out) || by_debuginfod(&w, out);
}

/* ---- dwz ---- */

bool debugfile_alt(const struct debug_search *s, Dwarf *dw, struct elf_file *out)
{
	struct strbuf path = STRBUF_INIT;
	struct want w = { .check_crc = false };
	const void *id;
	const char *name;
	ssize_t n = dwelf_dwarf_gnu_debugaltlink(dw, &name, &id);
	bool found;

	if (n <= 0 || n > BUILD_ID_MAX || !name || !*name)
		return false;
	memcpy(w.id.byte, id, (size_t)n);
	w.id.len = (size_t)n;
	if (*name == '/')
		strbuf_addstr(&path, name);
	else if (s->path)
		strbuf_addf(&path, "%.*s%s", dir_len(s->path), s->path, name);
	found = (path.len && try_roots(s, path.buf, &w, out)) || by_build_id(s, &w, out);
	if (!found && *name != '/') {
		/* relative to the debug file, which Debian has below .build-id or .dwz */
		strbuf_set_f(&path, "/usr/lib/debug/.build-id/00/%s", name);
		found = try_roots(s, path.buf, &w, out);
	}
	if (!found)
		found = by_debuginfod(&w, out);
	strbuf_free(&path);
	return found;
}

/* ---- .gnu_debugdata ---- */

static bool unxz(const uint8_t *in, size_t in_len, char **image, size_t *len)
{
	lzma_stream x = LZMA_STREAM_INIT;
	size_t cap = in_len * 4 + 65536;
	lzma_ret ret = LZMA_OK;
	char *p = NULL, *more;

	if (lzma_stream_decoder(&x, MINI_MAX, LZMA_CONCATENATED) != LZMA_OK)
		return false;
	x.next_in = in;
	x.avail_in = in_len;
	for (; ret == LZMA_OK && cap <= MINI_MAX; cap *= 2) {
		more = realloc(p, cap);
		if (!more)
			break;
		p = more;
		x.next_out = (uint8_t *)p + x.total_out;
		x.avail_out = cap - x.total_out;
		ret = lzma_code(&x, LZMA_FINISH);
	}
	*len = x.total_out;
	lzma_end(&x);
	if (ret == LZMA_STREAM_END) {
		*image = p;
		return true;
	}
	free(p);
	return false;
}

bool debugfile_mini(Elf *elf, struct elf_file *out)
{
	Elf_Scn *scn = section(elf, ".gnu_debugdata");
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	size_t len;
	char *image;

	if (!data || !data->d_buf || !unxz(data->d_buf, data->d_size, &image, &len))
		return false;
	*out = (struct elf_file){ .fd = -1, .image = image };
	out->elf = elf_memory(image, len);
	if (out->elf && elf_kind(out->elf) == ELF_K_ELF)
		return true;
	elf_file_close(out);
	return false;
}
