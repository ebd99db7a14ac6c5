/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stacks of one generation: list of frame handles -> id, ids count from 1, the empty stack is
 * 0. A handle is a frame of frametab.h, or one of those kinds that gen.h has bits for.
 */
#ifndef CTRACE_GOTRACE_STACKTAB_H
#define CTRACE_GOTRACE_STACKTAB_H

#include <stddef.h>
#include <stdint.h>

#include "gotrace/spec.h"
#include "util/idset.h"

struct arena;

#define STACK_HANDLES_MAX 192 /* more than any record makes; what is written has GO_FRAMES_MAX */

struct stacktab_entry {
	const uint32_t *frame; /* leaf first */
	uint32_t cnt;
};

struct stacktab {
	struct stacktab_entry *ent; /* id - 1 is the index */
	size_t cap;
	struct idset ids;
};

/* A zeroed struct stacktab is a valid empty one. Deeper than the limit: the leaf side and the root
 * are kept. */
uint32_t stacktab_id(struct stacktab *st, struct arena *a, const uint32_t *frame, size_t cnt);
void stacktab_reset(struct stacktab *st);
void stacktab_free(struct stacktab *st);

#endif
