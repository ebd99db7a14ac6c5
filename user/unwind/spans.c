// SPDX-License-Identifier: BSD-2-Clause
/* See spans.h. */
#include "unwind/spans.h"

#include <errno.h>
#include <stdlib.h>

#include "util/xalloc.h"

/* How far code at the start of a program reaches that has no frame information: _start of musl and
 * of glibc's ld.so are shorter. */
#define ENTRY_SIZE 64

static int number_of(struct unw_spans *s, struct unw_rule r, uint16_t *n)
{
	*n = unw_rules_add(&s->rules, r);
	return *n || r.cfa == UNW_BAD ? 0 : -E2BIG;
}

static int append(struct unw_spans *s, uint64_t pc, uint16_t rule)
{
	if (s->nrow == UNW_ROWS_MAX)
		return -E2BIG;
	s->pc = xgrow(s->pc, s->nrow, &s->cap_pc, sizeof(*s->pc));
	s->rule = xgrow(s->rule, s->nrow, &s->cap_rule, sizeof(*s->rule));
	s->pc[s->nrow] = pc;
	s->rule[s->nrow++] = rule;
	return 0;
}

int unw_spans_begin(struct unw_spans *s, uint64_t start, uint64_t end, enum unw_source source,
		    struct unw_rule r)
{
	uint16_t rule;
	int err;

	if (s->nspan == UNW_SPANS_MAX)
		return -E2BIG;
	s->span = xgrow(s->span, s->nspan, &s->cap_span, sizeof(*s->span));
	s->span[s->nspan] = (struct unw_span){
		.start = start,
		.end = end,
		.row = (uint32_t)s->nrow,
		.nrow = 1,
		.source = source,
		.order = (uint32_t)s->nspan,
	};
	err = number_of(s, r, &rule);
	if (!err)
		err = append(s, start, rule);
	if (!err)
		s->nspan++;
	return err;
}

int unw_spans_row(struct unw_spans *s, uint64_t pc, struct unw_rule r)
{
	struct unw_span *sp = &s->span[s->nspan - 1];
	uint16_t rule;
	int err = number_of(s, r, &rule);

	if (err)
		return err;
	if (s->pc[s->nrow - 1] == pc) {
		s->rule[s->nrow - 1] = rule;
		return 0;
	}
	if (s->rule[s->nrow - 1] == rule)
		return 0;
	err = append(s, pc, rule);
	if (!err)
		sp->nrow++;
	return err;
}

void unw_spans_cut(struct unw_spans *s, uint64_t end)
{
	struct unw_span *sp = &s->span[s->nspan - 1];

	sp->end = end;
	while (sp->nrow > 1 && s->pc[s->nrow - 1] >= end) {
		sp->nrow--;
		s->nrow--;
	}
}

/* ---- the table ---- */

static int by_start(const void *a, const void *b)
{
	const struct unw_span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

struct laying {
	struct unwind_table *out;
	size_t cap_pc, cap_rule;
	const struct unw_gaps *gaps;
	uint16_t gap_rule, entry_rule;
};

/* Rows come in order. A later one at the same address wins; one that changes nothing is left out. */
static int lay(struct laying *l, uint64_t pc, uint16_t rule)
{
	struct unwind_table *t = l->out;

	if (t->nrow && t->pc[t->nrow - 1] == pc)
		t->nrow--;
	if (t->nrow && t->rule[t->nrow - 1] == rule)
		return 0;
	if (t->nrow == UNW_ROWS_MAX)
		return -E2BIG;
	t->pc = xgrow(t->pc, t->nrow, &l->cap_pc, sizeof(*t->pc));
	t->rule = xgrow(t->rule, t->nrow, &l->cap_rule, sizeof(*t->rule));
	t->pc[t->nrow] = pc;
	t->rule[t->nrow++] = rule;
	return 0;
}

/* Between a function's end and the next one's start. */
static int lay_gap(struct laying *l, uint64_t from, uint64_t to)
{
	uint64_t entry = l->gaps->entry;
	bool has_entry = entry && entry >= from && entry < to;
	int err;

	if (from >= to || (!has_entry && to - from < UNW_GAP_MIN))
		return 0;
	err = lay(l, from, l->gap_rule);
	if (!err && has_entry)
		err = lay(l, entry, l->entry_rule);
	if (!err && has_entry && to - entry > ENTRY_SIZE)
		err = lay(l, entry + ENTRY_SIZE, l->gap_rule);
	return err;
}

static int lay_span(struct laying *l, const struct unw_spans *s, const struct unw_span *sp,
		    uint64_t until)
{
	size_t k;
	int err = 0;

	/* not all who write such a function by hand say that it is the outermost */
	if (l->gaps->is_program && sp->start == l->gaps->entry)
		return lay(l, sp->start, l->entry_rule);
	for (k = sp->row; !err && k < sp->row + sp->nrow && s->pc[k] < until; k++)
		err = lay(l, s->pc[k], s->rule[k]);
	return err;
}

static int lay_spans(struct unw_spans *s, struct laying *l)
{
	uint64_t done = l->gaps->start, until;
	int err = 0;
	size_t i;

	for (i = 0; i < s->nspan && !err; i++) {
		struct unw_span *sp = &s->span[i];

		/* another one begins where this one does, and is better or later */
		if (i + 1 < s->nspan && sp[1].start == sp->start)
			continue;
		until = i + 1 < s->nspan && sp[1].start < sp->end ? sp[1].start : sp->end;
		err = lay_gap(l, done, sp->start);
		if (!err)
			err = lay_span(l, s, sp, until);
		done = until;
	}
	if (!err)
		err = lay_gap(l, done, l->gaps->end);
	/* beyond all code nothing is known, however short the way there is */
	if (!err)
		err = lay(l, done > l->gaps->end ? done : l->gaps->end, 0);
	return err;
}

int unw_spans_table(struct unw_spans *s, const struct unw_gaps *gaps, struct unwind_table *out)
{
	struct laying l = { .out = out, .gaps = gaps };
	size_t i;
	int err;

	err = number_of(s, gaps->otherwise, &l.gap_rule);
	if (!err)
		err = number_of(s, (struct unw_rule){ .cfa = UNW_STOP }, &l.entry_rule);
	if (s->nspan)
		qsort(s->span, s->nspan, sizeof(*s->span), by_start);
	if (!err)
		err = lay_spans(s, &l);
	out->rules = s->rules.rule;
	out->nrule = s->rules.cnt;
	s->rules.rule = NULL;
	s->rules.cnt = s->rules.cap = 0;
	out->nfde = s->nspan;
	for (i = 0; i < out->nrow; i++)
		out->nbad += !out->rule[i];
	return err;
}

void unw_spans_free(struct unw_spans *s)
{
	unw_rules_free(&s->rules);
	free(s->pc);
	free(s->rule);
	free(s->span);
	*s = (struct unw_spans){ 0 };
}
