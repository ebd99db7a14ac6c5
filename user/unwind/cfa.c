// SPDX-License-Identifier: BSD-2-Clause
/* See cfa.h. The numbers of instructions and operations are those of DWARF 5, 7.24 and 7.7. */
#include "unwind/cfa.h"

#include <limits.h>

#define REMEMBERED_MAX 64

enum {
	DW_CFA_advance_loc = 1, /* in the two upper bits */
	DW_CFA_offset = 2,
	DW_CFA_restore = 3,

	DW_CFA_nop = 0x00,
	DW_CFA_set_loc = 0x01,
	DW_CFA_advance_loc1 = 0x02,
	DW_CFA_advance_loc2 = 0x03,
	DW_CFA_advance_loc4 = 0x04,
	DW_CFA_offset_extended = 0x05,
	DW_CFA_restore_extended = 0x06,
	DW_CFA_undefined = 0x07,
	DW_CFA_same_value = 0x08,
	DW_CFA_register = 0x09,
	DW_CFA_remember_state = 0x0a,
	DW_CFA_restore_state = 0x0b,
	DW_CFA_def_cfa = 0x0c,
	DW_CFA_def_cfa_register = 0x0d,
	DW_CFA_def_cfa_offset = 0x0e,
	DW_CFA_def_cfa_expression = 0x0f,
	DW_CFA_expression = 0x10,
	DW_CFA_offset_extended_sf = 0x11,
	DW_CFA_def_cfa_sf = 0x12,
	DW_CFA_def_cfa_offset_sf = 0x13,
	DW_CFA_val_offset = 0x14,
	DW_CFA_val_offset_sf = 0x15,
	DW_CFA_val_expression = 0x16,
	DW_CFA_GNU_args_size = 0x2e,
	DW_CFA_GNU_negative_offset_extended = 0x2f,

	DW_OP_deref = 0x06,
	DW_OP_plus_uconst = 0x23,
	DW_OP_lit0 = 0x30,
	DW_OP_breg6 = 0x76,
	DW_OP_breg7 = 0x77,
};

struct run {
	const struct cfa_common *k;
	struct cursor c;
	struct cfa_state s;
	struct cfa_state kept[REMEMBERED_MAX];
	unsigned int nkept;
	bool lost; /* the program makes no sense from here on */
	/* of a function */
	uint64_t addr; /* of the program's first byte */
	const uint8_t *first;
	uint64_t pc, end;
	struct unw_spans *out; /* NULL: a CIE, which has no addresses */
};

uint64_t cfa_address(struct cursor *c, uint8_t encoding, uint64_t at)
{
	uint64_t v;

	switch (encoding & 0x0f) {
	case 0x00: /* absptr */
	case 0x04:
	case 0x0c:
		v = cursor_u64(c);
		break;
	case 0x01:
		v = cursor_uleb(c);
		break;
	case 0x02:
		v = cursor_u16(c);
		break;
	case 0x03:
		v = cursor_u32(c);
		break;
	case 0x09:
		v = (uint64_t)cursor_sleb(c);
		break;
	case 0x0a:
		v = (uint64_t)(int16_t)cursor_u16(c);
		break;
	case 0x0b:
		v = (uint64_t)(int32_t)cursor_u32(c);
		break;
	default:
		c->bad = true;
		return 0;
	}
	switch (encoding & 0xf0) {
	case 0x00:
		return v;
	case 0x10: /* pcrel */
		return v ? v + at : 0;
	default:
		c->bad = true;
		return 0;
	}
}

/* ---- from a state to a rule ---- */

static struct unw_rule bad_rule(void)
{
	return (struct unw_rule){ .cfa = UNW_BAD };
}

/* Offset from rsp at which a register is saved. */
static bool rsp_based(const struct cfa_state *s, const struct cfa_place *p, int64_t *off)
{
	*off = p->off;
	if (p->at == AT_CFA && s->cfa.kind == CFA_REG && s->cfa.reg == CFA_REG_RSP) {
		if (__builtin_add_overflow(p->off, s->cfa.off, off))
			return false;
	} else if (p->at != AT_RSP) {
		return false;
	}
	return *off > INT32_MIN / 2 && *off < INT32_MAX / 2;
}

