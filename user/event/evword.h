/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a line of text: bare ones, KEY=VALUE, KEY="TEXT" with \" \\ \xNN inside; and the
 * numbers that stand in them. See evtext.h for the language.
 */
#ifndef CTRACE_EVENT_EVWORD_H
#define CTRACE_EVENT_EVWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

/* Points into the line that it was cut out of, which is changed. */
struct evword {
	char *key;
	char *val; /* NULL for a bare word; otherwise NUL-terminated, len bytes before it */
	size_t len;
	bool quoted;
};

/* 1 with the next word of *p, which moves behind it; 0 at the end; -EINVAL with the reason in why. */
int evword_next(char **p, struct evword *w, struct strbuf *why);

/* Adds text in double quotes, escaped as above; shared by all text that we write. */
void evword_quote(struct strbuf *out, const void *text, size_t len);

/* A decimal number up to max. 0 or -EINVAL. */
int evword_number(const char *s, uint64_t max, uint64_t *out);
/* Hex digits without a prefix up to `end`, 16 at most. 0 or -EINVAL. */
int evword_hex(const char *s, const char *end, uint64_t *out);

#endif
