// SPDX-License-Identifier: BSD-2-Clause
/* See sound.h. */
#include "annot/sound.h"

#include <stdlib.h>

#include "annot/exits.h"
#include "annot/insns.h"
#include "annot/refuse.h"
#include "util/xalloc.h"

struct reach {
	const struct insns *c;
	bool *seen;
	size_t *todo, ntodo;
};

static void reach_add(struct reach *r, size_t i)
{
	if (i < r->c->cnt && !r->seen[i]) {
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
		in = &r->c->insn[i];
		if (in->direct && in->flow != INSN_CALL)
			reach_add(r, insns_at(r->c, in->target));
		if (insn_runs_on(in))
			reach_add(r, insns_at(r->c, in->addr + in->len));
	}
}

static bool is_padding(const struct insn *in)
{
	return in->nop || in->flow == INSN_STOP;
}

int sound_exits(const struct insns *c, const struct exits *x, bool catches, struct strbuf *why)
{
	struct reach r = { .c = c };
	size_t i;
	int err = 0;

	if (x->tables || (c->calls && catches))
		return 0;
	r.seen = xcalloc(c->cnt, sizeof(*r.seen));
	r.todo = xmalloc(c->cnt * sizeof(*r.todo));
	reach_add(&r, insns_at(c, c->piece[0].start));
	reach_all(&r);
	for (i = 0; !err && i < x->cnt; i++)
		if (!r.seen[insns_at(c, x->addr[i])])
			err = refuse(why, "has bytes that nothing leads to, which may be data");
	free(r.seen);
	free(r.todo);
	return err;
}

int sound_ends(const struct insns *c, struct strbuf *why)
{
	size_t i, at;

	for (i = 0; i < c->npiece; i++) {
		at = insns_from(c, c->piece[i].end);
		while (at && c->insn[at - 1].addr >= c->piece[i].start &&
		       is_padding(&c->insn[at - 1]) && c->insn[at - 1].flow == INSN_PLAIN)
			at--;
		if (!at || c->insn[at - 1].addr < c->piece[i].start)
			return refuse(why, "has no instructions");
		if ((c->insn[at - 1].flow == INSN_PLAIN || c->insn[at - 1].flow == INSN_COND) &&
		    !insns_has(c, c->piece[i].end))
			return refuse(why, "runs on into what lies behind it");
	}
	return 0;
}
