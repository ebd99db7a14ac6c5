/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing JSON: the one thing that must not be done with printf. What we write is flat enough for
 * the rest. */
#ifndef CTRACE_UTIL_JSON_H
#define CTRACE_UTIL_JSON_H

struct strbuf;

/* Appends s as a JSON string, with its quotes; bytes that are no UTF-8 become U+FFFD. Not
 * "json_string": that is one of jansson's, which would call ours then. */
void json_quote(struct strbuf *out, const char *s);

#endif
