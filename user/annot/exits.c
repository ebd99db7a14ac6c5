// SPDX-License-Identifier: BSD-2-Clause
/* See exits.h. */
#include "annot/exits.h"

#include <stdlib.h>

#include "annot/codefile.h"
#include "annot/insns.h"
#include "annot/refuse.h"
#include "annot/ways.h"
#include "util/sorted.h"
#include "util/xalloc.h"

static void add_exit(struct exits *x, uint64_t addr, bool tail)
{
	x->tails += tail;
	x->addr = xgrow(x->addr, x->cnt, &x->cap, sizeof(*x->addr));
	x->addr[x->cnt++] = addr;
}

/*
 * A function that calls itself at its very end jumps to its begin. So does a loop that begins
 * there; but a function that makes a frame first has none around that.
 */
static bool is_tail_recursion(const struct insns *c, const struct codefile *f,
			      const struct insn *in)
{
	size_t first = insns_at(c, c->piece[0].start), i;

	if (in->target != c->piece[0].start || in->flow != INSN_JUMP ||
	    codefile_stack(f, in->addr) != CODEFILE_BARE)
		return false;
	for (i = first; i < c->cnt && i < first + INSNS_PROLOGUE_MAX; i++) {
		if (c->insn[i].push || c->insn[i].sp)
			return true;
		if (c->insn[i].flow != INSN_PLAIN)
			break;
	}
	return false;
}

static int take_jump(struct exits *x, const struct insns *c, const struct codefile *f,
		     const struct insn *in, struct strbuf *why)
{
	if (insns_has(c, in->target) && !is_tail_recursion(c, f, in)) {
		if (insns_at(c, in->target) == c->cnt)
			return refuse(why, "jumps into the middle of an instruction");
		return 0;
	}
	if (codefile_stack(f, in->addr) != CODEFILE_BARE)
		return refuse(why, "jumps out of itself, and nothing tells what is on its stack "
				   "then");
	if (in->flow == INSN_COND)
		return refuse(why, "is left by a jump that is not always taken");
	add_exit(x, in->addr, true);
	return 0;
}

static int take_insn(struct exits *x, const struct insns *c, struct codefile *f, size_t i,
		     struct strbuf *why)
{
	const struct insn *in = &c->insn[i];

	if (in->flow == INSN_RET) {
		if (codefile_stack(f, in->addr) == CODEFILE_FRAME)
			return refuse(why, "returns with more than its return address on the "
					   "stack");
		add_exit(x, in->addr, false);
		return 0;
	}
	if (in->flow != INSN_JUMP && in->flow != INSN_COND)
		return 0;
	if (in->direct)
		return take_jump(x, c, f, in, why);
	switch (way_of(c, f, i)) {
	case WAY_IN:
		x->tables = true;
		return 0;
	case WAY_OUT:
		add_exit(x, in->addr, true);
		return 0;
	default:
		return refuse(why, "has a jump of which nothing tells whether it stays inside");
	}
}

int exits_find(struct exits *x, const struct insns *c, struct codefile *f, struct strbuf *why)
{
	size_t i;
	int err = 0;

	*x = (struct exits){ 0 };
	for (i = 0; !err && i < c->cnt; i++)
		err = take_insn(x, c, f, i, why);
	for (i = 0; !err && i < x->cnt; i++)
		if (c->insn[insns_at(c, x->addr[i])].shut)
			err = refuse(why, "is left by what the kernel sets no probe on");
	return err;
}

void exits_free(struct exits *x)
{
	free(x->addr);
	*x = (struct exits){ 0 };
}

bool exits_has(const struct exits *x, uint64_t addr)
{
	size_t i = x->cnt ? sorted_from(x->addr, x->cnt, sizeof(*x->addr), addr) : 0;

	return i < x->cnt && x->addr[i] == addr;
}
