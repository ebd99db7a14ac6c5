/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is written at the console: a call in JavaScript's form, debug.goTrace("go.trace", 5), and no
 * more of that language. Arguments are its literals: strings with ' or ", numbers, true, false,
 * null, arrays, objects, whose keys need no quotes. Nothing is evaluated. Pure.
 */
#ifndef CTRACE_CONSOLE_WORDS_H
#define CTRACE_CONSOLE_WORDS_H

#include <jansson.h>
#include <stddef.h>

struct strbuf;

#define WORDS_LINE_MAX (1u << 20) /* bytes of a line: more than a service takes */
#define WORDS_DEPTH_MAX 20	  /* arrays and objects in each other */

enum words_kind {
	WORDS_NOTHING, /* blanks, or a comment */
	WORDS_NAME,    /* debug, or debug.goTrace: what is it? */
	WORDS_CALL,    /* debug.goTrace(…), or debug_goTrace(…) */
	WORDS_HELP,    /* help, help debug.goTrace */
	WORDS_EXIT,
};

struct words {
	enum words_kind kind;
	char *space;  /* "debug"; NULL: help of everything */
	char *name;   /* "goTrace"; NULL: the namespace alone is named */
	json_t *args; /* of WORDS_CALL: an array */
};

/* 0, or -EINVAL with the sentence in why and the byte of the line that it is about in *at. */
int words_parse(struct words *w, const char *line, size_t *at, struct strbuf *why);
void words_free(struct words *w); /* also of what was refused */

#endif
