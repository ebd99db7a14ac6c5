// SPDX-License-Identifier: BSD-2-Clause
/* See jitdump.h. */
#include "symbol/jitdump.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/segs.h"
#include "symbol/strpool.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define JIT_MAGIC 0x4a695444u /* "JiTD" */

/* Longer code comes from damaged records alone. */
#define CODE_MAX (256u << 20)
/*
 * V8 counts the addresses of lines from the begin of an ELF file that is to be made of the code
 * (its kElfHeaderSize), others from the begin of the code. A dump without any line below is V8's.
 */
#define V8_BIAS 0x40

enum record { CODE_LOAD = 0, CODE_MOVE = 1, CODE_DEBUG_INFO = 2 };

struct head {
	uint32_t magic, version, total_size, elf_mach, pad1, pid;
	uint64_t timestamp, flags;
};

struct record_head {
	uint32_t id, total_size;
	uint64_t timestamp;
};

struct code_load { /* behind it: name, code */
	uint32_t pid, tid;
	uint64_t vma, code_addr, code_size, code_index;
};

struct code_move {
	uint32_t pid, tid;
	uint64_t vma, old_code_addr, new_code_addr, code_size, code_index;
};

struct debug_info { /* behind it: entries */
	uint64_t code_addr, nr_entry;
};

struct debug_entry { /* behind it: file name */
	uint64_t code_addr;
	uint32_t line, discrim;
};

struct line {
	uint64_t off; /* from the begin of the code */
	const char *file;
	uint32_t line;
};

struct code {
	const char *name;
	uint64_t addr;
	size_t line, nline; /* of the lines below */
};

struct jitdump {
	struct strpool strings;
	struct code *code;
	size_t ncode, code_cap;
	struct line *line;
	size_t nline, line_cap;
	struct span *span;
	size_t span_cap;
	struct segs segs;	/* ids are indices of code */
	struct u64map by_index; /* code_index + 1 → index of code + 1 */
	/* lines that were told and wait for their code */
	uint64_t wait_addr;
	size_t wait_line, wait_nline;
	uint64_t bias; /* to be taken off the offsets of all lines */
};

struct cursor {
	const uint8_t *p;
	size_t left;
};

static bool take(struct cursor *c, void *out, size_t len)
{
	if (len > c->left)
		return false;
	memcpy(out, c->p, len);
	c->p += len;
	c->left -= len;
	return true;
}

static const char *take_string(struct cursor *c)
{
	const char *s = (const char *)c->p;
	const uint8_t *end = c->left ? memchr(c->p, '\0', c->left) : NULL;

	if (!end)
		return NULL;
	c->left -= (size_t)(end + 1 - c->p);
	c->p = end + 1;
	return s;
}

static void add_code(struct jitdump *d, const struct code *code, uint64_t size, uint64_t index)
{
	if (code->addr + size < code->addr || d->ncode >= SEG_NONE)
		return;
	d->code = xgrow(d->code, d->ncode, &d->code_cap, sizeof(*d->code));
	d->span = xgrow(d->span, d->ncode, &d->span_cap, sizeof(*d->span));
	d->code[d->ncode] = *code;
	d->span[d->ncode] = (struct span){ code->addr, code->addr + size, (uint32_t)d->ncode,
					   (uint32_t)d->ncode };
	d->ncode++;
	if (index != UINT64_MAX)
		*u64map_put(&d->by_index, index + 1, NULL) = d->ncode;
}

static void on_load(struct jitdump *d, struct cursor *c)
{
	struct code code = { 0 };
	struct code_load l;
	const char *name;

	if (!take(c, &l, sizeof(l)) || !(name = take_string(c)) || !*name)
		return;
	code.name = strpool_add(&d->strings, name);
	code.addr = l.code_addr;
	if (d->wait_nline && d->wait_addr == l.code_addr) {
		code.line = d->wait_line;
		code.nline = d->wait_nline;
	}
	d->wait_nline = 0;
	add_code(d, &code, l.code_size, l.code_index);
}

