// SPDX-License-Identifier: BSD-2-Clause
/* See wishes.h. All becomes words of a command line first, so that there is one reader of values. */
#include "control/wishes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define WORDS_MAX 1000

/* Of a recording, by its name; NULL: there is no such option. */
static const struct opt_row *find_row(const char *name, size_t len)
{
	const struct opt_row *row;
	size_t i;

	for (i = 0; (row = options_row(i)); i++)
		if (row->kind != OPT_HEADING && row->cmds & (FOR_RECORD | FOR_SERVE) &&
		    strlen(row->name) == len && !strncmp(row->name, name, len))
			return row;
	return NULL;
}

static const struct opt_row *row_of_word(const char *word)
{
	return strncmp(word, "--", 2) ? NULL : find_row(word + 2, strcspn(word + 2, "="));
}

/* May it be asked for at all? */
static int find_askable(const char *name, size_t len, const struct opt_row **row,
			struct strbuf *why)
{
	*row = find_row(name, len);
	if (!*row)
		return strbuf_refuse(
			-EINVAL, why,
			"there is no option '%.*s'; what may be asked for is what ctrace-bpf serve --help tells of recordings",
			(int)(len < 64 ? len : 64), name);
	if ((*row)->request < REQUEST_YES)
		return strbuf_refuse(
			-EINVAL, why,
			"'%s' cannot be asked for: it is the service that decides about it",
			(*row)->name);
	return 0;
}

/* ---- words ---- */

static int add_word(struct wish *w, const char *word, struct strbuf *why)
{
	if (w->nwords == WORDS_MAX)
		return strbuf_refuse(-EINVAL, why, "more than %d options are asked for", WORDS_MAX);
	w->words = xgrow(w->words, w->nwords + 1, &w->cap_words, sizeof(*w->words));
	w->words[w->nwords++] = xstrdup(word);
	w->words[w->nwords] = NULL;
	return 0;
}

static int add_value(struct wish *w, const struct opt_row *row, const char *value,
		     struct strbuf *why)
{
	struct strbuf word = STRBUF_INIT;
	int err;

	strbuf_addf(&word, "--%s%s%s", row->name, value ? "=" : "", value ? value : "");
	err = add_word(w, word.buf, why);
	strbuf_free(&word);
	return err;
}

/* ---- an object ---- */

static int add_json(struct wish *w, const struct opt_row *row, const json_t *value,
		    struct strbuf *why)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_NULL:
	case JSON_FALSE:
		return 0;
	case JSON_TRUE:
		if (row->arg && !opt_may_be_bare(row))
			return strbuf_refuse(-EINVAL, why, "'%s': its value is missing: %s",
					     row->name, row->arg);
		return add_value(w, row, NULL, why);
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		break;
	case JSON_REAL:
		snprintf(number, sizeof(number), "%.15g", json_real_value(value));
		break;
	case JSON_STRING:
		if (strlen(json_string_value(value)) != json_string_length(value))
			return strbuf_refuse(-EINVAL, why, "'%s': there is a NUL in its value",
					     row->name);
		break;
	default:
		return strbuf_refuse(
			-EINVAL, why,
			"'%s': its value is a number, a string, true or false, or an array of them",
			row->name);
	}
	if (!row->arg)
		return strbuf_refuse(-EINVAL, why, "'%s' takes no value; write true or false",
				     row->name);
	return add_value(w, row, json_is_string(value) ? json_string_value(value) : number, why);
}

static int add_object(struct wish *w, const json_t *object, struct strbuf *why)
{
	const struct opt_row *row;
	const json_t *value, *one;
	const char *key;
	size_t i;
	int err = 0;

	if (!json_is_object(object))
		return strbuf_refuse(-EINVAL, why,
				     "what is recorded is told by an object: {\"pid\": 42}");
	json_object_foreach((json_t *)object, key, value) {
		err = find_askable(key, strlen(key), &row, why);
		if (!err && json_is_array(value))
			json_array_foreach(value, i, one) {
				err = add_json(w, row, one, why);
				if (err)
					break;
			}
		else if (!err)
			err = add_json(w, row, value, why);
		if (err)
			break;
	}
	return err;
}

/* ---- the words of a command line ---- */

static int add_words(struct wish *w, char *const *words, struct strbuf *why)
{
	const struct opt_row *row;
	int err = 0;

	for (; !err && *words; words++) {
		if (strncmp(*words, "--", 2))
			return strbuf_refuse(-EINVAL, why, "'%.64s' is no option", *words);
		err = find_askable(*words + 2, strcspn(*words + 2, "="), &row, why);
		if (!err)
			err = add_word(w, *words, why);
	}
	return err;
}

