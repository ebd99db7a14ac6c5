/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions of one function as a list: by address, with the jumps among them by where they
 * lead, and the way back from an instruction to the one that gave it a value. Pure: what belongs
 * into the list is decided in pieces.h.
 */
#ifndef CTRACE_ANNOT_INSNS_H
#define CTRACE_ANNOT_INSNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "annot/decode.h"

#define INSNS_PIECES_MAX 32
#define INSNS_PROLOGUE_MAX 16 /* instructions in which a function makes its frame */

/* A zeroed one is empty. */
struct insns {
	struct insns_piece {
		uint64_t start, end;
	} piece[INSNS_PIECES_MAX]; /* runs of addresses that are the function's; the first one is
				      entered */
	size_t npiece;
	struct insn *insn; /* of all pieces, by address once insns_sort() was called */
	size_t cnt, cap;
	struct insns_jump {
		uint64_t target;
		size_t from; /* index of the jump */
	} * jump;	     /* the direct ones, by where they lead, and then by address */
	size_t njump;
	bool calls;	  /* one of them calls something */
	bool offsets;	  /* it loads entries of tables of offsets */
	bool own_address; /* it takes the address of a place inside of itself */
};

/* Puts an instruction at the end. */
void insns_add(struct insns *c, const struct insn *in);
/* Once, when all pieces and instructions are there, and before what follows is asked. */
void insns_sort(struct insns *c);
void insns_free(struct insns *c);

/* Is the address in one of the pieces? Needs no order. */
bool insns_has(const struct insns *c, uint64_t addr);

/* Index of the first instruction at or behind an address; cnt: there is none. */
size_t insns_from(const struct insns *c, uint64_t addr);

/* Index of the instruction at an address, also where that is behind its lock prefix; cnt: none
 * begins there. */
size_t insns_at(const struct insns *c, uint64_t addr);

/* The first of the direct jumps to an address, by its place in jump; njump: there is none. */
size_t insns_jump_to(const struct insns *c, uint64_t addr);

/*
 * The instruction that gave a register its value, on the way back from the one with the index
 * `from`, which uses it; *sure: there is no other way to come there. A call may be it. NULL: none,
 * so it came with the call of the function, or too far away.
 */
const struct insn *insns_writer(const struct insns *c, size_t from, uint8_t reg, bool *sure);

#endif