/* A signal's frame: rip, rsp and rbp are all where one struct sigcontext has them. */
static bool signal_rule(const struct cfa_state *s, struct unw_rule *r)
{
	int64_t rip, rsp, rbp;

	if (!rsp_based(s, &s->ra, &rip) || !rsp_based(s, &s->rsp, &rsp) ||
	    !rsp_based(s, &s->rbp, &rbp) || rsp - rbp != 40 || rip - rbp != 48)
		return false;
	*r = (struct unw_rule){ .cfa = UNW_SIGNAL, .cfa_off = (int32_t)(rbp - 80) };
	return true;
}

static struct unw_rule cfa_rule(const struct cfa_base *b)
{
	bool rsp = b->reg == CFA_REG_RSP, rbp = b->reg == CFA_REG_RBP;
	struct unw_rule r = { .cfa = UNW_BAD };

	if (b->off < INT32_MIN || b->off > INT32_MAX)
		return r;
	r.cfa_off = (int32_t)b->off;
	if (b->kind == CFA_REG)
		r.cfa = rsp ? UNW_RSP : rbp ? UNW_RBP : UNW_BAD;
	else if (b->kind == CFA_PLT)
		r.cfa = UNW_PLT;
	else if (b->kind == CFA_REG_DEREF && rsp && b->add == 8)
		r.cfa = UNW_RSP_DEREF;
	else if (b->kind == CFA_REG_DEREF && rbp && !b->add)
		r.cfa = UNW_RBP_DEREF;
	return r.cfa == UNW_BAD ? bad_rule() : r;
}

/* rbp's place in the terms of a rule whose CFA is known. */
static void set_bp(const struct cfa_state *s, struct unw_rule *r)
{
	struct cfa_place p = s->rbp;

	/* what is saved relative to the CFA's own register is saved relative to the CFA */
	if (s->cfa.kind == CFA_REG &&
	    ((p.at == AT_RSP && s->cfa.reg == CFA_REG_RSP) ||
	     (p.at == AT_RBP && s->cfa.reg == CFA_REG_RBP)) &&
	    p.off > INT16_MIN && p.off < INT16_MAX) {
		p.at = AT_CFA;
		p.off -= s->cfa.off;
	}
	if (p.at == AT_SAME) {
		r->bp = UNW_BP_SAME;
		return;
	}
	r->bp = UNW_BP_UNDEF;
	if (p.off < INT16_MIN || p.off > INT16_MAX)
		return;
	if (p.at == AT_CFA)
		r->bp = UNW_BP_CFA;
	else if (p.at == AT_RBP && r->cfa == UNW_RBP_DEREF)
		r->bp = UNW_BP_RBP;
	if (r->bp != UNW_BP_UNDEF)
		r->bp_off = (int16_t)p.off;
}

static struct unw_rule rule_of(const struct cfa_common *k, const struct cfa_state *s)
{
	struct unw_rule r;

	if (s->ra.at == AT_UNDEFINED)
		return (struct unw_rule){ .cfa = UNW_STOP };
	if (k->signal && signal_rule(s, &r))
		return r;
	if (s->ra.at != AT_CFA || s->ra.off != -8)
		return bad_rule();
	r = cfa_rule(&s->cfa);
	if (r.cfa != UNW_BAD)
		set_bp(s, &r);
	return r;
}

/* ---- instructions ---- */

static struct cfa_place *place(struct cfa_state *s, uint64_t reg)
{
	return reg == CFA_REG_RBP ? &s->rbp :
	       reg == CFA_REG_RSP ? &s->rsp :
	       reg == CFA_REG_RA  ? &s->ra :
				    NULL;
}

static void set_place(struct run *r, uint64_t reg, enum cfa_at at, int64_t off)
{
	struct cfa_place *p = place(&r->s, reg);

	if (p)
		*p = (struct cfa_place){ at, off };
}

static void restore(struct run *r, uint64_t reg)
{
	struct cfa_state initial = r->k->initial;
	struct cfa_place *p = place(&r->s, reg);

	if (p)
		*p = *place(&initial, reg);
}

/* offset * alignment, where that is a number at all */
static int64_t scaled(struct run *r, int64_t off)
{
	int64_t v;

	if (__builtin_mul_overflow(off, r->k->data_align, &v)) {
		r->lost = true;
		return 0;
	}
	return v;
}

static void set_cfa(struct run *r, uint64_t reg, int64_t off)
{
	r->s.reg = reg;
	r->s.off = off;
	r->s.cfa = (struct cfa_base){ .kind = CFA_REG, .reg = reg, .off = off };
}

