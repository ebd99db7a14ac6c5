// SPDX-License-Identifier: BSD-2-Clause
/* Picks the command; nothing else. The first word names it, and a recording is meant where it is an option. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "main"

static const struct cmd *const cmds[] = { &cmd_record, &cmd_convert, &cmd_features };
#define NCMD (sizeof(cmds) / sizeof(cmds[0]))

int cmd_fail(enum exit_code code, const struct strbuf *why)
{
	log_error("%s", why->buf);
	return code;
}

void cmd_help(const struct cmd *cmd)
{
	size_t i;

	printf("usage: ctrace-bpf %s\n\n%s\n\n", cmd->synopsis, cmd->summary);
	options_help(stdout, cmd->options);
	if (cmd != &cmd_record)
		return;
	printf("\ncommands\n");
	for (i = 1; i < NCMD; i++)
		printf("  ctrace-bpf %-16s %s\n", cmds[i]->name, cmds[i]->summary);
	printf("\nOpen the trace with: go tool trace go.trace\n");
}

int main(int argc, char **argv)
{
	struct strbuf why = STRBUF_INIT;
	size_t i;

	signal(SIGPIPE, SIG_IGN); /* a reader of stdout that goes away is an error of write() */
	if (argc > 1 && argv[1][0] != '-') {
		for (i = 0; i < NCMD; i++)
			if (!strcmp(argv[1], cmds[i]->name))
				return cmds[i]->run(argc - 1, argv + 1);
		if (!strcmp(argv[1], "help")) {
			cmd_help(&cmd_record);
			return EXIT_FINE;
		}
		strbuf_set_f(&why, "no command '%s'; see ctrace-bpf --help", argv[1]);
		return cmd_fail(EXIT_USAGE, &why);
	}
	return cmd_record.run(argc, argv);
}
