/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that somebody else has made, for a terminal. */
#ifndef CTRACE_UTIL_HARMLESS_H
#define CTRACE_UTIL_HARMLESS_H

struct strbuf;

/* On one line: what would do something to the terminal, is not seen, or is no UTF-8, becomes '?'. */
void add_harmless(struct strbuf *out, const char *text);

#endif
