// SPDX-License-Identifier: BSD-2-Clause
/* See pieces.h. */
#include "annot/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "annot/codefile.h"
#include "annot/refuse.h"

#define ALIASES_MAX 64
#define BODY_MAX (4u << 20) /* bytes of code; the largest ones that compilers make are 300 KB */
#define NEIGHBOURS_MAX 8    /* symbols before an address that may hold it */

/* ---- by name ---- */

size_t pieces_part_of(const char *name)
{
	static const char *const marks[] = { ".cold", ".part." };
	const char *at;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		at = strstr(name, marks[i]);
		if (at && at > name)
			return (size_t)(at - name);
	}
	return 0;
}

/* Is this symbol a part of the function that begins at addr, by its name? */
static bool is_part_of(const struct symtab *t, const struct symtab_sym *part, uint64_t addr)
{
	size_t len = pieces_part_of(part->name), first, i;

	first = symtab_from(t, addr);
	for (i = first; len && i < t->cnt && i - first < ALIASES_MAX && t->sym[i].addr == addr; i++)
		if (!strncmp(t->sym[i].name, part->name, len) &&
		    strchr("@", t->sym[i].name[len])) /* its end, or its version */
			return true;
	return false;
}

/* The symbol that holds an address and calls itself a part of ours; NULL. */
static const struct symtab_sym *part_at(const struct insns *c, const struct codefile *f,
					uint64_t addr)
{
	size_t i, n = symtab_from(&f->syms, addr + 1);

	for (i = 0; i < NEIGHBOURS_MAX && i < n; i++) {
		const struct symtab_sym *s = &f->syms.sym[n - 1 - i];

		if (addr - s->addr < s->size && is_part_of(&f->syms, s, c->piece[0].start))
			return s;
	}
	return NULL;
}

/* Does a function with a name hold the address? */
static bool is_named(const struct codefile *f, uint64_t addr)
{
	size_t i, n = symtab_from(&f->syms, addr + 1);

	for (i = 0; i < NEIGHBOURS_MAX && i < n; i++)
		if (f->syms.sym[n - 1 - i].type == STT_FUNC &&
		    addr - f->syms.sym[n - 1 - i].addr < f->syms.sym[n - 1 - i].size)
			return true;
	return false;
}

/* ---- by what leads there ---- */

static int add_piece(struct insns *c, uint64_t start, uint64_t end, struct strbuf *why)
{
	size_t i;

	for (i = 0; i < c->npiece; i++)
		if (start < c->piece[i].end && c->piece[i].start < end)
			return refuse(why, "lies over another function");
	if (c->npiece == INSNS_PIECES_MAX || end - start > BODY_MAX)
		return refuse(why, "is too large");
	c->piece[c->npiece++] = (struct insns_piece){ start, end };
	return 0;
}

/*
 * A jump to where we know nothing yet. It leaves when only the return address is on the stack;
 * else the place that it goes to is a piece of the function: by name, or because the frame
 * information has an entry for it. A jump that is not always taken is hardly ever a call, but
 * goes to a piece whose name was stripped.
 */
static int follow(struct insns *c, const struct codefile *f, const struct insn *in,
		  struct strbuf *why)
{
	const struct symtab_sym *part = part_at(c, f, in->target);
	const struct unw_span *span;

	if (part)
		return add_piece(c, part->addr, part->addr + part->size, why);
	span = codefile_span(f, in->target);
	if (codefile_stack(f, in->addr) != CODEFILE_FRAME &&
	    (in->flow != INSN_COND || !span || is_named(f, in->target)))
		return 0;
	if (!span)
		return refuse(why, "jumps to a place of which nothing is known");
	return add_piece(c, span->start, span->end, why);
}

static int decode_piece(struct insns *c, struct codefile *f, size_t n, struct strbuf *why)
{
	struct insns_piece p = c->piece[n];
	struct unw_bytes code;
	struct insn in;
	uint64_t at;
	int err = 0;

	if (p.end - p.start > f->budget)
		return refuse(why, "too many functions of the file lie over each other");
	f->budget -= p.end - p.start;
	if (unw_elf_load_at(&f->elf, p.start, p.end - p.start, &code))
		return refuse(why, "cannot be read");
	if (code.size < p.end - p.start)
		err = refuse(why, "ends behind the code of the file");
	for (at = 0; !err && at < code.size; at += in.len) {
		if (insn_decode(&in, code.data + at, code.size - at, p.start + at)) {
			strbuf_set_f(why, "cannot be decoded at +0x%llx",
				     (unsigned long long)(p.start + at - c->piece[0].start));
			err = -ENOTSUP;
			break;
		}
		insns_add(c, &in);
		if ((in.flow == INSN_JUMP || in.flow == INSN_COND) && in.direct &&
		    !insns_has(c, in.target))
			err = follow(c, f, &in, why);
	}
	free(code.data);
	return err;
}

int pieces_read(struct insns *c, struct codefile *f, uint64_t addr, uint64_t size,
		struct strbuf *why)
{
	size_t i;
	int err;

	*c = (struct insns){ 0 };
	err = add_piece(c, addr, addr + size, why);
	for (i = 0; !err && i < c->npiece; i++)
		err = decode_piece(c, f, i, why);
	if (!err)
		insns_sort(c);
	return err;
}
