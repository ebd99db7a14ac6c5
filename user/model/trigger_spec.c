// SPDX-License-Identifier: BSD-2-Clause
/* See trigger_spec.h. */
#include "model/trigger_spec.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define EXIT_CODE_MAX 255

enum has { HAS_NO = 0, HAS_MAY, HAS_MUST };

/* What a kind has behind it. */
static const struct form {
	const char *word;
	enum has name;
	bool time;
	const char *example;
} forms[TRIGGER_KINDS] = {
	[TRIGGER_REGION] = { "region", HAS_MAY, true, "'region:query>10ms'" },
	[TRIGGER_TASK] = { "task", HAS_MAY, true, "'task:order>1s'" },
	[TRIGGER_LOG] = { "log", HAS_MUST, false, "log:error or 'log:error:*timeout*'" },
	[TRIGGER_RUNNABLE] = { "runnable", HAS_MAY, true, "'runnable>5ms'" },
	[TRIGGER_OFFCPU] = { "offcpu", HAS_MAY, true, "'offcpu:worker*>100ms'" },
	[TRIGGER_SYSCALL] = { "syscall", HAS_MAY, true, "'syscall:fsync>50ms'" },
	[TRIGGER_SIGNAL] = { "signal", HAS_MAY, false, "signal or signal:SIGSEGV" },
	[TRIGGER_EXIT] = { "exit", HAS_MAY, false, "exit or exit:3" },
	[TRIGGER_END] = { "end", HAS_NO, false, "end" },
};

static const struct form *form_of(const char *word, size_t len)
{
	const struct form *f;

	for (f = forms; f < forms + TRIGGER_KINDS; f++)
		if (strlen(f->word) == len && !memcmp(f->word, word, len))
			return f;
	return NULL;
}

static int no_such_kind(const char *word, size_t len, struct strbuf *why)
{
	const struct form *f;

	strbuf_set_f(why, "'%.*s' is nothing to wait for; there are", (int)len, word);
	for (f = forms; f < forms + TRIGGER_KINDS; f++)
		strbuf_addf(why, "%s %s", f == forms ? "" : ",", f->word);
	return -EINVAL;
}

/* SIGSEGV, SEGV, 11 */
static int parse_signal(const char *name, int *nr)
{
	const char *word = strncmp(name, "SIG", 3) ? name : name + 3, *abbrev;
	uint64_t v;
	int i;

	if (!parse_u64(name, &v) && v && v < NSIG) {
		*nr = (int)v;
		return 0;
	}
	for (i = 1; i < NSIG; i++) {
		abbrev = sigabbrev_np(i);
		if (abbrev && !strcmp(abbrev, word)) {
			*nr = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_code(struct trigger_spec *s, struct strbuf *why)
{
	uint64_t v;

	if (s->kind == TRIGGER_SIGNAL && parse_signal(s->name, &s->code)) {
		strbuf_set_f(why, "'%s' is no signal", s->name);
		return -EINVAL;
	}
	if (s->kind == TRIGGER_EXIT) {
		if (parse_u64(s->name, &v) || v > EXIT_CODE_MAX) {
			strbuf_set_f(why, "'%s' is no exit code: they go from 0 to %d", s->name,
				     EXIT_CODE_MAX);
			return -EINVAL;
		}
		s->code = (int)v;
	}
	return 0;
}

/* The time behind the last '>', which ends there. Names may have others in them. */
static int parse_time(struct trigger_spec *s, const struct form *f, char *rest, struct strbuf *why)
{
	char *at = strrchr(rest, '>');

	if (!f->time && !at)
		return 0;
	if (!f->time) {
		if (s->kind == TRIGGER_LOG) /* it is part of a glob */
			return 0;
		strbuf_set_f(why, "%s takes no time; write %s", f->word, f->example);
		return -EINVAL;
	}
	if (!at) {
		strbuf_set_f(why, "longer than what? write %s, in quotes: the shell knows > too",
			     f->example);
		return -EINVAL;
	}
	if (parse_duration(at + 1, &s->ns)) {
		strbuf_set_f(why, "'%s' is no time; write %s", at + 1, f->example);
		return -EINVAL;
	}
	*at = 0;
	return 0;
}

static int parse_name(struct trigger_spec *s, const struct form *f, const char *rest,
		      struct strbuf *why)
{
	const char *colon;

	if (*rest && f->name == HAS_NO) {
		strbuf_set_f(why, "%s stands alone", f->word);
		return -EINVAL;
	}
	if (!*rest && f->name == HAS_MUST) {
		strbuf_set_f(why, "which %s? write %s", f->word, f->example);
		return -EINVAL;
	}
	if (!*rest)
		return 0;
	rest++;
	if (!*rest || *rest == ':') {
		strbuf_set_f(why, "a name is missing behind %s; write %s", f->word, f->example);
		return -EINVAL;
	}
	colon = s->kind == TRIGGER_LOG ? strchr(rest, ':') : NULL;
	s->name = colon ? strndup(rest, (size_t)(colon - rest)) : xstrdup(rest);
	if (colon)
		s->message = xstrdup(colon + 1);
	return parse_code(s, why);
}

int trigger_spec_parse(struct trigger_spec *s, const char *text, struct strbuf *why)
{
	size_t len = strcspn(text, ":>");
	const struct form *f = form_of(text, len);
	char *rest;
	int err;

	*s = (struct trigger_spec){ .text = xstrdup(text), .code = -1 };
	if (!f)
		return no_such_kind(text, len, why);
	s->kind = (enum trigger_kind)(f - forms);
	rest = xstrdup(text + len);
	err = parse_time(s, f, rest, why);
	if (!err)
		err = parse_name(s, f, rest, why);
	free(rest);
	return err;
}

void trigger_spec_free(struct trigger_spec *s)
{
	free(s->text);
	free(s->name);
	free(s->message);
	*s = (struct trigger_spec){ 0 };
}
