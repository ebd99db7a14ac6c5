// SPDX-License-Identifier: BSD-2-Clause
/* Picks the command; nothing else. The first word names it, and a recording is meant where it is an option. */
#include <signal.h>
#include <string.h>

#include "cli/cmd.h"
#include "util/strbuf.h"

int main(int argc, char **argv)
{
	struct strbuf why = STRBUF_INIT;
	const struct cmd *cmd;

	signal(SIGPIPE, SIG_IGN); /* a reader of stdout that goes away is an error of write() */
	if (argc < 2 || argv[1][0] == '-')
		return cmd_record.run(argc, argv);
	cmd = cmd_find(argv[1]);
	if (cmd)
		return cmd->run(argc - 1, argv + 1);
	if (!strcmp(argv[1], "help")) {
		cmd_help(&cmd_record);
		return EXIT_FINE;
	}
	strbuf_set_f(&why, "no command '%s'; see ctrace-bpf --help", argv[1]);
	return cmd_fail(EXIT_USAGE, &why);
}