/* breg7 8; breg16 0; lit15; and; litN; ge; lit3; shl; plus: as linkers write it for a PLT. */
static bool is_plt(const uint8_t *p, size_t n, int64_t *limit)
{
	static const uint8_t before[] = { 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a };
	static const uint8_t after[] = { 0x2a, 0x33, 0x24, 0x22 };

	if (n != 11 || memcmp(p, before, 6) || memcmp(p + 7, after, 4) || p[6] < DW_OP_lit0 ||
	    p[6] >= DW_OP_lit0 + 16)
		return false;
	*limit = p[6] - DW_OP_lit0;
	return true;
}

/*
 * [breg6 | breg7] off, and nothing or deref or deref plus_uconst behind it. False for all others,
 * which is fine.
 */
static bool simple_expression(struct cursor c, uint64_t *reg, int64_t *off, bool *deref,
			      int64_t *add)
{
	uint8_t op = cursor_u8(&c);

	*deref = false;
	*add = 0;
	if (op != DW_OP_breg6 && op != DW_OP_breg7)
		return false;
	*reg = op == DW_OP_breg6 ? CFA_REG_RBP : CFA_REG_RSP;
	*off = cursor_sleb(&c);
	if (!c.bad && cursor_left(&c)) {
		*deref = true;
		if (cursor_u8(&c) != DW_OP_deref)
			return false;
		if (cursor_left(&c)) {
			if (cursor_u8(&c) != DW_OP_plus_uconst)
				return false;
			*add = (int64_t)cursor_uleb(&c);
		}
	}
	return !c.bad && !cursor_left(&c);
}

static void cfa_expression(struct run *r)
{
	struct cursor e = cursor_cut(&r->c, cursor_uleb(&r->c));
	struct cfa_base b = { .kind = CFA_OTHER };
	bool deref;

	if (is_plt(e.p, cursor_left(&e), &b.off))
		b.kind = CFA_PLT;
	else if (simple_expression(e, &b.reg, &b.off, &deref, &b.add))
		b.kind = deref ? CFA_REG_DEREF : CFA_REG;
	r->s.cfa = b;
}

static void register_expression(struct run *r, uint64_t reg)
{
	struct cursor e = cursor_cut(&r->c, cursor_uleb(&r->c));
	uint64_t base = 0;
	int64_t off = 0, add;
	bool deref;

	if (!simple_expression(e, &base, &off, &deref, &add) || deref)
		set_place(r, reg, AT_OTHER, 0);
	else
		set_place(r, reg, base == CFA_REG_RBP ? AT_RBP : AT_RSP, off);
}

static int emit(struct run *r)
{
	if (!r->out)
		return 0;
	return unw_spans_row(r->out, r->pc, r->lost ? bad_rule() : rule_of(r->k, &r->s));
}

/* What was said holds up to here. */
static int advance(struct run *r, uint64_t delta)
{
	uint64_t by;
	int err;

	if (!r->out) {
		r->lost = true;
		return 0;
	}
	err = emit(r);
	if (err)
		return err;
	if (__builtin_mul_overflow(delta, r->k->code_align, &by) || by > r->end - r->pc) {
		r->pc = r->end;
		r->c.p = r->c.end; /* beyond the function: nothing is left to be said */
		return 0;
	}
	r->pc += by;
	return 0;
}

static int set_loc(struct run *r)
{
	uint64_t at = r->addr + (uint64_t)(r->c.p - r->first);
	uint64_t to = cfa_address(&r->c, r->k->encoding, at);

	if (r->c.bad || to < r->pc || !r->out) {
		r->lost = true;
		return 0;
	}
	return advance(r, r->k->code_align ? (to - r->pc) / r->k->code_align : 0);
}

static void remember(struct run *r)
{
	if (r->nkept < REMEMBERED_MAX)
		r->kept[r->nkept++] = r->s;
	else
		r->lost = true;
}

static void recall(struct run *r)
{
	if (r->nkept)
		r->s = r->kept[--r->nkept];
	else
		r->lost = true;
}

