// SPDX-License-Identifier: BSD-2-Clause
/* See body.h. */
#include "annot/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "annot/codefile.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define ALIASES_MAX 64
#define BODY_MAX (4u << 20) /* bytes of code; the largest ones that compilers make are 300 KB */
#define WAY_BACK_MAX 64	    /* instructions */
#define PROLOGUE_MAX 16	    /* instructions until the entry */

static int refuse(struct strbuf *why, const char *what)
{
	strbuf_set_f(why, "%s", what);
	return -ENOTSUP;
}

size_t body_part_of(const char *name)
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

/* ---- pieces ---- */

static bool has_addr(const struct body *b, uint64_t addr)
{
	size_t i;

	for (i = 0; i < b->npiece; i++)
		if (addr >= b->piece[i].start && addr < b->piece[i].end)
			return true;
	return false;
}

/* Is this symbol a part of the function that begins at addr, by its name? */
static bool is_part_of(const struct symtab *t, const struct symtab_sym *part, uint64_t addr)
{
	size_t len = body_part_of(part->name), first, i;

	first = symtab_from(t, addr);
	for (i = first; len && i < t->cnt && i - first < ALIASES_MAX && t->sym[i].addr == addr; i++)
		if (!strncmp(t->sym[i].name, part->name, len) &&
		    strchr("@", t->sym[i].name[len])) /* its end, or its version */
			return true;
	return false;
}

/* The symbol that holds an address and calls itself a part of ours; NULL. */
static const struct symtab_sym *part_at(const struct body *b, const struct codefile *f,
					uint64_t addr)
{
	size_t i, n = symtab_from(&f->syms, addr + 1);

	for (i = 0; i < 8 && i < n; i++) {
		const struct symtab_sym *s = &f->syms.sym[n - 1 - i];

		if (addr - s->addr < s->size && is_part_of(&f->syms, s, b->piece[0].start))
			return s;
	}
	return NULL;
}

/* Does a function with a name hold the address? */
static bool is_named(const struct codefile *f, uint64_t addr)
{
	size_t i, n = symtab_from(&f->syms, addr + 1);

	for (i = 0; i < 8 && i < n; i++)
		if (f->syms.sym[n - 1 - i].type == STT_FUNC &&
		    addr - f->syms.sym[n - 1 - i].addr < f->syms.sym[n - 1 - i].size)
			return true;
	return false;
}

static int add_piece(struct body *b, uint64_t start, uint64_t end, struct strbuf *why)
{
	size_t i;

	for (i = 0; i < b->npiece; i++)
		if (start < b->piece[i].end && b->piece[i].start < end)
			return refuse(why, "lies over another function");
	if (b->npiece == BODY_PIECES_MAX || end - start > BODY_MAX)
		return refuse(why, "is too large");
	b->piece[b->npiece++] = (struct body_piece){ start, end };
	return 0;
}

/*
 * A jump to where we know nothing yet. It leaves when only the return address is on the stack;
 * else the place that it goes to is a piece of the function: by name, or because the frame
 * information has an entry for it. A jump that is not always taken is hardly ever a call, but
 * goes to a piece whose name was stripped.
 */
static int follow(struct body *b, const struct codefile *f, const struct insn *in,
		  struct strbuf *why)
{
	const struct symtab_sym *part = part_at(b, f, in->target);
	const struct unw_span *span;

	if (part)
		return add_piece(b, part->addr, part->addr + part->size, why);
	span = codefile_span(f, in->target);
	if (codefile_stack(f, in->addr) != CODEFILE_FRAME &&
	    (in->flow != INSN_COND || !span || is_named(f, in->target)))
		return 0;
	if (!span)
		return refuse(why, "jumps to a place of which nothing is known");
	return add_piece(b, span->start, span->end, why);
}