static void on_move(struct jitdump *d, struct cursor *c)
{
	const uint64_t *index;
	struct code_move m;
	struct code code;

	if (!take(c, &m, sizeof(m)) || m.code_index == UINT64_MAX ||
	    !(index = u64map_get(&d->by_index, m.code_index + 1)))
		return;
	code = d->code[*index - 1];
	code.addr = m.new_code_addr;
	add_code(d, &code, m.code_size, m.code_index);
}

static int by_off(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* V8 writes names of files from memory that it has freed. */
static bool plausible(const char *name)
{
	if (!strcmp(name, "\xff"))
		return true;
	for (; *name; name++)
		if ((unsigned char)*name < ' ' || (unsigned char)*name >= 0xf8)
			return false;
	return true;
}

static void on_debug_info(struct jitdump *d, struct cursor *c)
{
	const char *name, *file = NULL;
	struct debug_entry e;
	struct debug_info i;

	if (!take(c, &i, sizeof(i)))
		return;
	d->wait_addr = i.code_addr;
	d->wait_line = d->nline;
	for (; i.nr_entry && take(c, &e, sizeof(e)) && (name = take_string(c)); i.nr_entry--) {
		if (e.code_addr - i.code_addr > CODE_MAX || !plausible(name))
			break;
		if (strcmp(name, "\xff") != 0) /* else: the file of the entry before */
			file = *name ? strpool_add(&d->strings, name) : NULL;
		d->line = xgrow(d->line, d->nline, &d->line_cap, sizeof(*d->line));
		d->line[d->nline++] = (struct line){ e.code_addr - i.code_addr, file, e.line };
	}
	if (i.nr_entry) /* not what it says: nothing of it */
		d->nline = d->wait_line;
	d->wait_nline = d->nline - d->wait_line;
	if (d->wait_nline)
		qsort(d->line + d->wait_line, d->wait_nline, sizeof(*d->line), by_off);
}

static void find_bias(struct jitdump *d)
{
	size_t i;

	for (i = 0; i < d->nline && d->line[i].off >= V8_BIAS; i++)
		;
	d->bias = d->nline && i == d->nline ? V8_BIAS : 0;
}

static void read_records(struct jitdump *d, struct cursor all)
{
	struct record_head h;

	while (take(&all, &h, sizeof(h))) {
		struct cursor c = { all.p, h.total_size - sizeof(h) };

		if (h.total_size < sizeof(h) || c.left > all.left)
			break;
		all.p += c.left;
		all.left -= c.left;
		if (h.id == CODE_LOAD)
			on_load(d, &c);
		else if (h.id == CODE_MOVE)
			on_move(d, &c);
		else if (h.id == CODE_DEBUG_INFO)
			on_debug_info(d, &c);
	}
}

struct jitdump *jitdump__new(const uint8_t *data, size_t len)
{
	struct cursor all = { data, len };
	struct jitdump *d;
	struct head h;

	if (!take(&all, &h, sizeof(h)) || h.magic != JIT_MAGIC || h.total_size < sizeof(h) ||
	    h.total_size - sizeof(h) > all.left)
		return NULL;
	all.p += h.total_size - sizeof(h);
	all.left -= h.total_size - sizeof(h);
	d = xcalloc(1, sizeof(*d));
	read_records(d, all);
	find_bias(d);
	segs_build(&d->segs, d->span, d->ncode);
	free(d->span);
	d->span = NULL;
	return d;
}

void jitdump__free(struct jitdump *d)
{
	if (!d)
		return;
	strpool_free(&d->strings);
	u64map_free(&d->by_index);
	segs_free(&d->segs);
	free(d->code);
	free(d->line);
	free(d->span);
	free(d);
}

size_t jitdump__find(const struct jitdump *d, uint64_t addr, struct sym_loc *out)
{
	uint32_t id = segs_find(&d->segs, addr);
	const struct code *code;
	size_t i;

	if (id == SEG_NONE)
		return 0;
	code = &d->code[id];
	*out = (struct sym_loc){ .func = code->name };
	for (i = 0; i < code->nline; i++) {
		const struct line *l = &d->line[code->line + i];

		if (l->off - d->bias > addr - code->addr)
			break;
		out->file = l->file;
		out->line = l->line;
	}
	return 1;
}
