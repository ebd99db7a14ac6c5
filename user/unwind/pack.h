/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table as the words that the BPF programs search (bpf/unwind.h): an index, then rows.
 *
 *	base	the page of the first row; where that page begins without a row, one of UNW_BAD does
 *	index	npages + 1 words, the last of which is the number behind the last row
 *	rows	one word each
 *
 * An address below base, or behind the last row's page, has no rule. The last row of every table is
 * UNW_BAD, so nothing is lost there.
 */
#ifndef CTRACE_UNWIND_PACK_H
#define CTRACE_UNWIND_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/rules.h"
#include "unwind/table.h"

/* What packing a table takes. */
struct unw_packing {
	uint64_t base;
	uint32_t npages;
	uint32_t nwords; /* of index and rows */
	bool lead;	 /* a row of UNW_BAD comes first */
};

/* Of what is not spread over more pages than this. */
#define UNW_PAGES_MAX (2u << 20)

/* 0; -ENODATA when the table is empty, -E2BIG when it is more than fits. */
int unw_pack_measure(const struct unwind_table *t, struct unw_packing *p);

/* Takes words as they come: cnt of them from number `first` on, all in one chunk. */
typedef void (*unw_put_fn)(void *arg, uint32_t first, const uint32_t *word, uint32_t cnt);

/*
 * Packs a table that was measured into words page0 to page0 + p->nwords - 1, in this order. Rules
 * that `rules` did not have yet are added; those that it has no room for become UNW_BAD.
 */
void unw_pack(const struct unwind_table *t, const struct unw_packing *p, uint32_t page0,
	      struct unw_rules *rules, unw_put_fn put, void *arg);

/* The word with that number. */
typedef uint32_t (*unw_word_fn)(void *arg, uint32_t word);

/* The number of the rule for an address of a module, as the BPF programs find it: 0 is none. */
uint16_t unw_packed_find(const struct unw_module *m, uint64_t addr, unw_word_fn word, void *arg);

#endif
