// SPDX-License-Identifier: BSD-2-Clause
/* See optkind.h. */
#include "cli/optkind.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

bool opt_may_be_bare(const struct opt_row *row)
{
	return row->arg && row->arg[0] == '[';
}

/* ---- refusals ---- */

static void add_words(struct strbuf *out, const struct opt_row *row)
{
	const struct opt_word *w;
	const char *comma = row->kind == OPT_WORDS ? "one or more of " : "one of ";

	for (w = row->words; w->word; w++) {
		if (w->no || (row->kind == OPT_WORDS && !w->value))
			continue;
		strbuf_addf(out, "%s%s", comma, w->word);
		comma = ", ";
	}
	for (w = row->words; row->kind == OPT_WORDS && w->word; w++)
		if (!w->no && !w->value)
			strbuf_addf(out, ", or %s", w->word);
}

static uint64_t max_of(const struct opt_row *row)
{
	if (row->max)
		return row->max;
	return row->kind == OPT_PERCENT ? 100 : row->kind == OPT_NUMBER ? UINT_MAX : UINT64_MAX;
}

static void add_way(struct strbuf *out, const struct opt_row *row)
{
	const char *unit = row->kind == OPT_PERCENT ? "%" : "";

	if (row->way)
		strbuf_addstr(out, row->way);
	else if (row->kind == OPT_WORD || row->kind == OPT_WORDS)
		add_words(out, row);
	else if (row->kind == OPT_DURATION)
		strbuf_addstr(out, "5, 5s, 500ms or 1m");
	else if (row->kind == OPT_SIZE)
		strbuf_addstr(out, "65536, 64M or 1G");
	else if (row->kind == OPT_NUMBER || row->kind == OPT_PERCENT)
		strbuf_addf(out, "%" PRIu64 "%s to %" PRIu64 "%s", row->min, unit, max_of(row),
			    unit);
	else
		strbuf_addstr(out, row->arg);
}

int opt_refuse(const struct opt_row *row, const char *arg, struct strbuf *why, const char *reason,
	       ...)
{
	va_list ap;

	if (row->letter)
		strbuf_set_f(why, "-%c%s%s: ", row->letter, *arg ? " " : "", arg);
	else
		strbuf_set_f(why, "--%s%s%s: ", row->name, *arg ? "=" : "", arg);
	va_start(ap, reason);
	strbuf_addv(why, reason, ap);
	va_end(ap);
	strbuf_addstr(why, "; write ");
	add_way(why, row);
	return -EINVAL;
}

/* ---- numbers ---- */

static int parse_percent(const char *arg, uint64_t *v)
{
	size_t len = strlen(arg);
	char *digits;
	int err;

	if (!len || arg[len - 1] != '%')
		return parse_u64(arg, v);
	digits = xstrdup(arg);
	digits[len - 1] = 0;
	err = parse_u64(digits, v);
	free(digits);
	return err;
}

static const char *what_of(const struct opt_row *row)
{
	return row->what		 ? row->what :
	       row->kind == OPT_DURATION ? "a duration" :
	       row->kind == OPT_SIZE	 ? "a size" :
	       row->kind == OPT_PERCENT	 ? "a percentage" :
					   "a number";
}

static int parse_number(const struct opt_row *row, const char *arg, uint64_t *v)
{
	return row->kind == OPT_DURATION ? parse_duration(arg, v) :
	       row->kind == OPT_SIZE	 ? parse_size(arg, v) :
	       row->kind == OPT_PERCENT	 ? parse_percent(arg, v) :
					   parse_u64(arg, v);
}

static int read_number(const struct opt_row *row, const char *arg, uint64_t *v, struct strbuf *why)
{
	int err = parse_number(row, arg, v);

	if (err == -EINVAL)
		return opt_refuse(row, arg, why, "not %s", what_of(row));
	if (err || *v > max_of(row))
		return opt_refuse(row, arg, why, "%s", row->high ? row->high : "too large");
	if (*v < row->min)
		return opt_refuse(row, arg, why, "%s", row->low ? row->low : "too small");
	return 0;
}

