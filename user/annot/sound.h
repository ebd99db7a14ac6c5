/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is what was taken for a function's code its code, all of it and nothing else? Looked at before
 * anything of it is probed.
 */
#ifndef CTRACE_ANNOT_SOUND_H
#define CTRACE_ANNOT_SOUND_H

#include <stdbool.h>

struct exits;
struct insns;
struct strbuf;

/* Each piece ends where nothing runs on, or at a call of what does not return. 0, or -ENOTSUP with
 * the reason in why. */
int sound_ends(const struct insns *c, struct strbuf *why);

/*
 * An exit that nothing leads to may be no code at all: hand-written assembler keeps tables beside
 * it, and a probe would change them. Behind a table of jumps, and where exceptions come in
 * (catches: the file has such places), everything may be reached. The same answers.
 */
int sound_exits(const struct insns *c, const struct exits *x, bool catches, struct strbuf *why);

#endif
