// SPDX-License-Identifier: BSD-2-Clause
/* See notes.h. */
#include "annot/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "annot/decode.h"
#include "bpf/event.h"
#include "unwind/elf.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define SECTION_MAX (2u << 20) /* that of libjvm, which has the most, is 100 KB */
#define NOTES_MAX 4096
#define NOTE_TYPE 3
#define NOTE_OWNER "stapsdt"

/* ---- places ---- */

/* Where n bytes of an address are in the file; false: nowhere. */
static bool place_of(const struct unw_elf *e, uint64_t addr, uint64_t n, bool exec, uint64_t *off)
{
	const struct unw_seg *s = unw_elf_seg(e, addr);

	if (!s || s->exec != exec || s->size - (addr - s->addr) < n)
		return false;
	*off = s->off + (addr - s->addr);
	return true;
}

/* What the kernel may make a call: a nop that is five bytes long, in whichever form. */
static bool is_nop5(const struct unw_elf *e, uint64_t off)
{
	uint8_t code[5];
	struct insn in;

	return !unw_elf_read(e, off, code, sizeof(code)) &&
	       !insn_decode(&in, code, sizeof(code), 0) && in.nop && in.len == sizeof(code);
}

/* ---- one note ---- */

/* The string at *p, which moves behind it; NULL: it does not end. */
static const char *take_string(const char **p, const char *end)
{
	const char *s = *p, *nul = memchr(s, '\0', (size_t)(end - s));

	*p = nul ? nul + 1 : end;
	return nul ? s : NULL;
}

/* Of desc: three addresses, three strings. base: where .stapsdt.base is, 0 unknown. */
static bool read_desc(const struct unw_elf *e, const char *desc, size_t n, uint64_t base,
		      struct note *out)
{
	const char *at = desc + 3 * sizeof(uint64_t), *end = desc + n;
	uint64_t word[3], moved;

	if (n < sizeof(word))
		return false;
	memcpy(word, desc, sizeof(word));
	moved = base ? base - word[1] : 0;
	*out = (struct note){ .addr = word[0] + moved };
	out->provider = take_string(&at, end);
	out->name = out->provider ? take_string(&at, end) : NULL;
	out->args = out->name ? take_string(&at, end) : NULL;
	if (!out->args || !*out->provider || !*out->name)
		return false;
	if (!place_of(e, out->addr, 1, true, &out->offset))
		return false;
	/* the kernel counts in two bytes that are aligned, and so must they be */
	if (word[2] && (!place_of(e, word[2] + moved, 2, false, &out->semaphore) ||
			out->semaphore % 2 || !out->semaphore))
		return false;
	out->nop5 = is_nop5(e, out->offset);
	return true;
}

/* ---- a section of them ---- */

static size_t padded(uint32_t n)
{
	return ((size_t)n + 3) & ~(size_t)3;
}

static void read_section(const struct unw_elf *e, const char *text, size_t size, uint64_t base,
			 struct notes *out, size_t *cap)
{
	size_t at = 0, name, desc;
	struct note note;
	Elf64_Nhdr nh;

	while (size - at >= sizeof(nh)) {
		memcpy(&nh, text + at, sizeof(nh));
		name = at + sizeof(nh);
		if (padded(nh.n_namesz) > size - name) {
			out->bad++;
			return;
		}
		desc = name + padded(nh.n_namesz);
		if (nh.n_descsz > size - desc) {
			out->bad++;
			return;
		}
		/* the last one need not be padded */
		at = padded(nh.n_descsz) > size - desc ? size : desc + padded(nh.n_descsz);
		if (out->cnt == NOTES_MAX || nh.n_type != NOTE_TYPE ||
		    nh.n_namesz != sizeof(NOTE_OWNER) ||
		    memcmp(text + name, NOTE_OWNER, sizeof(NOTE_OWNER)) ||
		    !read_desc(e, text + desc, nh.n_descsz, base, &note)) {
			out->bad++;
			continue;
		}
		out->note = xgrow(out->note, out->cnt, cap, sizeof(*out->note));
		out->note[out->cnt++] = note;
	}
	out->bad += at < size;
}

static int read_file(const struct unw_elf *e, struct notes *out, struct strbuf *why)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".note.stapsdt");
	const Elf64_Shdr *base = unw_elf_section(e, ".stapsdt.base");
	size_t cap = 0;
	int err;

	if (!sh)
		return 0;
	if (sh->sh_type == SHT_NOBITS || sh->sh_flags & SHF_COMPRESSED ||
	    sh->sh_size > SECTION_MAX || sh->sh_size > e->size) {
		strbuf_set_f(why, "its section of markers cannot be read");
		return -EINVAL;
	}
	out->text = xmalloc(sh->sh_size + 1);
	err = unw_elf_read(e, sh->sh_offset, out->text, sh->sh_size);
	if (err) {
		strbuf_set_f(why, "its section of markers: %s", strerror(-err));
		return err;
	}
	read_section(e, out->text, sh->sh_size, base ? base->sh_addr : 0, out, &cap);
	return 0;
}

int notes_read(struct notes *out, int fd, struct strbuf *why)
{
	struct unw_elf e;
	int err;

	*out = (struct notes){ 0 };
	err = unw_elf_open(&e, fd, NULL, 0, why);
	if (err == -ENOEXEC) {
		strbuf_reset(why);
		err = 0;
	} else if (!err) {
		err = read_file(&e, out, why);
	}
	unw_elf_close(&e);
	return err;
}

void notes_free(struct notes *n)
{
	free(n->note);
	free(n->text);
	*n = (struct notes){ 0 };
}

/* ---- our own ---- */

int note_is_ours(const struct note *n)
{
	static const char args[] = "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9";
	static const char *const ours[] = {
		[EV_MARK_TASK_BEGIN] = "task_begin",
		[EV_MARK_TASK_END] = "task_end",
		[EV_MARK_REGION_BEGIN] = "region_begin",
		[EV_MARK_REGION_END] = "region_end",
		[EV_MARK_LOG] = "log",
	};
	int op;

	if (strcmp(n->provider, "ctrace"))
		return 0;
	for (op = EV_MARK_TASK_BEGIN; op < EV_MARK_OP_MAX; op++)
		if (!strcmp(n->name, ours[op]))
			return strcmp(n->args, args) ? -EINVAL : op;
	return 0;
}
