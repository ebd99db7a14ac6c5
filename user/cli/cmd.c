// SPDX-License-Identifier: BSD-2-Clause
/* See cmd.h. */
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "main"

static const struct cmd *const cmds[] = { &cmd_record, &cmd_convert, &cmd_markers, &cmd_features };
#define NCMD (sizeof(cmds) / sizeof(cmds[0]))

const struct cmd *cmd_find(const char *name)
{
	size_t i;

	for (i = 0; i < NCMD; i++)
		if (!strcmp(name, cmds[i]->name))
			return cmds[i];
	return NULL;
}

int cmd_fail(enum exit_code code, struct strbuf *why)
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
