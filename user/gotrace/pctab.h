/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pcs of functions that were looked up, for the whole trace: each function, file and line has a
 * number in the order in which they were first met. So a replay, in which others answer, gives the
 * same bytes. It remembers a hash of the texts: two of a million meet with a chance of 10^-7.
 * Beyond PCTAB_MAX of them the hash itself is the pc, which is longer.
 */
#ifndef CTRACE_GOTRACE_PCTAB_H
#define CTRACE_GOTRACE_PCTAB_H

#include <stdint.h>

#include "util/u64map.h"

struct strtab;

#define PCTAB_MAX (1u << 20)

/* A zeroed struct pctab is a valid empty one. */
struct pctab {
	struct u64map by_text;
};

/* func, file: ids of strings */
uint64_t pctab_pc(struct pctab *t, const struct strtab *strings, uint32_t func, uint32_t file,
		  uint32_t line);
void pctab_free(struct pctab *t);

#endif
