// SPDX-License-Identifier: BSD-2-Clause
/* See ways.h. */
#include "annot/ways.h"

#include "annot/codefile.h"
#include "annot/insns.h"

/* Does anything hold the address of a place inside? */
static bool is_pointed_into(const struct insns *c, struct codefile *f)
{
	size_t i;

	for (i = 0; i < c->npiece; i++)
		if (codefile_points_into(f, c->piece[i].start + !i, c->piece[i].end))
			return true;
	return c->own_address;
}

/*
 * target = base + base[index]: what compilers make of a switch, and of nothing else. That it is one
 * is looked at in the first entry, which has to lead inside.
 */
static bool is_offset_table(const struct insns *c, const struct codefile *f, size_t jump)
{
	const struct insn *sum, *load, *base;
	const struct unw_seg *seg;
	size_t at;
	int32_t first;
	bool sure;

	sum = insns_writer(c, jump, c->insn[jump].reg, &sure);
	if (!sum || sum->write != INSN_WRITES_SUM)
		return false;
	at = insns_at(c, sum->addr);
	load = insns_writer(c, at, sum->reg, &sure);
	base = insns_writer(c, at, sum->from, &sure);
	if (load && load->write != INSN_WRITES_LOAD4) { /* the other way around */
		const struct insn *swap = load;

		load = base;
		base = swap;
	}
	if (!load || load->write != INSN_WRITES_LOAD4)
		return false;
	if (!base || base->write != INSN_WRITES_ADDR)
		return c->offsets; /* the address is in a register for longer */
	seg = unw_elf_seg(&f->elf, base->target);
	return seg && seg->size - (base->target - seg->addr) >= sizeof(first) &&
	       !unw_elf_read(&f->elf, seg->off + (base->target - seg->addr), &first,
			     sizeof(first)) &&
	       insns_has(c, base->target + (uint64_t)(int64_t)first);
}

/* The first entry of a table of addresses leads inside. */
static bool is_address_table(const struct insns *c, const struct codefile *f, size_t jump)
{
	uint64_t at = c->insn[jump].target, first;
	const struct unw_seg *seg = unw_elf_seg(&f->elf, at);

	return c->insn[jump].table && seg && seg->size - (at - seg->addr) >= sizeof(first) &&
	       !unw_elf_read(&f->elf, seg->off + (at - seg->addr), &first, sizeof(first)) &&
	       insns_has(c, first);
}

/* The value of the register is a pointer as it lay in memory, or as the caller gave it. */
static bool is_plain_pointer(const struct insns *c, size_t jump)
{
	const struct insn *in = &c->insn[jump], *from;
	bool sure;

	if (!in->reg)
		return true; /* in memory */
	from = insns_writer(c, jump, in->reg, &sure);
	if (from && from->flow != INSN_CALL && from->write != INSN_WRITES_LOAD &&
	    from->write != INSN_WRITES_COPY)
		return false;
	return sure || !c->offsets;
}

enum way way_of(const struct insns *c, struct codefile *f, size_t jump)
{
	const struct insn *in = &c->insn[jump];

	if (in->notrack || codefile_stack(f, in->addr) == CODEFILE_FRAME)
		return WAY_IN;
	if (in->reg ? is_offset_table(c, f, jump) : is_address_table(c, f, jump))
		return WAY_IN;
	if (codefile_stack(f, in->addr) != CODEFILE_BARE)
		return WAY_UNKNOWN;
	if (in->got)
		return WAY_OUT;
	return is_plain_pointer(c, jump) && !is_pointed_into(c, f) ? WAY_OUT : WAY_UNKNOWN;
}
