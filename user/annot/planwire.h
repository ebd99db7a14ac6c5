/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plan as bytes: it is made in the process that reads files (space/filework.h), which knows
 * neither the numbers of names nor what was found in other files. Names and sentences go along.
 */
#ifndef CTRACE_ANNOT_PLANWIRE_H
#define CTRACE_ANNOT_PLANWIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "annot/plan.h"

struct strbuf;

/* plan_make(), and all that came of it at the end of out. calls: instead of what wishes says. */
void planwire_make(struct strbuf *out, int fd, const char *path, const struct plan_wishes *wishes,
		   bool calls);

/* The same as plan_make(), from what that gave. 0, or -EPROTO: it makes no sense; the plan is empty
 * then. */
int planwire_take(struct plan *p, const char *data, size_t len, const struct plan_wishes *wishes,
		  const struct plan_env *env);

#endif
