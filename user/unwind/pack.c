// SPDX-License-Identifier: BSD-2-Clause
/* See pack.h. */
#include "unwind/pack.h"

#include <errno.h>
#include <stdlib.h>

#include "util/xalloc.h"

#define CHUNK (1u << UNW_CHUNK_SHIFT)
#define PAGE_SIZE (1ull << UNW_PAGE_SHIFT)
#define WORDS_MAX ((uint64_t)UNW_SLABS_MAX << UNW_SLAB_SHIFT)

int unw_pack_measure(const struct unwind_table *t, struct unw_packing *p)
{
	uint64_t pages, words;

	*p = (struct unw_packing){ 0 };
	if (!t->nrow)
		return -ENODATA;
	p->base = t->pc[0] & ~(PAGE_SIZE - 1);
	p->lead = t->pc[0] != p->base;
	pages = ((t->pc[t->nrow - 1] - p->base) >> UNW_PAGE_SHIFT) + 1;
	words = pages + 1 + p->lead + t->nrow;
	if (pages > UNW_PAGES_MAX || words > WORDS_MAX)
		return -E2BIG;
	p->npages = (uint32_t)pages;
	p->nwords = (uint32_t)words;
	return 0;
}

/* Words on their way, up to the end of a chunk. */
struct packer {
	uint32_t word[CHUNK];
	uint32_t first, cnt;
	unw_put_fn put;
	void *arg;
};

static void flush(struct packer *k)
{
	if (k->cnt)
		k->put(k->arg, k->first, k->word, k->cnt);
	k->first += k->cnt;
	k->cnt = 0;
}

static void add(struct packer *k, uint32_t word)
{
	k->word[k->cnt++] = word;
	if (!((k->first + k->cnt) % CHUNK))
		flush(k);
}

static void add_index(struct packer *k, const struct unwind_table *t, const struct unw_packing *p,
		      uint32_t rows)
{
	uint32_t page;
	size_t i = 0;

	add(k, rows); /* of the first page it is the first row, be it of the table or not */
	for (page = 1; page < p->npages; page++) {
		while (t->pc[i] < p->base + page * PAGE_SIZE)
			i++;
		add(k, rows + p->lead + (uint32_t)i);
	}
	add(k, rows + p->lead + (uint32_t)t->nrow);
}

void unw_pack(const struct unwind_table *t, const struct unw_packing *p, uint32_t page0,
	      struct unw_rules *rules, unw_put_fn put, void *arg)
{
	struct packer *k = xcalloc(1, sizeof(*k));
	uint16_t *number = xcalloc(t->nrule, sizeof(*number));
	size_t i;

	k->first = page0;
	k->put = put;
	k->arg = arg;
	for (i = 0; i < t->nrule; i++)
		number[i] = unw_rules_add(rules, t->rules[i]);
	add_index(k, t, p, page0 + p->npages + 1);
	if (p->lead)
		add(k, UNW_ROW(p->base, 0));
	for (i = 0; i < t->nrow; i++)
		add(k, UNW_ROW(t->pc[i], number[t->rule[i]]));
	flush(k);
	free(number);
	free(k);
}

uint16_t unw_packed_find(const struct unw_module *m, uint64_t addr, unw_word_fn word, void *arg)
{
	uint64_t page = (addr - m->base) >> UNW_PAGE_SHIFT;
	uint32_t lo, hi, mid;

	if (addr < m->base || page >= m->npages)
		return 0;
	lo = word(arg, m->page0 + (uint32_t)page);
	hi = word(arg, m->page0 + (uint32_t)page + 1);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (UNW_ROW_LOW(word(arg, mid)) <= (addr & 0xffff))
			lo = mid + 1;
		else
			hi = mid;
	}
	return UNW_ROW_RULE(word(arg, lo - 1));
}
