// SPDX-License-Identifier: BSD-2-Clause
/* See facts.h. */
#include "bpf/event.h" /* before <elf.h>, which has an EV_NONE too */

#include "gops/facts.h"

#include <stdlib.h>
#include <string.h>

#include "annot/gobuild.h"
#include "annot/gofind.h"
#include "annot/notes.h"
#include "unwind/elf.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define NAMES_MAX (64u << 20) /* of .dynstr: node's has 5 MB */
#define COMMENT_MAX 65536u
#define CHUNK (1u << 20)

/* Takes what a version may be made of. */
static void take_version(char out[FACTS_VERSION_MAX], const char *s, size_t left)
{
	static const char fine[] =
		"0123456789.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+_-";
	size_t n = 0;

	while (n < left && n < FACTS_VERSION_MAX - 1 && s[n] && strchr(fine, s[n]))
		n++;
	memcpy(out, s, n);
	out[n] = 0;
}

/* As gops shortens it: what is no release is called by its commit, "devel +b7a85e0003". */
static void take_go(char out[FACTS_VERSION_MAX], const struct strbuf *said)
{
	static const char devel[] = "devel ";
	const size_t n = sizeof(devel) - 1;

	if (!strncmp(said->buf, devel, n)) {
		take_version(out, said->buf + n, said->len - n);
		memmove(out + n, out, FACTS_VERSION_MAX - n);
		memcpy(out, devel, n);
		out[FACTS_VERSION_MAX - 1] = 0;
	} else {
		take_version(out, said->buf, said->len);
	}
	if (!*out)
		memcpy(out, "go", sizeof("go"));
}

/* The section's bytes; false: there is none, or too much of it. Nobody has to free them then. */
static bool load(const struct unw_elf *e, const char *name, size_t max, struct unw_bytes *b)
{
	const Elf64_Shdr *sh = unw_elf_section(e, name);

	return sh && sh->sh_type != SHT_NOBITS && sh->sh_size && sh->sh_size <= max &&
	       !unw_elf_load(e, sh, b);
}

/* ---- what it needs and offers ---- */

static bool has_name(const struct unw_bytes *names, const char *name, size_t n)
{
	return memmem(names->data, names->size, name, n) != NULL;
}
#define HAS_NAME(names, text) has_name(names, "\0" text, sizeof("\0" text))

static void read_names(struct facts *f, const struct unw_elf *e)
{
	struct unw_bytes names;

	if (!load(e, ".dynstr", NAMES_MAX, &names))
		return;
	f->cxx = HAS_NAME(&names, "libstdc++.so.6") || HAS_NAME(&names, "libc++.so.1");
	if (HAS_NAME(&names, "Py_Main") && HAS_NAME(&names, "Py_Initialize"))
		f->holds |= FACTS_PYTHON;
	if (HAS_NAME(&names, "ruby_init") && HAS_NAME(&names, "ruby_run_node"))
		f->holds |= FACTS_RUBY;
	if (HAS_NAME(&names, "perl_alloc") && HAS_NAME(&names, "perl_run"))
		f->holds |= FACTS_PERL;
	if (HAS_NAME(&names, "node_module_register"))
		f->holds |= FACTS_NODE;
	free(names.data);
}

/* Each compiler adds a text of its own: "rustc version 1.63.0 (…)". */
static void read_comment(struct facts *f, const struct unw_elf *e)
{
	static const char rustc[] = "rustc version ";
	struct unw_bytes b;
	const char *at;

	if (!load(e, ".comment", COMMENT_MAX, &b))
		return;
	at = memmem(b.data, b.size, rustc, sizeof(rustc) - 1);
	if (at) {
		at += sizeof(rustc) - 1;
		take_version(f->rust, at, (size_t)((const char *)b.data + b.size - at));
	}
	free(b.data);
}

/*
 * Where node's own headers can be had (process.release.headersUrl) is a text in it:
 * "https://nodejs.org/download/release/v20.11.0/node-v20.11.0-headers.tar.gz".
 */
static bool find_node(struct facts *f, const char *data, size_t n)
{
	static const char begin[] = "/node-v", end[] = "-headers.tar.gz";
	const char *at = data, *stop = data + n;
	size_t len;

	while ((at = memmem(at, (size_t)(stop - at), begin, sizeof(begin) - 1))) {
		at += sizeof(begin) - 1;
		for (len = 0; at + len < stop && strchr("0123456789.", at[len]) && at[len]; len++)
			;
		if (len && len < FACTS_VERSION_MAX &&
		    (size_t)(stop - at) >= len + sizeof(end) - 1 &&
		    !memcmp(at + len, end, sizeof(end) - 1)) {
			take_version(f->node, at, len);
			return true;
		}
	}
	return false;
}

static void read_node(struct facts *f, const struct unw_elf *e)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".rodata");
	size_t kept = 0, want;
	uint64_t off;
	char *buf;

	if (!sh || sh->sh_type == SHT_NOBITS || unw_elf_spend(e, sh->sh_size))
		return;
	buf = xmalloc(CHUNK + 256);
	for (off = 0; off < sh->sh_size; off += want) {
		want = sh->sh_size - off < CHUNK ? (size_t)(sh->sh_size - off) : CHUNK;
		if (unw_elf_read(e, sh->sh_offset + off, buf + kept, want) ||
		    find_node(f, buf, kept + want))
			break;
		/* the text may lie across the end */
		if (kept + want > 256) {
			memmove(buf, buf + kept + want - 256, 256);
			kept = 256;
		} else {
			kept += want;
		}
	}
	free(buf);
}

void facts_read(struct facts *f, int fd)
{
	struct strbuf why = STRBUF_INIT, go = STRBUF_INIT;
	struct unw_elf e;

	*f = (struct facts){ 0 };
	if (!unw_elf_open(&e, fd, NULL, 0, &why)) {
		f->elf = true;
		if (go_build_version(&e, &go)) {
			take_go(f->go, &go);
		} else {
			read_names(f, &e);
			read_comment(f, &e);
		}
		if (f->holds & FACTS_NODE)
			read_node(f, &e);
	}
	unw_elf_close(&e);
	strbuf_free(&go);
	strbuf_free(&why);
}

/* ---- markers ---- */

static bool has_notes_of_ours(int fd)
{
	struct strbuf why = STRBUF_INIT;
	struct notes n;
	bool found = false;
	size_t i;

	if (!notes_read(&n, fd, &why))
		for (i = 0; i < n.cnt && !found; i++)
			found = note_is_ours(&n.note[i]) > 0;
	notes_free(&n);
	strbuf_free(&why);
	return found;
}

static bool has_go_sites(int fd)
{
	struct strbuf why = STRBUF_INIT;
	struct go_sites s;
	bool found = !go_sites_find(&s, fd, &why) && s.cnt;

	go_sites_free(&s);
	strbuf_free(&why);
	return found;
}

bool facts_marked(int fd)
{
	return has_notes_of_ours(fd) || has_go_sites(fd);
}
