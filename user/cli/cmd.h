/* SPDX-License-Identifier: BSD-2-Clause */
/* A command of the program. */
#ifndef CTRACE_CLI_CMD_H
#define CTRACE_CLI_CMD_H

#include <stddef.h>

#include "cli/optkind.h"
#include "util/exitcode.h"

struct options;
struct strbuf;

struct cmd {
	const char *name;
	const char *synopsis;
	const char *summary;
	unsigned options;     /* FOR_* of options.h */
	enum opt_offer words; /* what completion offers for a word that is no option; 0: nothing */
	/* Can these options be meant? 0, or -EINVAL with the sentence in why. */
	int (*check)(const struct options *o, struct strbuf *why);
	/* Does it. Why it did not is in why, if that is not told yet. */
	enum exit_code (*run)(const struct options *o, struct strbuf *why);
};

extern const struct cmd cmd_record, cmd_convert, cmd_features, cmd_markers, cmd_ps, cmd_tree,
	cmd_serve, cmd_trace, cmd_view, cmd_console;

const struct cmd *cmd_find(const char *name); /* NULL: no such command */
const struct cmd *cmd_nth(size_t nth);	      /* the recording first; NULL behind the last one */

/* From the words of the command line, of which argv[0] is the command, to the exit status. */
enum exit_code cmd_run(const struct cmd *cmd, int argc, char **argv);

/* Prints the reason as the program's one line of error and frees it; returns code. */
enum exit_code cmd_fail(enum exit_code code, struct strbuf *why);

/* What a command prints for --help. */
void cmd_help(const struct cmd *cmd);

#endif
