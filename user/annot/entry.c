// SPDX-License-Identifier: BSD-2-Clause
/* See entry.h. */
#include "annot/entry.h"

#include "annot/exits.h"
#include "annot/insns.h"
#include "annot/refuse.h"

/* Does the code come back to an address? */
static bool is_target(const struct insns *c, const struct exits *x, uint64_t addr)
{
	size_t i;

	for (i = insns_jump_to(c, addr); i < c->njump && c->jump[i].target == addr; i++)
		if (!exits_has(x, c->insn[c->jump[i].from].addr))
			return true;
	return false;
}

/* Newer kernels make a call of it, into a page that a forked child does not have: it would die. */
static bool is_nop5(const struct insn *in)
{
	return in->nop && in->len == 5;
}

int entry_choose(struct entry *out, const struct insns *c, const struct exits *x,
		 struct strbuf *why)
{
	size_t first = insns_at(c, c->piece[0].start), i;
	unsigned pushed = 0;
	bool found = false;

	if (is_target(c, x, c->insn[first].addr))
		return refuse(why, "jumps back to its first instruction, so that a call cannot "
				   "be told from a turn of a loop");
	if (exits_has(x, c->insn[first].addr))
		return refuse(why, "is nothing but a jump, or a return");
	for (i = first; i < c->cnt && i < first + INSNS_PROLOGUE_MAX; i++) {
		const struct insn *in = &c->insn[i];

		if (i > first && (is_target(c, x, in->addr) || exits_has(x, in->addr)))
			break;
		if (in->cheap || (!in->shut && !is_nop5(in) && !found)) {
			*out = (struct entry){ in->addr, pushed };
			found = true;
		}
		if (in->cheap || in->flow != INSN_PLAIN || in->sp)
			break;
		pushed += in->push;
	}
	return found ? 0 : refuse(why, "begins with what no probe may be set on");
}
