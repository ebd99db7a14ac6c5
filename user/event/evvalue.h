/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The value of one field of a record, as text and back: for each enum ev_ftype how it is written,
 * how it is read, and when it may be left out. What one direction leaves out is the default that
 * the other supplies.
 *
 * Records that are written have passed ev_check(); one that is read into is zero where nothing was
 * stored, and its length grows with what is.
 */
#ifndef CTRACE_EVENT_EVVALUE_H
#define CTRACE_EVENT_EVVALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "event/evspec.h"

struct evtext_line;
struct evword;
struct strbuf;

/* Is the field a bare word, without a value? */
static inline bool evvalue_is_bare(const struct ev_field *f)
{
	return f->type == EVT_FLAG || f->type == EVT_ARGBIT;
}

/* Does it stand in the text of this record? */
bool evvalue_shown(const struct ev_field *f, const unsigned char *rec, size_t len);
/* Adds its value, for a field that is shown and not bare. */
void evvalue_format(struct strbuf *out, const struct ev_field *f, const unsigned char *rec,
		    size_t len);

/* Its default, in a record that is zero, where that is something else. */
void evvalue_default(struct evtext_line *l, const struct ev_field *f);
/* Stores the value of a word, also of a bare one. 0, or -EINVAL when it is not right. */
int evvalue_parse(struct evtext_line *l, const struct ev_spec *s, const struct ev_field *f,
		  struct evword *w);

#endif
