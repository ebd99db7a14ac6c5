// SPDX-License-Identifier: BSD-2-Clause
/* See insns.h. */
#include "annot/insns.h"

#include <stdlib.h>

#include "util/sorted.h"
#include "util/xalloc.h"

#define WAY_BACK_MAX 64 /* instructions */

void insns_add(struct insns *c, const struct insn *in)
{
	c->insn = xgrow(c->insn, c->cnt, &c->cap, sizeof(*c->insn));
	c->insn[c->cnt++] = *in;
}

static int by_addr(const void *a, const void *b)
{
	const struct insn *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int by_target(const void *a, const void *b)
{
	const struct insns_jump *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

void insns_sort(struct insns *c)
{
	size_t i;

	if (!c->cnt)
		return;
	qsort(c->insn, c->cnt, sizeof(*c->insn), by_addr);
	c->jump = xmalloc(c->cnt * sizeof(*c->jump));
	for (i = 0; i < c->cnt; i++) {
		const struct insn *in = &c->insn[i];

		if (in->direct && in->flow != INSN_CALL)
			c->jump[c->njump++] = (struct insns_jump){ in->target, i };
		if (in->flow == INSN_CALL)
			c->calls = true;
		if (in->write == INSN_WRITES_LOAD4)
			c->offsets = true;
		if (in->write == INSN_WRITES_ADDR && in->target != c->piece[0].start &&
		    insns_has(c, in->target))
			c->own_address = true;
	}
	qsort(c->jump, c->njump, sizeof(*c->jump), by_target);
}

void insns_free(struct insns *c)
{
	free(c->insn);
	free(c->jump);
	*c = (struct insns){ 0 };
}

bool insns_has(const struct insns *c, uint64_t addr)
{
	size_t i;

	for (i = 0; i < c->npiece; i++)
		if (addr >= c->piece[i].start && addr < c->piece[i].end)
			return true;
	return false;
}

size_t insns_from(const struct insns *c, uint64_t addr)
{
	return c->cnt ? sorted_from(&c->insn->addr, c->cnt, sizeof(*c->insn), addr) : 0;
}

size_t insns_at(const struct insns *c, uint64_t addr)
{
	size_t at = insns_from(c, addr);

	if (at && c->insn[at - 1].addr == addr - 1 && c->insn[at - 1].lock)
		return at - 1; /* behind the prefix */
	return at < c->cnt && c->insn[at].addr == addr ? at : c->cnt;
}

size_t insns_jump_to(const struct insns *c, uint64_t addr)
{
	size_t at;

	if (!c->njump)
		return 0;
	at = sorted_from(&c->jump->target, c->njump, sizeof(*c->jump), addr);
	return at < c->njump && c->jump[at].target == addr ? at : c->njump;
}

/* Calls leave nothing but rbx, rbp, rsp and r12 to r15 as it was. */
static bool calls_keep(uint8_t reg)
{
	return (reg >= 4 && reg <= 6) || reg >= 13;
}

const struct insn *insns_writer(const struct insns *c, size_t from, uint8_t reg, bool *sure)
{
	size_t i = from, jump, steps;

	*sure = true;
	for (steps = 0; steps < WAY_BACK_MAX; steps++) {
		bool next = i && c->insn[i - 1].addr + c->insn[i - 1].len == c->insn[i].addr &&
			    insn_runs_on(&c->insn[i - 1]);

		jump = insns_jump_to(c, c->insn[i].addr);
		if (next && jump < c->njump)
			*sure = false;
		if (!next && jump == c->njump)
			return NULL;
		i = next ? i - 1 : c->jump[jump].from;
		if (c->insn[i].flow == INSN_CALL ? !calls_keep(reg) :
						   c->insn[i].write && c->insn[i].reg == reg)
			return &c->insn[i];
	}
	*sure = false;
	return NULL;
}
