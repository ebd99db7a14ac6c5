/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines from the terminal, edited (libedit), with a history and with Tab. Signals come by
 * descriptor while it lives: Ctrl-C is for the line, or for who waits at line__cancel_fd(), and
 * never ends the program.
 */
#ifndef CTRACE_CONSOLE_LINE_H
#define CTRACE_CONSOLE_LINE_H

#include <stddef.h>

struct line;
struct strbuf;

struct line_opts {
	const char *prompt;
	const char *history; /* a file; "" none */
	/* Appends each word that could stand in place of the last bytes before the cursor, with a
	 * newline behind it, in order; returns how many bytes that are. */
	size_t (*complete)(void *ctx, struct strbuf *words, const char *line, size_t len);
	void *ctx;
};

/* NULL with errno. */
struct line *line__new(const struct line_opts *opts);
void line__free(struct line *l); /* NULL is fine */

/*
 * The next line without its newline, valid until the next call. 0; -EINTR: it was given up
 * (Ctrl-C); -ENODATA: there is no more (Ctrl-D, the terminal is gone, or the program is to end).
 */
int line__read(struct line *l, const char **text);

/* Readable: Ctrl-C was pressed, or the program is to end. */
int line__cancel_fd(const struct line *l);
/* After that: it is heard. -EINTR: Ctrl-C, -ENODATA: the program is to end, 0: neither. */
int line__cancelled(struct line *l);

#endif
