/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function, taken apart: the place where it is entered and those where it is left.
 *
 *	pieces ─► insns ─► exits (ways) ─► sound ─► entry
 *	its code   as a list   where it is left   is it all?   where it is entered
 *
 * A function is refused rather than guessed at.
 */
#ifndef CTRACE_ANNOT_BODY_H
#define CTRACE_ANNOT_BODY_H

#include <stdint.h>

#include "annot/entry.h"
#include "annot/exits.h"

struct codefile;
struct strbuf;

struct body {
	struct entry entry;
	struct exits exits;
};

/* 0, or -ENOTSUP with the reason in why: "has no instructions". body_free() in both cases. */
int body_read(struct body *b, struct codefile *f, uint64_t addr, uint64_t size, struct strbuf *why);
void body_free(struct body *b);

#endif
