/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mappings of a process, sorted, none over another: what is mapped where something was takes
 * its place, whole or in part, as mmap(2) has it.
 *
 * Each mapping holds its module; who keeps the list is told when one more does, and one less.
 */
#ifndef CTRACE_SPACE_MAPLIST_H
#define CTRACE_SPACE_MAPLIST_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/unwind.h"

struct maplist {
	struct unw_mapping *m;
	size_t cnt, cap;
};

/* To be called with a module that a mapping more, or a mapping less, is in. */
struct maplist_hold {
	void (*use)(void *ctx, uint32_t module);
	void (*put)(void *ctx, uint32_t module);
	void *ctx;
};

/* A zeroed struct maplist is a valid empty one. m's module is in use already. */
void maplist_add(struct maplist *l, struct unw_mapping m, const struct maplist_hold *hold);
/* to, which is emptied first, becomes as from. */
void maplist_copy(struct maplist *to, const struct maplist *from, const struct maplist_hold *hold);
void maplist_clear(struct maplist *l, const struct maplist_hold *hold);
void maplist_free(struct maplist *l, const struct maplist_hold *hold);

#endif
