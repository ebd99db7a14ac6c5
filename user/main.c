// SPDX-License-Identifier: BSD-2-Clause
/* Picks the command; nothing else. The first word names it, and a recording is meant where it is an
 * option. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "util/signals.h"
#include "util/strbuf.h"

static int run(int argc, char **argv)
{
	struct strbuf why = STRBUF_INIT;
	const struct cmd *cmd;

	if (argc < 2 || argv[1][0] == '-')
		return cmd_run(&cmd_record, argc, argv);
	cmd = cmd_find(argv[1]);
	if (cmd)
		return cmd_run(cmd, argc - 1, argv + 1);
	if (!strcmp(argv[1], "help")) {
		cmd_help(&cmd_record);
		return EXIT_FINE;
	}
	strbuf_set_f(&why,
		     "no command '%s'; see ctrace-bpf --help, or write -- %s to start a program",
		     argv[1], argv[1]);
	return cmd_fail(EXIT_USAGE, &why);
}

/* What is opened later must not become stdin, stdout or stderr because that was closed; writing
 * there stays an error. */
static void occupy_std_fds(void)
{
	int fd;

	do { /* a program that we start has them closed, as they were */
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What was said on stdout must have got there, also the last of it. */
static bool stdout_is_fine(void)
{
	bool failed = ferror(stdout);

	return !fclose(stdout) && !failed;
}

int main(int argc, char **argv)
{
	struct strbuf why = STRBUF_INIT;
	int code;

	occupy_std_fds();
	signals_no_sigpipe();
	code = run(argc, argv);
	if (!stdout_is_fine() && code == EXIT_FINE) {
		strbuf_set_f(&why, "cannot write standard output: %s", strerror(errno));
		code = cmd_fail(EXIT_FAILED, &why);
	}
	return code;
}
