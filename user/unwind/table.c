// SPDX-License-Identifier: BSD-2-Clause
/* See table.h. */
#include "unwind/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/elf.h"
#include "unwind/frames.h"
#include "unwind/gopcln.h"
#include "unwind/plt.h"
#include "unwind/spans.h"
#include "util/strbuf.h"

/* Code further apart than this is none that we know. */
#define CODE_MAX (4ull << 30)

static int told(struct strbuf *why, const char *what, int err)
{
	strbuf_set_f(why, "%s: %s", what, strerror(-err));
	return err;
}

/* The frame information that is loaded, found as the program itself would. */
static int load_eh_frame(const struct unw_elf *e, struct unw_bytes *out)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".eh_frame");
	struct unw_bytes hdr;
	uint64_t start;
	int err;

	*out = (struct unw_bytes){ 0 };
	if (sh && sh->sh_type != SHT_NOBITS)
		return unw_elf_load(e, sh, out);
	if (!e->eh_hdr || unw_elf_load_at(e, e->eh_hdr, 16, &hdr))
		return 0;
	start = unw_frames_start(&hdr);
	free(hdr.data);
	/* its end is not told; an absurd record is one */
	err = start ? unw_elf_load_at(e, start, UNW_ELF_PART_MAX, out) : 0;
	return err == -EINVAL ? 0 : err;
}

static int load_debug_frame(const struct unw_elf *e, struct unw_bytes *out)
{
	const Elf64_Shdr *sh = unw_elf_section(e, ".debug_frame");

	*out = (struct unw_bytes){ 0 };
	if (!sh)
		sh = unw_elf_section(e, ".zdebug_frame");
	if (!sh || sh->sh_type == SHT_NOBITS)
		return 0;
	return unw_elf_load(e, sh, out);
}

static int read_eh_frame(const struct unw_elf *e, struct unw_spans *spans)
{
	struct unw_bytes b;
	int err = load_eh_frame(e, &b);

	if (!err && b.size)
		err = unw_frames_read(&b, UNW_FROM_EH_FRAME, e, spans);
	free(b.data);
	return err;
}

static int read_debug_frame(const struct unw_elf *e, struct unw_spans *spans)
{
	struct unw_bytes b;
	int err = load_debug_frame(e, &b);

	if (!err && b.size)
		err = unw_frames_read(&b, UNW_FROM_DEBUG_FRAME, e, spans);
	free(b.data);
	return err;
}

/* All that the file tells. One source that cannot be read does not matter when another could be.
 * *go: code of Go is in it, but its table is not understood. */
static int read_all(const struct unw_elf *e, struct unw_spans *spans, bool *go, struct strbuf *why)
{
	const char *what = ".eh_frame";
	int err = read_eh_frame(e, spans), other;

	*go = false;
	if (unw_go_is(e) && err != -E2BIG) {
		other = unw_go_read(e, spans);
		*go = other && other != -E2BIG;
		if (other == -E2BIG) {
			err = other;
			what = ".gopclntab";
		}
	}
	/* Go's linker writes .debug_frame of its table */
	if (err != -E2BIG && (!unw_go_is(e) || *go)) {
		other = read_debug_frame(e, spans);
		if (other == -E2BIG || !err) {
			err = other;
			what = ".debug_frame";
		}
	}
	if (err && (err == -E2BIG || (!spans->nspan && !*go)))
		return told(why, what, err);
	return 0;
}

/* From the first to the last byte of code. False: there is none, or it is all over the place. */
static bool code_range(const struct unw_elf *e, uint64_t *start, uint64_t *end)
{
	size_t i;

	*start = UINT64_MAX;
	*end = 0;
	for (i = 0; i < e->nseg; i++) {
		const struct unw_seg *s = &e->seg[i];

		if (!s->exec)
			continue;
		if (s->addr < *start)
			*start = s->addr;
		if (s->addr + s->size > *end)
			*end = s->addr + s->size;
	}
	return *start < *end && *end - *start <= CODE_MAX;
}

static int read_table(const struct unw_elf *e, struct unwind_table *out, struct strbuf *why)
{
	struct unw_spans spans = { 0 };
	struct unw_gaps gaps = { .otherwise = { .cfa = UNW_BAD } };
	const struct unw_seg *seg = unw_elf_seg(e, e->entry);
	bool go;
	int err;

	if (!code_range(e, &gaps.start, &gaps.end)) {
		strbuf_set_f(why, "it has no code, or it is spread too far");
		return -ENODATA;
	}
	gaps.entry = seg && seg->exec ? e->entry : 0;
	gaps.is_program = e->program;
	err = read_all(e, &spans, &go, why);
	if (go)
		gaps.otherwise.cfa = UNW_FP;
	if (!err && !spans.nspan && !go) {
		strbuf_set_f(why, "it has no frame information");
		err = -ENODATA;
	}
	if (!err) {
		err = unw_plt_read(e, &spans);
		if (!err)
			err = unw_spans_table(&spans, &gaps, out);
		if (err)
			told(why, "frame information", err);
	}
	unw_spans_free(&spans);
	return err;
}

static int read_elf(struct unwind_table *out, int fd, const void *image, size_t size,
		    struct strbuf *why)
{
	struct unw_elf e;
	int err = unw_elf_open(&e, fd, image, size, why);

	*out = (struct unwind_table){ 0 };
	if (!err)
		err = read_table(&e, out, why);
	unw_elf_close(&e);
	if (err)
		unwind_table_free(out);
	return err;
}

int unwind_table_read(struct unwind_table *out, int fd, struct strbuf *why)
{
	if (fd < 0) {
		*out = (struct unwind_table){ 0 };
		return told(why, "file", -EBADF);
	}
	return read_elf(out, fd, NULL, 0, why);
}

int unwind_table_image(struct unwind_table *out, const void *image, size_t size, struct strbuf *why)
{
	return read_elf(out, -1, image, size, why);
}

void unwind_table_free(struct unwind_table *t)
{
	free(t->pc);
	free(t->rule);
	free(t->rules);
	*t = (struct unwind_table){ 0 };
}

const struct unw_rule *unwind_table_find(const struct unwind_table *t, uint64_t pc)
{
	size_t lo = 0, hi = t->nrow, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (t->pc[mid] <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &t->rules[t->rule[lo - 1]] : NULL;
}
