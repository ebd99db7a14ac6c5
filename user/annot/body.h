/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function, taken apart: its instructions, also those that the compiler has put elsewhere
 * (FUNC.cold), and by them the place where it is entered and those where it is left.
 *
 * A function is refused rather than guessed at. What makes a jump one that leaves: that its
 * target is outside, and that the frame information says that only the return address is on
 * the stack there. What makes an instruction one of the function: that something leads to it.
 */
#ifndef CTRACE_ANNOT_BODY_H
#define CTRACE_ANNOT_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "annot/decode.h"

struct codefile;
struct strbuf;

#define BODY_PIECES_MAX 32

struct body {
	struct body_piece {
		uint64_t start, end;
	} piece[BODY_PIECES_MAX]; /* the first one is entered */
	size_t npiece;
	struct insn *insn; /* of all pieces, by address */
	size_t cnt, cap;
	size_t *jump; /* indices of the direct jumps, by where they lead */
	size_t njump;
	bool offsets;	  /* it loads entries of tables of offsets */
	bool own_address; /* it takes the address of a place inside of itself */

	uint64_t entry; /* address of the instruction that is probed */
	unsigned entry_pushed;
	uint64_t *exit; /* addresses */
	size_t nexit, cap_exit;
	size_t ntail; /* exits that are jumps */
};

/* 0, or -ENOTSUP with the reason in why: "has no instructions". body_free() in both cases. */
int body_read(struct body *b, struct codefile *f, uint64_t addr, uint64_t size, struct strbuf *why);
void body_free(struct body *b);

/* Which part of the function NAME is the name of: the length of NAME for "NAME.cold", "NAME.part.0"
 * and the like; 0: it is no part. */
size_t body_part_of(const char *name);

#endif
