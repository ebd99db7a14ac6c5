/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of earlier consoles: a file of the user's own that only he may read, in $XDG_STATE_HOME
 * or
 * ~/.local/state. Under sudo it is that of the user who called it. A line is added at once, so that
 * consoles at the same time share the file; the oldest ones go when there are many.
 */
#ifndef CTRACE_CONSOLE_HISTORY_H
#define CTRACE_CONSOLE_HISTORY_H

#include <stddef.h>

struct strbuf;

#define HISTORY_KEPT 1000 /* lines; up to twice as many are in the file */

/* Its name; empty where the user has no directory of his own, and nothing is kept. */
void history_path(struct strbuf *out);

/*
 * Tells the newest HISTORY_KEPT lines, the oldest first, and makes the file shorter where it has
 * twice as many. A file that is not there, or cannot be read, has none.
 */
void history_read(const char *path, void (*tell)(void *ctx, const char *line), void *ctx);

/* 0 or -errno. Directories that are missing are made. */
int history_add(const char *path, const char *line);

#endif
