/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strings of one generation: text -> id, ids count from 1, the empty string is 0. Texts are cut
 * to what the format allows (1024 bytes) and made valid UTF-8, so that no reader can choke on them.
 * Texts live in an arena that the caller owns and resets together with the table.
 */
#ifndef CTRACE_GOTRACE_STRTAB_H
#define CTRACE_GOTRACE_STRTAB_H

#include <stddef.h>
#include <stdint.h>

#include "gotrace/spec.h"
#include "util/idset.h"

struct arena;

struct strtab_entry {
	const char *text; /* not NUL-terminated */
	uint32_t len;
};

struct strtab {
	struct strtab_entry *ent; /* id - 1 is the index */
	size_t cap;
	struct idset ids;
};

/* A zeroed struct strtab is a valid empty one. */
uint32_t strtab_id(struct strtab *st, struct arena *a, const char *text, size_t len);
/* The same for text that ends in a NUL; "?" for an empty one. */
uint32_t strtab_text(struct strtab *st, struct arena *a, const char *text);
void strtab_reset(struct strtab *st);
void strtab_free(struct strtab *st);

#endif