static void extended(struct run *r, uint8_t op)
{
	struct cursor *c = &r->c;
	uint64_t reg;

	switch (op) {
	case DW_CFA_nop:
		break;
	case DW_CFA_offset_extended:
		reg = cursor_uleb(c);
		set_place(r, reg, AT_CFA, scaled(r, (int64_t)cursor_uleb(c)));
		break;
	case DW_CFA_offset_extended_sf:
		reg = cursor_uleb(c);
		set_place(r, reg, AT_CFA, scaled(r, cursor_sleb(c)));
		break;
	case DW_CFA_GNU_negative_offset_extended:
		reg = cursor_uleb(c);
		set_place(r, reg, AT_CFA, scaled(r, -(int64_t)(cursor_uleb(c) & INT64_MAX)));
		break;
	case DW_CFA_restore_extended:
		restore(r, cursor_uleb(c));
		break;
	case DW_CFA_undefined:
		set_place(r, cursor_uleb(c), AT_UNDEFINED, 0);
		break;
	case DW_CFA_same_value:
		set_place(r, cursor_uleb(c), AT_SAME, 0);
		break;
	case DW_CFA_register:
	case DW_CFA_val_offset:
		reg = cursor_uleb(c);
		cursor_uleb(c);
		set_place(r, reg, AT_OTHER, 0);
		break;
	case DW_CFA_val_offset_sf:
		reg = cursor_uleb(c);
		cursor_sleb(c);
		set_place(r, reg, AT_OTHER, 0);
		break;
	case DW_CFA_expression:
		register_expression(r, cursor_uleb(c));
		break;
	case DW_CFA_val_expression:
		set_place(r, cursor_uleb(c), AT_OTHER, 0);
		cursor_take(c, cursor_uleb(c));
		break;
	case DW_CFA_remember_state:
		remember(r);
		break;
	case DW_CFA_restore_state:
		recall(r);
		break;
	case DW_CFA_def_cfa:
		reg = cursor_uleb(c);
		set_cfa(r, reg, (int64_t)cursor_uleb(c));
		break;
	case DW_CFA_def_cfa_sf:
		reg = cursor_uleb(c);
		set_cfa(r, reg, scaled(r, cursor_sleb(c)));
		break;
	case DW_CFA_def_cfa_register:
		set_cfa(r, cursor_uleb(c), r->s.off);
		break;
	case DW_CFA_def_cfa_offset:
		set_cfa(r, r->s.reg, (int64_t)cursor_uleb(c));
		break;
	case DW_CFA_def_cfa_offset_sf:
		set_cfa(r, r->s.reg, scaled(r, cursor_sleb(c)));
		break;
	case DW_CFA_def_cfa_expression:
		cfa_expression(r);
		break;
	case DW_CFA_GNU_args_size:
		cursor_uleb(c);
		break;
	default:
		r->lost = true;
	}
}

static int step(struct run *r)
{
	struct cursor *c = &r->c;
	uint8_t op = cursor_u8(c);

	switch (op >> 6) {
	case DW_CFA_advance_loc:
		return advance(r, op & 0x3f);
	case DW_CFA_offset:
		set_place(r, op & 0x3f, AT_CFA, scaled(r, (int64_t)cursor_uleb(c)));
		return 0;
	case DW_CFA_restore:
		restore(r, op & 0x3f);
		return 0;
	}
	switch (op) {
	case DW_CFA_advance_loc1:
		return advance(r, cursor_u8(c));
	case DW_CFA_advance_loc2:
		return advance(r, cursor_u16(c));
	case DW_CFA_advance_loc4:
		return advance(r, cursor_u32(c));
	case DW_CFA_set_loc:
		return set_loc(r);
	}
	extended(r, op);
	return 0;
}

static int run(struct run *r)
{
	int err = 0;

	while (!err && !r->lost && cursor_left(&r->c)) {
		err = step(r);
		r->lost = r->lost || r->c.bad;
	}
	return err;
}

void cfa_begin(struct cfa_common *k, struct cursor program)
{
	struct run r = { .k = k, .c = program };

	k->initial = (struct cfa_state){
		.cfa = { .kind = CFA_OTHER },
		.ra = { AT_OTHER, 0 },
	};
	r.s = k->initial;
	run(&r);
	k->initial = r.s;
	if (r.lost)
		k->usable = false;
}

int cfa_function(const struct cfa_common *k, struct cursor program, uint64_t addr, uint64_t start,
		 uint64_t end, enum unw_source source, struct unw_spans *out)
{
	struct run r = {
		.k = k,
		.c = program,
		.s = k->initial,
		.addr = addr,
		.first = program.p,
		.pc = start,
		.end = end,
		.out = out,
	};
	int err = unw_spans_begin(out, start, end, source, bad_rule());

	if (err || !k->usable)
		return err;
	err = run(&r);
	if (!err && r.pc < r.end)
		err = emit(&r);
	return err;
}
