// SPDX-License-Identifier: BSD-2-Clause
/* See gobuild.h. Format of .go.buildinfo: Go's src/debug/buildinfo/buildinfo.go. */
#include "annot/gobuild.h"

#include <stdlib.h>
#include <string.h>

#include "unwind/cursor.h"
#include "util/strbuf.h"

#define PTR_SIZE_AT 14
#define FLAGS_AT 15
#define POINTERS_AT 16
#define STRINGS_AT 32
#define FLAG_BIG_ENDIAN 1
#define FLAG_STRINGS 2 /* the strings are here, not pointed at; 1.18 and newer */
#define VERSION_MAX 256

#define FIRST_MINOR 22

/* Of src/runtime/runtime2.go, by each version's compiler. */
static const struct offsets {
	uint32_t goid, startpc, curg;
} offsets[] = {
	{ 152, 296, 192 }, /* 1.22 */
	{ 160, 304, 192 }, /* 1.23 */
	{ 160, 304, 192 }, /* 1.24 */
	{ 152, 296, 184 }, /* 1.25 */
	{ 152, 304, 184 }, /* 1.26 */
};
#define LAST_MINOR (FIRST_MINOR + (int)(sizeof(offsets) / sizeof(*offsets)) - 1)

/* "go1.22.12", "go1.26rc1", "go1.24 X:…"; not "devel go1.27-…", which may be anything. */
static int parse_minor(const char *s, size_t n)
{
	int minor = 0;
	size_t i;

	if (n < 5 || memcmp(s, "go1.", 4))
		return -1;
	for (i = 4; i < n && i < 8 && s[i] >= '0' && s[i] <= '9'; i++)
		minor = minor * 10 + (s[i] - '0');
	return i > 4 && minor ? minor : -1;
}

static bool is_info(const struct unw_bytes *b)
{
	return b->size >= STRINGS_AT && !memcmp(b->data, "\xff Go buildinf:", 14);
}

/* The version's text in the section itself; NULL: it is not there. */
static const char *text_inside(const struct unw_bytes *b, size_t *len)
{
	const uint8_t *s = NULL;
	struct cursor c;
	uint64_t n = 0;

	if (is_info(b) && b->data[FLAGS_AT] & FLAG_STRINGS) {
		c = cursor_of(b->data + STRINGS_AT, b->size - STRINGS_AT);
		n = cursor_uleb(&c);
		s = cursor_take(&c, n);
	}
	*len = s ? n : 0;
	return (const char *)s;
}

int go_build_minor(const struct unw_elf *e)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".go.buildinfo");
	struct unw_bytes b;
	const char *s;
	size_t n;
	int minor = -1;

	if (!sh)
		return 0;
	if (unw_elf_load(e, sh, &b))
		return -1;
	s = text_inside(&b, &n);
	if (s)
		minor = parse_minor(s, n);
	free(b.data);
	return minor;
}

/* Two words of the file's memory: of a string where it is, and how long. */
static bool read_words(const struct unw_elf *e, uint64_t addr, uint64_t word[2])
{
	struct unw_bytes b;
	bool fine;

	if (unw_elf_load_at(e, addr, 16, &b))
		return false;
	fine = b.size == 16;
	if (fine)
		memcpy(word, b.data, 16);
	free(b.data);
	return fine;
}

/* Older ones have the address of a Go string there. Of a PIE it stands in the file as well: Go's
 * own linker writes it beside the relocation. */
static void add_pointed(const struct unw_elf *e, const struct unw_bytes *info, struct strbuf *out)
{
	uint64_t at, string[2];
	struct unw_bytes text;

	if (info->data[PTR_SIZE_AT] != 8 || info->data[FLAGS_AT] & FLAG_BIG_ENDIAN)
		return;
	memcpy(&at, info->data + POINTERS_AT, sizeof(at));
	if (!read_words(e, at, string) || !string[1] || string[1] > VERSION_MAX ||
	    unw_elf_load_at(e, string[0], string[1], &text))
		return;
	if (text.size == string[1])
		strbuf_add(out, text.data, text.size);
	free(text.data);
}

bool go_build_version(const struct unw_elf *e, struct strbuf *out)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".go.buildinfo");
	struct unw_bytes b;
	const char *s;
	size_t n;

	if (!sh)
		return false;
	if (unw_elf_load(e, sh, &b))
		return true;
	s = text_inside(&b, &n);
	if (s && n <= VERSION_MAX)
		strbuf_add(out, s, n);
	else if (!s && is_info(&b))
		add_pointed(e, &b, out);
	free(b.data);
	return true;
}

bool go_build_known(int minor, struct strbuf *why)
{
	if (minor >= FIRST_MINOR && minor <= LAST_MINOR)
		return true;
	if (minor < 0)
		strbuf_set_f(why, "it does not say which release of Go built it");
	else
		strbuf_set_f(why, "Go 1.%d is not known", minor);
	strbuf_addf(why, ": annotations can be seen of programs that Go 1.%d to 1.%d built",
		    FIRST_MINOR, LAST_MINOR);
	return false;
}

void go_build_offsets(int minor, struct ct_go *go)
{
	const struct offsets *o = &offsets[minor - FIRST_MINOR];

	go->g_goid = o->goid;
	go->g_startpc = o->startpc;
	go->m_curg = o->curg;
}
