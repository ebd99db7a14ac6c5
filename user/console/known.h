/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the console knows of the service's methods: a row each, from which come help, the lists, and
 * what Tab completes. What is not in it can be called all the same. Pure.
 */
#ifndef CTRACE_CONSOLE_KNOWN_H
#define CTRACE_CONSOLE_KNOWN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf;

struct known_method {
	const char *space, *name;
	const char *args;  /* "file, seconds, what"; "" none */
	const char *usage; /* the same, with what may be left out in brackets */
	const char *help;  /* a sentence */
	bool bare;	   /* is called without (), too: it asks for nothing and changes nothing */
};

extern const struct known_method known_methods[]; /* the last one has no name */

const struct known_method *known_find(const char *space, const char *name); /* NULL: is not known */

/*
 * What `debug` or `debug.goTrace` is, as geth tells it. spaces: what rpc_modules() said, NULL where
 * it did not. False: there is nothing of that name.
 */
bool known_tell(struct strbuf *out, const char *space, const char *name, const json_t *spaces);

/* The help of everything (space NULL), of a namespace, of a method. False: there is none. */
bool known_help(struct strbuf *out, const char *space, const char *name);

/*
 * What the word before the cursor, the end of `line`, could become: each in `words`, with a newline
 * behind it, in alphabetical order. Returns how many bytes of the line they replace.
 */
size_t known_complete(struct strbuf *words, const char *line, size_t len, const json_t *spaces);

#endif
