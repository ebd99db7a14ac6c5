/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completion for shells: a script of each shell (completion.bash and so on, beside this file) that
 * finds in itself a table of all commands and options, made from those that parse and help. So it
 * knows what this program knows.
 *
 * A line of the table has fields apart by tabs, none of them empty:
 *
 *	command		NAME	WORD	HELP
 *	COMMAND		LETTER	NAME	TAKES	TIMES	VALUE	ARG	HELP
 *
 * COMMAND is the one that knows the option, LETTER "-p" or "-", NAME "--pid", TAKES "no", "must" or
 * "may" (a value), TIMES "once" or "many", ARG what help calls the value, "-" none. VALUE says what
 * can be offered for it: "none"; "files", "programs", "pids", "names", "names-and-pids", "users",
 * "groups", "containers"; "one WORD…", or "list WORD…" for any of them, apart by commas. WORD is
 * such a thing for the words of the command that are no options.
 */
#ifndef CTRACE_CLI_COMPLETION_H
#define CTRACE_CLI_COMPLETION_H

#include <stdio.h>

enum shell { SHELL_BASH = 1, SHELL_ZSH, SHELL_FISH };

struct opt_row;
struct strbuf;

/* The whole script; what could not be written is for the caller to see in `out`. */
void completion_print(FILE *out, enum shell shell);

/* The VALUE of an option, added to out. */
void completion_value(struct strbuf *out, const struct opt_row *row);

#endif
