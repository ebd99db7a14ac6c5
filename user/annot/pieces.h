/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which code of a file is one function's: what its symbol covers, and what the compiler has put
 * elsewhere (FUNC.cold), as far as jumps of the function lead there.
 */
#ifndef CTRACE_ANNOT_PIECES_H
#define CTRACE_ANNOT_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "annot/insns.h"

struct codefile;
struct strbuf;

/*
 * Puts all instructions of the function at addr into c, which is empty before and sorted
 * afterwards. 0, or -ENOTSUP with the reason in why; insns_free() in both cases.
 */
int pieces_read(struct insns *c, struct codefile *f, uint64_t addr, uint64_t size,
		struct strbuf *why);

/* Which function NAME calls itself a part of: the length of that one's name in "NAME.cold",
 * "NAME.part.0" and the like; 0: it is no part. */
size_t pieces_part_of(const char *name);

#endif
