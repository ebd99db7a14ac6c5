/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses of one generation: user frame (a word, EV_FRAME of bpf/event.h, which means nothing
 * here) -> id, ids count from 1. The model's thread fills it; the writer's thread then finds out
 * what functions they are, each address once. One address can be several frames, by inlining.
 */
#ifndef CTRACE_GOTRACE_ADDRTAB_H
#define CTRACE_GOTRACE_ADDRTAB_H

#include <stddef.h>
#include <stdint.h>

#include "gotrace/resolver.h"
#include "util/idset.h"
#include "util/u64map.h"

struct arena;
struct pctab;
struct strtab;

/* A frame as it is written. */
struct addr_frame {
	uint64_t pc;	     /* stands for the function and the line, in all generations alike */
	uint32_t func, file; /* strings of the generation */
	uint32_t line;
};

struct addr_span {
	size_t first;
	size_t cnt;
};

struct addrtab {
	uint64_t *addr; /* id - 1 is the index */
	size_t cap;
	struct idset ids;
	/* once resolved */
	struct addr_span *span; /* by id - 1: its frames, innermost first */
	size_t cap_span;
	struct addr_frame *frame;
	size_t nframe, cap_frame;
	struct u64map by_serial; /* serial -> index into seen + 1 */
	struct addr_frame *seen;
	size_t nseen, cap_seen;
};

/* A zeroed struct addrtab is a valid empty one. */
uint32_t addrtab_id(struct addrtab *t, uint64_t addr);
/* Asks r, which may be NULL, for all of them; texts go to the strings of the generation. */
void addrtab_resolve(struct addrtab *t, const struct frame_resolver *r, struct pctab *pcs,
		     struct strtab *strings, struct arena *arena);
/* The frames of an id, innermost first; at least one. */
const struct addr_frame *addrtab_frames(const struct addrtab *t, uint32_t id, size_t *cnt);
void addrtab_reset(struct addrtab *t);
void addrtab_free(struct addrtab *t);

#endif
