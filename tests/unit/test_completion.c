// SPDX-License-Identifier: BSD-2-Clause
/* What completion offers for values: each is taken by the option that it is offered for. */
#include "helpers.h"

#include <string.h>

#include "cli/cmd.h"
#include "cli/completion.h"
#include "cli/optkind.h"
#include "cli/options.h"
#include "util/strbuf.h"

static void is_taken(const struct cmd *cmd, const struct opt_row *row, const char *word)
{
	struct strbuf why = STRBUF_INIT;
	char option[128];
	char *argv[] = { (char *)"ctrace-bpf", option, NULL };
	struct options o;

	snprintf(option, sizeof(option), "--%s=%s", row->name, word);
	if (options_parse(&o, cmd->options, 2, argv, &why))
		fail_msg("%s %s: %s", cmd->name, option, why.buf);
	options_free(&o);
	strbuf_free(&why);
}

/* How many words a value has. */
static int words_are_taken(const struct cmd *cmd, const struct opt_row *row)
{
	struct strbuf value = STRBUF_INIT;
	char *at, *kind, *word;
	int n = 0;

	completion_value(&value, row);
	at = value.buf;
	kind = strsep(&at, " ");
	if (!row->arg)
		assert_string_equal(kind, "none");
	while ((word = strsep(&at, " "))) {
		assert_true(!strcmp(kind, "one") || !strcmp(kind, "list"));
		is_taken(cmd, row, word);
		n++;
	}
	strbuf_free(&value);
	return n;
}

static void words_that_are_offered_are_taken(void **state)
{
	const struct opt_row *row;
	const struct cmd *cmd;
	int n = 0;

	(void)state;
	for (size_t c = 0; (cmd = cmd_nth(c)); c++)
		for (size_t r = 0; (row = options_row(r)); r++)
			if (row->kind != OPT_HEADING && row->cmds & cmd->options)
				n += words_are_taken(cmd, row);
	assert_true(n > 60);
}

static const struct opt_row *row_of(const char *name)
{
	const struct opt_row *row;

	for (size_t r = 0; (row = options_row(r)); r++)
		if (row->name && !strcmp(row->name, name))
			return row;
	fail_msg("no --%s", name);
	return NULL;
}

static void values(void **state)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "all", "none" },
		{ "keep", "none" }, /* a number that nobody can guess */
		{ "pid", "pids" },
		{ "output", "files" },
		{ "region", "programs" },
		{ "syscalls", "one all blocking none" },
		{ "call-graph", "one cfi fp none" },
		{ "go-version", "one 1.22 1.23 1.25 1.26" }, /* 1.24 would be refused */
		{ "duration", "one 500ms 1s 5s 10s 1m" },
		{ "buffer", "one 16M 64M 256M 1G" },
		{ "sample-processes", "one 1% 5% 10% 25% 50%" },
		{ "duty", "one 1s/10s 1s/60s 10s/10m" },
		{ "stacks", "list block wakeup fork syscall preempt sample kernel mark all none" },
	};
	struct strbuf value = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		strbuf_reset(&value);
		completion_value(&value, row_of(cases[i].name));
		assert_string_equal(value.buf, cases[i].want);
	}
	strbuf_free(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_that_are_offered_are_taken),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
