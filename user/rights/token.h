/* SPDX-License-Identifier: BSD-2-Clause */
/* The token that stands for the right to everything: one line of a file that only its owner may
 * read. */
#ifndef CTRACE_RIGHTS_TOKEN_H
#define CTRACE_RIGHTS_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;
struct token;

/* NULL with errno and the reason in why: not there, empty, shorter than 16 characters, readable by
 * others. */
struct token *token__read(const char *path, struct strbuf *why);
void token__free(struct token *t); /* wiped; NULL is fine */
/* Takes as long whatever differs. given: the header Authorization, "Bearer …"; NULL: is not there. */
bool token__is(const struct token *t, const char *given);

#endif
