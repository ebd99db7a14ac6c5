/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call frame instructions (DWARF 5, 6.4.2, and those of GNU), as far as they tell where the
 * caller's stack pointer, rbp and return address are; all other registers are skipped.
 *
 * An instruction that cannot be followed makes the rows it holds for UNW_BAD; a program that cannot
 * be read any further ends with a UNW_BAD row. Nothing else can go wrong: each instruction is
 * looked at once.
 */
#ifndef CTRACE_UNWIND_CFA_H
#define CTRACE_UNWIND_CFA_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/cursor.h"
#include "unwind/spans.h"

/* Where a register of the caller is. */
enum cfa_at {
	AT_SAME,      /* in the register still */
	AT_CFA,	      /* saved at CFA + off */
	AT_RSP,	      /* saved at rsp + off */
	AT_RBP,	      /* saved at rbp + off */
	AT_UNDEFINED, /* lost; of the return address: there is no caller */
	AT_OTHER,     /* where no rule of ours can say */
};

struct cfa_place {
	enum cfa_at at;
	int64_t off;
};

/* The CFA. */
enum cfa_kind {
	CFA_REG,       /* reg + off */
	CFA_REG_DEREF, /* *(reg + off) + add */
	CFA_PLT,       /* rsp + 8, and 8 more when (rip & 15) >= off */
	CFA_OTHER,
};

struct cfa_base {
	enum cfa_kind kind;
	uint64_t reg;
	int64_t off, add;
};

struct cfa_state {
	struct cfa_base cfa;
	/* of the last def_cfa: an expression leaves them alone, and def_cfa_register may come back
	 * to the offset; so does gcc's own unwinder, and libgcrypt's assembly needs it */
	uint64_t reg;
	int64_t off;
	struct cfa_place rbp, rsp, ra;
};

/* What all functions of a CIE have in common. */
struct cfa_common {
	bool usable;	  /* false: nothing is known of its functions */
	bool signal;	  /* frames that a signal makes */
	bool has_data;	  /* augmentation data with their size before the instructions */
	uint8_t encoding; /* of addresses, DW_EH_PE_* */
	uint64_t code_align;
	int64_t data_align;
	struct cfa_state initial; /* after the CIE's instructions */
};

/* DWARF numbers of registers (x86-64 psABI, figure 3.36). */
#define CFA_REG_RBP 6
#define CFA_REG_RSP 7
#define CFA_REG_RA 16

/*
 * An address or a length in an encoding of DW_EH_PE_* (LSB, 10.5), `at` being the address of the
 * number itself. A base that we do not know, or one that is to be read from memory, sets c->bad.
 */
uint64_t cfa_address(struct cursor *c, uint8_t encoding, uint64_t at);

/* Runs a CIE's own instructions into k->initial; k->usable turns false when they make no sense. */
void cfa_begin(struct cfa_common *k, struct cursor program);

/*
 * Runs a function's instructions and adds its rows, as a span from `start` to `end`. `addr` is the
 * address of the first instruction byte. 0 or -E2BIG.
 */
int cfa_function(const struct cfa_common *k, struct cursor program, uint64_t addr, uint64_t start,
		 uint64_t end, enum unw_source source, struct unw_spans *out);

#endif