static int decode_piece(struct body *b, struct codefile *f, size_t n, struct strbuf *why)
{
	struct body_piece p = b->piece[n];
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
				     (unsigned long long)(p.start + at - b->piece[0].start));
			err = -ENOTSUP;
			break;
		}
		b->insn = xgrow(b->insn, b->cnt, &b->cap, sizeof(*b->insn));
		b->insn[b->cnt++] = in;
		if ((in.flow == INSN_JUMP || in.flow == INSN_COND) && in.direct &&
		    !has_addr(b, in.target))
			err = follow(b, f, &in, why);
	}
	free(code.data);
	return err;
}

static int by_addr(const void *a, const void *b)
{
	const struct insn *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Index of the instruction at an address; cnt: none begins there. */
static size_t at_addr(const struct body *b, uint64_t addr)
{
	size_t lo = 0, hi = b->cnt, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (b->insn[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && b->insn[lo - 1].addr == addr - 1 && b->insn[lo - 1].lock)
		return lo - 1; /* behind the prefix */
	return lo < b->cnt && b->insn[lo].addr == addr ? lo : b->cnt;
}

/* ---- where a jump through a register leads ---- */

/* For qsort_r(3): b->insn. */
static int by_target(const void *x, const void *y, void *insn)
{
	const struct insn *a = insn, *p = &a[*(const size_t *)x], *q = &a[*(const size_t *)y];

	if (p->target != q->target)
		return p->target < q->target ? -1 : 1;
	return p->addr < q->addr ? -1 : p->addr > q->addr;
}

/* Once all instructions are there. */
static void index_all(struct body *b)
{
	size_t i;

	qsort(b->insn, b->cnt, sizeof(*b->insn), by_addr);
	b->jump = xmalloc(b->cnt * sizeof(*b->jump));
	for (i = 0; i < b->cnt; i++) {
		const struct insn *in = &b->insn[i];

		if (in->direct && in->flow != INSN_CALL)
			b->jump[b->njump++] = i;
		if (in->write == INSN_WRITES_LOAD4)
			b->offsets = true;
		if (in->write == INSN_WRITES_ADDR && in->target != b->piece[0].start &&
		    has_addr(b, in->target))
			b->own_address = true;
	}
	if (b->njump)
		qsort_r(b->jump, b->njump, sizeof(*b->jump), by_target, b->insn);
}

static bool runs_on(const struct insn *in)
{
	return in->flow != INSN_JUMP && in->flow != INSN_RET && in->flow != INSN_STOP;
}

/* The first of the direct jumps to an address, by its place in b->jump; njump: there is none. */
static size_t first_jump(const struct body *b, uint64_t addr)
{
	size_t lo = 0, hi = b->njump, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (b->insn[b->jump[mid]].target < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->njump && b->insn[b->jump[lo]].target == addr ? lo : b->njump;
}

/* Calls leave nothing but rbx, rbp, rsp and r12 to r15 as it was. */
static bool calls_keep(uint8_t reg)
{
	return (reg >= 4 && reg <= 6) || reg >= 13;
}

/*
 * The instruction that gave a register its value, on the way back from one that uses it; *sure:
 * there is no other way. A call may be it. NULL: none, so it came with the call of the function.
 */
static const struct insn *writer_of(const struct body *b, size_t from, uint8_t reg, bool *sure)
{
	size_t i = from, jump, steps;

	*sure = true;
	for (steps = 0; steps < WAY_BACK_MAX; steps++) {
		bool next = i && b->insn[i - 1].addr + b->insn[i - 1].len == b->insn[i].addr &&
			    runs_on(&b->insn[i - 1]);

		jump = first_jump(b, b->insn[i].addr);
		if (next && jump < b->njump)
			*sure = false;
		if (!next && jump == b->njump)
			return NULL;
		i = next ? i - 1 : b->jump[jump];
		if (b->insn[i].flow == INSN_CALL ? !calls_keep(reg) :
						   b->insn[i].write && b->insn[i].reg == reg)
			return &b->insn[i];
	}
	*sure = false;
	return NULL;
}

/* Does anything hold the address of a place inside? */
static bool is_pointed_into(const struct body *b, struct codefile *f)
{
	size_t i;

	for (i = 0; i < b->npiece; i++)
		if (codefile_points_into(f, b->piece[i].start + !i, b->piece[i].end))
			return true;
	return b->own_address;
}

enum way { WAY_IN, WAY_OUT, WAY_UNKNOWN };

/*
 * target = base + base[index]: what compilers make of a switch, and of nothing else. That it is one
 * is looked at in the first entry, which has to lead inside.
 */
static bool is_offset_table(const struct body *b, const struct codefile *f, size_t jump)
{
	const struct insn *sum, *load, *base;
	const struct unw_seg *seg;
	size_t at;
	int32_t first;
	bool sure;

	sum = writer_of(b, jump, b->insn[jump].reg, &sure);
	if (!sum || sum->write != INSN_WRITES_SUM)
		return false;
	at = at_addr(b, sum->addr);
	load = writer_of(b, at, sum->reg, &sure);
	base = writer_of(b, at, sum->from, &sure);
	if (load && load->write != INSN_WRITES_LOAD4) { /* the other way around */
		const struct insn *swap = load;

		load = base;
		base = swap;
	}
	if (!load || load->write != INSN_WRITES_LOAD4)
		return false;
	if (!base || base->write != INSN_WRITES_ADDR)
		return b->offsets; /* the address is in a register for longer */
	seg = unw_elf_seg(&f->elf, base->target);
	return seg && seg->size - (base->target - seg->addr) >= sizeof(first) &&
	       !unw_elf_read(&f->elf, seg->off + (base->target - seg->addr), &first,
			     sizeof(first)) &&
	       has_addr(b, base->target + (uint64_t)(int64_t)first);
}

/* The first entry of a table of addresses leads inside. */
static bool is_address_table(const struct body *b, const struct codefile *f, size_t jump)
{
	uint64_t at = b->insn[jump].target, first;
	const struct unw_seg *seg = unw_elf_seg(&f->elf, at);

	return b->insn[jump].table && seg && seg->size - (at - seg->addr) >= sizeof(first) &&
	       !unw_elf_read(&f->elf, seg->off + (at - seg->addr), &first, sizeof(first)) &&
	       has_addr(b, first);
}

/* The value of the register is a pointer as it lay in memory, or as the caller gave it. */
static bool is_plain_pointer(const struct body *b, size_t jump)
{
	const struct insn *in = &b->insn[jump], *from;
	bool sure;

	if (!in->reg)
		return true; /* in memory */
	from = writer_of(b, jump, in->reg, &sure);
	if (from && from->flow != INSN_CALL && from->write != INSN_WRITES_LOAD &&
	    from->write != INSN_WRITES_COPY)
		return false;
	return sure || !b->offsets;
}

static enum way way_of(const struct body *b, struct codefile *f, size_t jump)
{
	const struct insn *in = &b->insn[jump];

	if (in->notrack || codefile_stack(f, in->addr) == CODEFILE_FRAME)
		return WAY_IN;
	if (in->reg ? is_offset_table(b, f, jump) : is_address_table(b, f, jump))
		return WAY_IN;
	if (codefile_stack(f, in->addr) != CODEFILE_BARE)
		return WAY_UNKNOWN;
	if (in->got)
		return WAY_OUT;
	return is_plain_pointer(b, jump) && !is_pointed_into(b, f) ? WAY_OUT : WAY_UNKNOWN;
}

/* ---- what is reached ---- */

struct reach {
	const struct body *b;
	bool *seen;
	size_t *todo, ntodo;
};

static void reach_add(struct reach *r, size_t i)
{
	if (i < r->b->cnt && !r->seen[i]) {
		r->seen[i] = true;
		r->todo[r->ntodo++] = i;
	}
}

/* Marks what the entries lead to: from one instruction to the next, and by direct jumps. */
static void reach_all(struct reach *r)
{
	const struct insn *in;
	size_t i;

	while (r->ntodo) {
		i = r->todo[--r->ntodo];
		in = &r->b->insn[i];
		if (in->direct && in->flow != INSN_CALL)
			reach_add(r, at_addr(r->b, in->target));
		if (runs_on(in))
			reach_add(r, at_addr(r->b, in->addr + in->len));
	}
}

static bool is_padding(const struct insn *in)
{
	return in->nop || in->flow == INSN_STOP;
}

/*
 * An exit that nothing leads to may be no code at all: hand-written assembler keeps tables beside
 * it, and a probe would change them. Behind a table of jumps, and where exceptions come in,
 * everything may be reached.
 */
static int check_reached(const struct body *b, const struct codefile *f, bool tables,
			 struct strbuf *why)
{
	struct reach r = { .b = b };
	bool calls = false;
	size_t i, k;
	int err = 0;

	for (i = 0; i < b->cnt; i++)
		calls = calls || b->insn[i].flow == INSN_CALL;
	if (tables || (calls && f->catches))
		return 0;
	r.seen = xcalloc(b->cnt, sizeof(*r.seen));
	r.todo = xmalloc(b->cnt * sizeof(*r.todo));
	reach_add(&r, at_addr(b, b->piece[0].start));
	reach_all(&r);
	for (k = 0; !err && k < b->nexit; k++)
		if (!r.seen[at_addr(b, b->exit[k])])
			err = refuse(why, "has bytes that nothing leads to, which may be data");
	free(r.seen);
	free(r.todo);
	return err;
}

/* Each piece ends where nothing runs on, or at a call of what does not return. */
static int check_ends(const struct body *b, struct strbuf *why)
{
	size_t i, at;

	for (i = 0; i < b->npiece; i++) {
		for (at = 0; at < b->cnt && b->insn[at].addr < b->piece[i].end; at++)
			;
		while (at && b->insn[at - 1].addr >= b->piece[i].start &&
		       is_padding(&b->insn[at - 1]) && b->insn[at - 1].flow == INSN_PLAIN)
			at--;
		if (!at || b->insn[at - 1].addr < b->piece[i].start)
			return refuse(why, "has no instructions");
		if ((b->insn[at - 1].flow == INSN_PLAIN || b->insn[at - 1].flow == INSN_COND) &&
		    !has_addr(b, b->piece[i].end))
			return refuse(why, "runs on into what lies behind it");
	}
	return 0;
}

/* ---- the entry ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_exit(const struct body *b, uint64_t addr)
{
	return b->nexit && bsearch(&addr, b->exit, b->nexit, sizeof(*b->exit), by_value);
}

/* Does the code come back to an address? */
static bool is_target(const struct body *b, uint64_t addr)
{
	size_t i;

	for (i = first_jump(b, addr); i < b->njump && b->insn[b->jump[i]].target == addr; i++)
		if (!is_exit(b, b->insn[b->jump[i]].addr))
			return true;
	return false;
}

/* Newer kernels make a call of it, into a page that a forked child does not have: it would die. */
static bool is_nop5(const struct insn *in)
{
	return in->nop && in->len == 5;
}

/*
 * The first instruction, or a cheaper one that every call comes to once and that is before anything
 * but pushes has changed the stack pointer. The code must not come back to where it is.
 */
static int choose_entry(struct body *b, struct strbuf *why)
{
	size_t first = at_addr(b, b->piece[0].start), i;
	unsigned pushed = 0;
	bool found = false;

	if (is_target(b, b->insn[first].addr))
		return refuse(why, "jumps back to its first instruction, so that a call cannot "
				   "be told from a turn of a loop");
	if (is_exit(b, b->insn[first].addr))
		return refuse(why, "is nothing but a jump, or a return");
	for (i = first; i < b->cnt && i < first + PROLOGUE_MAX; i++) {
		const struct insn *in = &b->insn[i];

		if (i > first && (is_target(b, in->addr) || is_exit(b, in->addr)))
			break;
		if (in->cheap || (!in->shut && !is_nop5(in) && !found)) {
			b->entry = in->addr;
			b->entry_pushed = pushed;
			found = true;
		}
		if (in->cheap || in->flow != INSN_PLAIN || in->sp)
			break;
		pushed += in->push;
	}
	return found ? 0 : refuse(why, "begins with what no probe may be set on");
}

/* ---- the exits ---- */

static void add_exit(struct body *b, uint64_t addr, bool tail)
{
	b->ntail += tail;
	b->exit = xgrow(b->exit, b->nexit, &b->cap_exit, sizeof(*b->exit));
	b->exit[b->nexit++] = addr;
}

/*
 * A function that calls itself at its very end jumps to its begin. So does a loop that begins
 * there; but a function that makes a frame first has none around that.
 */
static bool is_tail_recursion(const struct body *b, const struct codefile *f, const struct insn *in)
{
	size_t first = at_addr(b, b->piece[0].start), i;

	if (in->target != b->piece[0].start || in->flow != INSN_JUMP ||
	    codefile_stack(f, in->addr) != CODEFILE_BARE)
		return false;
	for (i = first; i < b->cnt && i < first + PROLOGUE_MAX; i++) {
		if (b->insn[i].push || b->insn[i].sp)
			return true;
		if (b->insn[i].flow != INSN_PLAIN)
			break;
	}
	return false;
}

static int take_jump(struct body *b, struct codefile *f, size_t i, struct strbuf *why)
{
	const struct insn *in = &b->insn[i];

	if (has_addr(b, in->target) && !is_tail_recursion(b, f, in)) {
		if (at_addr(b, in->target) == b->cnt)
			return refuse(why, "jumps into the middle of an instruction");
		return 0;
	}
	if (codefile_stack(f, in->addr) != CODEFILE_BARE)
		return refuse(why, "jumps out of itself, and nothing tells what is on its stack "
				   "then");
	if (in->flow == INSN_COND)
		return refuse(why, "is left by a jump that is not always taken");
	add_exit(b, in->addr, true);
	return 0;
}

static int take_insn(struct body *b, struct codefile *f, size_t i, bool *tables, struct strbuf *why)
{
	const struct insn *in = &b->insn[i];

	if (in->flow == INSN_RET) {
		if (codefile_stack(f, in->addr) == CODEFILE_FRAME)
			return refuse(why, "returns with more than its return address on the "
					   "stack");
		add_exit(b, in->addr, false);
		return 0;
	}
	if (in->flow != INSN_JUMP && in->flow != INSN_COND)
		return 0;
	if (in->direct)
		return take_jump(b, f, i, why);
	switch (way_of(b, f, i)) {
	case WAY_IN:
		*tables = true;
		return 0;
	case WAY_OUT:
		add_exit(b, in->addr, true);
		return 0;
	default:
		return refuse(why, "has a jump of which nothing tells whether it stays inside");
	}
}

int body_read(struct body *b, struct codefile *f, uint64_t addr, uint64_t size, struct strbuf *why)
{
	bool tables = false;
	size_t i;
	int err;

	*b = (struct body){ 0 };
	if (f->go && !codefile_span(f, addr))
		return refuse(why, "is written in Go, whose stacks move");
	if (codefile_stack(f, addr) == CODEFILE_FRAME)
		return refuse(why, "is not called as functions are");
	err = add_piece(b, addr, addr + size, why);
	for (i = 0; !err && i < b->npiece; i++)
		err = decode_piece(b, f, i, why);
	if (err)
		return err;
	index_all(b);
	for (i = 0; !err && i < b->cnt; i++)
		err = take_insn(b, f, i, &tables, why);
	for (i = 0; !err && i < b->nexit; i++)
		if (b->insn[at_addr(b, b->exit[i])].shut)
			err = refuse(why, "is left by what the kernel sets no probe on");
	if (!err)
		err = check_ends(b, why);
	if (!err)
		err = check_reached(b, f, tables, why);
	return err ? err : choose_entry(b, why);
}

void body_free(struct body *b)
{
	free(b->insn);
	free(b->jump);
	free(b->exit);
	*b = (struct body){ 0 };
}