/* What serve was given, ahead of what is asked for; without its targets where there are others. */
static int add_defaults(struct wish *w, char *const *asked, char *const *serve, struct strbuf *why)
{
	const struct opt_row *row;
	bool others = false;
	int err = 0;

	for (; *asked; asked++) {
		row = row_of_word(*asked);
		others = others || (row && row->request == REQUEST_TARGET);
	}
	for (; !err && *serve; serve++) {
		row = row_of_word(*serve);
		if (!row || !others || row->request < REQUEST_RULE)
			err = add_word(w, *serve, why);
	}
	return err;
}

/* ---- what may be ---- */

static int check_limits(const struct options *o, const struct options *serve,
			const struct caller *c, struct strbuf *why)
{
	char is[16], most[16];

	if (serve->max_size && o->max_size > serve->max_size)
		return strbuf_refuse(
			-EINVAL, why,
			"max-size: %s is more than this service writes for anybody, %s",
			format_size(is, o->max_size), format_size(most, serve->max_size));
	if (c->rank == CALLER_USER && o->buffer > serve->buffer)
		return strbuf_refuse(
			-EPERM, why,
			"buffer: how much memory a recording takes is for root and members of the group " CALLER_GROUP
			" to say; leave it out");
	return 0;
}

static int check_rights(const struct options *o, const struct caller *c, struct strbuf *why)
{
	const char *many = o->all	? "every process of the machine" :
			   o->cgroup	? "a control group" :
			   o->container ? "a container" :
					  NULL;

	if (c->rank == CALLER_NOBODY)
		return strbuf_refuse(-EPERM, why, "nobody knows who asks, and there is no token");
	if (many && c->rank != CALLER_ALL)
		return strbuf_refuse(-EPERM, why,
				     "only root and members of the group " CALLER_GROUP
				     " may record %s; give processes of your own with pid",
				     many);
	return 0;
}

static int check(const struct wish *w, const struct options *serve, const struct caller *c,
		 struct strbuf *why)
{
	int err = check_rights(&w->o, c, why);

	if (!err && !check_has_target(&w->o))
		err = strbuf_refuse(
			-EINVAL, why,
			"what shall be recorded? give pid, cgroup, container or all, or start the service with -p, -a or --cgroup");
	if (!err)
		err = check_recording(&w->o, why);
	return err ? err : check_limits(&w->o, serve, c, why);
}

int wish_read(struct wish *w, const struct options *serve, const json_t *object, char *const *words,
	      const struct caller *c, struct strbuf *why)
{
	struct wish asked = { 0 };
	static char *none[] = { NULL };
	int err;

	*w = (struct wish){ 0 };
	/* of an option parser the first word is the command */
	err = object ? add_object(&asked, object, why) : 0;
	if (!err && words)
		err = add_words(&asked, words, why);
	if (!err)
		err = add_word(w, "ctrace-bpf", why);
	if (!err)
		err = add_defaults(w, asked.words ? asked.words : none, options_words(serve), why);
	if (!err && asked.words)
		err = add_words(w, asked.words, why);
	if (!err)
		err = options_parse(&w->o, FOR_SERVE, (int)w->nwords, w->words, why) ? -EINVAL : 0;
	if (!err)
		err = check(w, serve, c, why);
	wish_free(&asked);
	return err;
}

void wish_free(struct wish *w)
{
	size_t i;

	options_free(&w->o);
	for (i = 0; i < w->nwords; i++)
		free(w->words[i]);
	free(w->words);
	*w = (struct wish){ 0 };
}

static void add_pids(const struct options *o, struct strbuf *out)
{
	struct proc_info info;
	size_t i;

	if (o->npid == 1 && !procfs_status(o->pid[0], &info)) {
		strbuf_addf(out, "process %u (%s)", o->pid[0], info.comm);
		return;
	}
	strbuf_addf(out, "process%s %u", o->npid > 1 ? "es" : "", o->pid[0]);
	for (i = 1; i < o->npid && i < 8; i++)
		strbuf_addf(out, "%s%u", i + 1 < o->npid ? ", " : " and ", o->pid[i]);
	if (i < o->npid)
		strbuf_addf(out, " and %zu more", o->npid - i);
}

void wish_words(const struct options *o, struct strbuf *out)
{
	if (o->npid)
		add_pids(o, out);
	else if (o->all)
		strbuf_addstr(out, "the whole system");
	else if (o->cgroup)
		strbuf_addf(out, "control group %s", o->cgroup);
	else if (o->container)
		strbuf_addf(out, "container %s", o->container);
}
