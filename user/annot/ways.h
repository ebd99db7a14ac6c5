/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a jump through a register or through memory leads: by a table into the function itself, or
 * by a pointer out of it.
 */
#ifndef CTRACE_ANNOT_WAYS_H
#define CTRACE_ANNOT_WAYS_H

#include <stddef.h>

struct codefile;
struct insns;

enum way {
	WAY_IN,	 /* stays inside */
	WAY_OUT, /* leaves the function, with nothing but its return address on the stack */
	WAY_UNKNOWN,
};

/* Of the jump with this index, which is not a direct one. */
enum way way_of(const struct insns *c, struct codefile *f, size_t jump);

#endif
