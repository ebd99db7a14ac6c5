// SPDX-License-Identifier: BSD-2-Clause
/* See cmd.h. */
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/options.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "version.h"

#define LOG_TAG "main"

static const struct cmd *const cmds[] = {
	&cmd_record, &cmd_convert, &cmd_markers, &cmd_features, &cmd_serve,
	&cmd_ps,     &cmd_tree,	   &cmd_trace,	 &cmd_view,	&cmd_console,
};
#define NCMD (sizeof(cmds) / sizeof(cmds[0]))

const struct cmd *cmd_find(const char *name)
{
	size_t i;

	for (i = 0; i < NCMD; i++)
		if (!strcmp(name, cmds[i]->name))
			return cmds[i];
	return NULL;
}

const struct cmd *cmd_nth(size_t nth)
{
	return nth < NCMD ? cmds[nth] : NULL;
}

enum exit_code cmd_run(const struct cmd *cmd, int argc, char **argv)
{
	struct strbuf why = STRBUF_INIT;
	enum exit_code code = EXIT_FINE;
	struct options o;
	int err = options_parse(&o, cmd->options, argc, argv, &why);

	if (err == 1)
		cmd_help(cmd);
	else if (err == 2)
		printf("ctrace-bpf %s\n", CTRACE_VERSION);
	else if (!err && o.completion)
		completion_print(stdout, o.completion);
	else if (err || cmd->check(&o, &why))
		code = EXIT_USAGE;
	else
		code = cmd->run(&o, &why);
	options_free(&o);
	if (code != EXIT_FINE && why.len)
		return cmd_fail(code, &why);
	strbuf_free(&why);
	return code;
}

enum exit_code cmd_fail(enum exit_code code, struct strbuf *why)
{
	log_error("%s", why->buf);
	strbuf_free(why);
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
