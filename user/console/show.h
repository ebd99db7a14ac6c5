/* SPDX-License-Identifier: BSD-2-Clause */
/* A result as JavaScript writes it, in the form of geth's console: null, "text", { key: value }.
 * Pure. */
#ifndef CTRACE_CONSOLE_SHOW_H
#define CTRACE_CONSOLE_SHOW_H

#include <jansson.h>
#include <stdbool.h>

struct strbuf;

/* Appends it, without a newline. Nothing in it can move a terminal's cursor. */
void show_value(struct strbuf *out, const json_t *v, bool colors);

#endif
