/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of user frames for a raw recording: a resolver that stands before another one and
 * remembers what was asked, so that at the end the answers can be written as records. See
 * recorded.h for the way back.
 *
 * It is asked from the writer's thread; when that has ended, symlog__write() may be called.
 */
#ifndef CTRACE_SYMLOG_H
#define CTRACE_SYMLOG_H

#include <stddef.h>
#include <stdint.h>

#include "gotrace/resolver.h"

struct symlog;

#define SYMLOG_MAX (1u << 22) /* frames; what comes after has no record */

struct symlog *symlog__new(const struct frame_resolver *inner); /* copied */
void symlog__free(struct symlog *l);				/* NULL is fine */

struct frame_resolver symlog__resolver(struct symlog *l);

/*
 * Asks the other resolver again, for each frame in the order in which they were asked first, and
 * gives fn the EV_SYM records with the time ts. Stops at fn's first error and returns it; else 0.
 */
int symlog__write(struct symlog *l, uint64_t ts, int (*fn)(void *ctx, const void *rec, size_t len),
		  void *ctx);

#endif