static int set_u64(const struct opt_row *row, uint64_t *field, const char *arg, struct strbuf *why)
{
	uint64_t v;
	int err = read_number(row, arg, &v, why);

	if (!err)
		*field = v;
	return err;
}

static int set_unsigned(const struct opt_row *row, unsigned *field, const char *arg,
			struct strbuf *why)
{
	uint64_t v = row->unsaid;
	int err = arg ? read_number(row, arg, &v, why) : 0;

	if (!err)
		*field = (unsigned)v;
	return err;
}

/* ---- words ---- */

static const struct opt_word *find_word(const struct opt_row *row, const char *word)
{
	const struct opt_word *w;

	for (w = row->words; w && w->word; w++)
		if (!strcmp(w->word, word))
			return w;
	return NULL;
}

static int set_word(const struct opt_row *row, unsigned *field, const char *arg, struct strbuf *why)
{
	const struct opt_word *w = find_word(row, arg);

	if (!w || w->no)
		return opt_refuse(row, arg, why, "%s", w ? w->no : "not a known word");
	*field = w->value;
	return 0;
}

static int set_words(const struct opt_row *row, unsigned *field, const char *arg,
		     struct strbuf *why)
{
	char *list = xstrdup(arg), *at = list, *one;
	const struct opt_word *w;
	unsigned all = 0;
	int err = 0;

	while (!err && (one = strsep(&at, ","))) {
		w = find_word(row, one);
		if (!w || w->no)
			err = opt_refuse(row, arg, why, "'%s'%s%s", one, w ? ": " : " ",
					 w ? w->no : "is not a known word");
		else if (!w->value && strcmp(one, arg))
			err = opt_refuse(row, arg, why, "'%s' stands alone", one);
		else
			all |= w->value;
	}
	free(list);
	if (!err)
		*field = all;
	return err;
}

/* ---- strings ---- */

static int check_string(const struct opt_row *row, const char *arg, struct strbuf *why)
{
	const struct opt_word *w = find_word(row, arg);

	if (!*arg)
		return opt_refuse(row, arg, why, "%s is missing", row->what);
	return w ? opt_refuse(row, arg, why, "%s", w->no) : 0;
}

static int set_string(const struct opt_row *row, const char **field, const char *arg,
		      struct strbuf *why)
{
	int err = check_string(row, arg, why);

	if (!err && row->once && *field && strcmp(*field, arg)) {
		strbuf_set_f(why, "--%s=%s: there is a --%s=%s already; give one of them",
			     row->name, arg, row->name, *field);
		err = -EINVAL;
	}
	if (!err)
		*field = arg;
	return err;
}

static int add_string(const struct opt_row *row, struct opt_strings *field, const char *arg,
		      struct strbuf *why)
{
	int err = check_string(row, arg, why);

	if (err)
		return err;
	field->v = xgrow(field->v, field->cnt, &field->cap, sizeof(*field->v));
	field->v[field->cnt++] = arg;
	return 0;
}

int opt_set(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	void *field = (char *)options + row->at;

	switch (row->kind) {
	case OPT_HEADING:
	case OPT_STOP:
		break;
	case OPT_FLAG:
		*(bool *)field = true;
		break;
	case OPT_STRING:
		return set_string(row, field, arg, why);
	case OPT_STRINGS:
		return add_string(row, field, arg, why);
	case OPT_NUMBER:
	case OPT_PERCENT:
		return set_unsigned(row, field, arg, why);
	case OPT_DURATION:
	case OPT_SIZE:
		return set_u64(row, field, arg, why);
	case OPT_WORD:
		return set_word(row, field, arg, why);
	case OPT_WORDS:
		return set_words(row, field, arg, why);
	case OPT_OWN:
		return row->set(row, options, arg, why);
	}
	return 0;
}
