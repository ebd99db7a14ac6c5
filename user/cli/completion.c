// SPDX-License-Identifier: BSD-2-Clause
/* See completion.h. */
#include "cli/completion.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/optkind.h"
#include "cli/options.h"
#include "util/strbuf.h"

#define PLACE "@TABLE@" /* in a script, between single quotes */

static const char bash_script[] = {
#include "completion_bash.h"
};
static const char zsh_script[] = {
#include "completion_zsh.h"
};
static const char fish_script[] = {
#include "completion_fish.h"
};

static const char *const scripts[] = {
	[SHELL_BASH] = bash_script,
	[SHELL_ZSH] = zsh_script,
	[SHELL_FISH] = fish_script,
};

/* ---- what is offered for a value ---- */

static const char *const offers[] = {
	[OFFER_FILES] = "files",
	[OFFER_PROGRAMS] = "programs",
	[OFFER_PIDS] = "pids",
	[OFFER_NAMES] = "names",
	[OFFER_NAMES_AND_PIDS] = "names-and-pids",
	[OFFER_USERS] = "users",
	[OFFER_GROUPS] = "groups",
	[OFFER_CONTAINERS] = "containers",
};

static const char *examples_of(const struct opt_row *row)
{
	return row->examples		 ? row->examples :
	       row->kind == OPT_DURATION ? "500ms 1s 5s 10s 1m" :
	       row->kind == OPT_SIZE	 ? "16M 64M 256M 1G" :
	       row->kind == OPT_PERCENT	 ? "1% 5% 10% 25% 50%" :
					   NULL;
}

static bool has_words(const struct opt_row *row)
{
	return row->kind == OPT_WORD || row->kind == OPT_WORDS;
}

void completion_value(struct strbuf *out, const struct opt_row *row)
{
	const struct opt_word *w;

	if (row->offer != OFFER_BY_KIND) {
		strbuf_addstr(out, offers[row->offer]);
	} else if (has_words(row)) {
		strbuf_addstr(out, row->kind == OPT_WORD ? "one" : "list");
		for (w = row->words; w->word; w++)
			if (!w->no)
				strbuf_addf(out, " %s", w->word);
	} else if (row->arg && examples_of(row)) {
		strbuf_addf(out, "one %s", examples_of(row));
	} else {
		strbuf_addstr(out, "none");
	}
}

/* ---- the table ---- */

static const char *takes(const struct opt_row *row)
{
	return !row->arg ? "no" : opt_may_be_bare(row) ? "may" : "must";
}

static bool is_many(const struct opt_row *row)
{
	return row->many || row->kind == OPT_STRINGS;
}

/* Without the brackets that say that it may be left out. */
static void add_arg(struct strbuf *out, const struct opt_row *row)
{
	if (!row->arg)
		strbuf_addstr(out, "-");
	else if (opt_may_be_bare(row))
		strbuf_addf(out, "%.*s", (int)strlen(row->arg) - 2, row->arg + 1);
	else
		strbuf_addstr(out, row->arg);
}

static void add_option(struct strbuf *out, const struct cmd *cmd, const struct opt_row *row)
{
	const char letter[] = { '-', row->letter, 0 };

	strbuf_addf(out, "%s\t%s\t--%s\t%s\t%s\t", cmd->name, letter, row->name, takes(row),
		    is_many(row) ? "many" : "once");
	completion_value(out, row);
	strbuf_addstr(out, "\t");
	add_arg(out, row);
	strbuf_addf(out, "\t%s\n", row->help);
}

static void add_table(struct strbuf *out)
{
	const struct opt_row *row;
	const struct cmd *cmd;
	size_t c, r;

	for (c = 1; (cmd = cmd_nth(c)); c++)
		strbuf_addf(out, "command\t%s\t%s\t%s\n", cmd->name,
			    cmd->words ? offers[cmd->words] : "none", cmd->summary);
	for (c = 0; (cmd = cmd_nth(c)); c++)
		for (r = 0; (row = options_row(r)); r++)
			if (row->cmds & cmd->options && row->kind != OPT_HEADING)
				add_option(out, cmd, row);
}

/* ---- the script ---- */

/* Between single quotes: bash and zsh end them for a quote, fish has a backslash in them. */
static void put_quoted(FILE *out, enum shell shell, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(shell == SHELL_FISH ? "\\'" : "'\\''", out);
		else if (*text == '\\' && shell == SHELL_FISH)
			fputs("\\\\", out);
		else
			putc(*text, out);
	}
}

void completion_print(FILE *out, enum shell shell)
{
	const char *script = scripts[shell], *place = strstr(script, PLACE);
	struct strbuf table = STRBUF_INIT;

	add_table(&table);
	fwrite(script, 1, (size_t)(place - script), out);
	put_quoted(out, shell, table.buf);
	fputs(place + strlen(PLACE), out);
	strbuf_free(&table);
}
