/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The texts of annotations, as a trace may hold them: valid UTF-8 of at most GO_STRING_MAX bytes,
 * with an ellipsis where something is cut off, and never empty where a viewer would show nothing.
 *
 * A region keeps its name until it ends, so names are counted references; those used lately are
 * found again, and then cost no memory.
 */
#ifndef CTRACE_MODEL_MARKTEXT_H
#define CTRACE_MODEL_MARKTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "model/trigger.h"

struct model;

/* How a text came out of the program. */
enum mark_fate { MARK_WHOLE = 0, MARK_CUT, MARK_BAD };

#define MARK_UNREADABLE "(unreadable)" /* stands for a bad one */

struct mark_text {
	uint32_t refs;
	uint32_t open; /* regions that have it */
	uint32_t len;
	uint32_t string;   /* its id in generation `gen` */
	uint32_t triggers; /* see TRIGGER_KNOWN */
	uint64_t gen;
	char text[];
};

#define MARK_TEXTS 256

/* A zeroed struct mark_texts is a valid empty one. */
struct mark_texts {
	struct mark_text *slot[MARK_TEXTS];
};

/* A reference of the caller's. Empty texts become "(unnamed)". */
struct mark_text *marktext_get(struct mark_texts *t, const char *text, size_t len,
			       enum mark_fate fate);
struct mark_text *marktext_hold(struct mark_text *mt); /* another reference */
void marktext_put(struct mark_text *mt);	       /* NULL is fine */
void marktexts_free(struct mark_texts *t);

/* Ids of strings of this generation, 0 while the model is not live; an empty one stays empty. */
uint32_t marktext_string(struct model *m, struct mark_text *mt);
uint32_t marktext_once(struct model *m, const char *text, size_t len, enum mark_fate fate);

static inline bool marktext_same(const struct mark_text *a, const struct mark_text *b)
{
	return a == b || (a->len == b->len && !memcmp(a->text, b->text, a->len));
}

#endif
