/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From functions, in any order and from several sources, to one table.
 *
 * A span is a function: a range of addresses with rows in it. Spans are collected, then sorted and
 * laid side by side. Where two overlap, the one that begins later holds from its begin on; of two
 * with the same begin, the one of the better source, then the later one. Time is n log n in spans
 * and linear in rows, whatever comes in.
 */
#ifndef CTRACE_UNWIND_SPANS_H
#define CTRACE_UNWIND_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/rules.h"
#include "unwind/table.h"

/* Chromium, the largest program that we know, has a third of it. */
#define UNW_ROWS_MAX (16u << 20)
#define UNW_SPANS_MAX (4u << 20)
/* Functions less than this apart touch: what is between is padding. */
#define UNW_GAP_MIN 16

/* The better, the greater. */
enum unw_source {
	UNW_FROM_PLT,
	UNW_FROM_DEBUG_FRAME,
	UNW_FROM_GO,
	UNW_FROM_EH_FRAME,
};

struct unw_span {
	uint64_t start, end;
	uint32_t row; /* its first */
	uint32_t nrow;
	uint32_t source;
	uint32_t order; /* of arrival */
};

struct unw_spans {
	struct unw_rules rules;
	uint64_t *pc; /* rows of all spans, in the order of arrival */
	uint16_t *rule;
	size_t nrow, cap_pc, cap_rule;
	struct unw_span *span;
	size_t nspan, cap_span;
};

/* What is known of addresses that no span covers. */
struct unw_gaps {
	uint64_t start, end;	   /* where code is; spans outside of it are not asked about */
	struct unw_rule otherwise; /* rule of all gaps */
	uint64_t entry;		   /* where the program starts: there is no caller; 0: unknown */
	bool is_program;	   /* so is the whole function there, whatever is told of it */
};

/* A zeroed struct unw_spans is a valid empty one. */

/* Begins a span, start < end, with its first row at start. -E2BIG when there are too many. */
int unw_spans_begin(struct unw_spans *s, uint64_t start, uint64_t end, enum unw_source source,
		    struct unw_rule r);
/* From pc on another rule; not below the last row's pc, and below the span's end. -E2BIG. */
int unw_spans_row(struct unw_spans *s, uint64_t pc, struct unw_rule r);
/* The span that was begun last ends earlier than was said, but not at its start. */
void unw_spans_cut(struct unw_spans *s, uint64_t end);

/* The table of all that was collected. Spans and rules are used up; s can be freed. -E2BIG. */
int unw_spans_table(struct unw_spans *s, const struct unw_gaps *gaps, struct unwind_table *out);
void unw_spans_free(struct unw_spans *s);

#endif
