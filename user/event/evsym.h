/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of user frames as records, so that a raw recording can be replayed where the files are not.
 */
#ifndef CTRACE_EVENT_EVSYM_H
#define CTRACE_EVENT_EVSYM_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "util/sym_frame.h"

/*
 * Fills in the EV_SYM of one function that `frame` stands in, depth 0 being the innermost; returns
 * the record's length. Texts are made valid UTF-8 and cut where they are too long: the name first,
 * so that the path has at least a third.
 */
size_t evsym_make(struct ev_sym *out, uint64_t ts, uint64_t frame, unsigned depth,
		  const struct sym_frame *f);

#endif
