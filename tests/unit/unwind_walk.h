/* SPDX-License-Identifier: BSD-2-Clause */
/* A step from a frame to its caller's by a rule, for the tests of user/unwind. */
#ifndef CTRACE_TESTS_UNWIND_WALK_H
#define CTRACE_TESTS_UNWIND_WALK_H

#include "bpf/unwind.h"
#include "helpers.h"

struct regs {
	uint64_t rip, rsp, rbp;
};

/* What the rules say of the caller. */
struct caller {
	bool known, stop, bp_known;
	struct regs regs;
};

/* One step, as bpf/unwind.bpf.h does it. memory() gives the word at an address. */
static UNUSED struct caller by_rule(const struct unw_rule *r, const struct regs *at,
				    uint64_t (*memory)(uint64_t addr))
{
	struct caller c = { .known = true, .bp_known = r->bp != UNW_BP_UNDEF };
	uint64_t off = (uint64_t)(int64_t)r->cfa_off, bp_off = (uint64_t)(int64_t)r->bp_off, cfa;

	switch (r->cfa) {
	case UNW_STOP:
		c.stop = true;
		return c;
	case UNW_RSP:
		cfa = at->rsp + off;
		break;
	case UNW_RBP:
		cfa = at->rbp + off;
		break;
	case UNW_RSP_DEREF:
		cfa = memory(at->rsp + off) + 8;
		break;
	case UNW_RBP_DEREF:
		cfa = memory(at->rbp + off);
		break;
	case UNW_PLT:
		cfa = at->rsp + 8 + ((at->rip & 15) >= off ? 8 : 0);
		break;
	case UNW_SIGNAL:
		c.regs.rbp = memory(at->rsp + off + 80);
		c.regs.rsp = memory(at->rsp + off + 120);
		c.regs.rip = memory(at->rsp + off + 128);
		return c;
	default:
		c.known = false;
		return c;
	}
	c.regs.rsp = cfa;
	c.regs.rip = memory(cfa - 8);
	c.regs.rbp = r->bp == UNW_BP_SAME ? at->rbp :
		     r->bp == UNW_BP_CFA  ? memory(cfa + bp_off) :
		     r->bp == UNW_BP_RBP  ? memory(at->rbp + bp_off) :
					    0;
	return c;
}

#endif
