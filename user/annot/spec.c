// SPDX-License-Identifier: BSD-2-Clause
/* See spec.h. */
#include "annot/spec.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define NAME_ARG_MAX 12 /* a marker has no more arguments */

static const char *option_of(enum annot_spec_kind kind)
{
	return kind == SPEC_REGION ? "--region" : kind == SPEC_USDT ? "--usdt" : "--usdt-region";
}

static const char *form_of(enum annot_spec_kind kind)
{
	return kind == SPEC_REGION ? "BIN:FUNC, such as libpq.so:PQexec" :
	       kind == SPEC_USDT   ? "BIN:PROVIDER:NAME, such as postgres:postgresql:query__start" :
				     "BIN:PROVIDER:BEGIN,END, such as "
				     "postgres:postgresql:query__start,query__done";
}

static int refuse(const struct annot_spec *s, struct strbuf *why, const char *what)
{
	strbuf_set_f(why, "%s %s: %s; write %s", option_of(s->kind), s->text, what,
		     form_of(s->kind));
	return -EINVAL;
}

/* ---- BIN ---- */

/*
 * The colon that ends BIN: the first of an odd number of them, since pairs belong to names of C++
 * and Rust, and one that a backslash stands before belongs to the path.
 */
static char *end_of_bin(char *text)
{
	size_t run;
	char *p;

	for (p = text; *p; p += run) {
		run = strspn(p, ":");
		if (run % 2)
			return p;
		if (!run)
			run = *p == '\\' && p[1] ? 2 : 1;
	}
	return NULL;
}

/* Takes the backslashes before colons away; others are fnmatch's. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (*s != '\\' || s[1] != ':')
			*to++ = *s;
	*to = '\0';
}

static int take_bin(struct annot_spec *s, char **rest, struct strbuf *why)
{
	char *colon;

	s->bin = xstrdup(s->text);
	colon = end_of_bin(s->bin);
	if (!colon)
		return refuse(s, why, "there is no colon behind the file");
	*colon = '\0';
	*rest = colon + 1;
	unescape(s->bin);
	if (!*s->bin)
		return refuse(s, why, "the file is missing");
	if (s->bin[strlen(s->bin) - 1] == '/')
		return refuse(s, why, "the file is a directory");
	return 0;
}

/* ---- what is behind it ---- */

/*
 * A colon that stands alone in the name of a function is a path with a colon in it, most likely:
 * the first was taken for the end of BIN.
 */
static int take_func(struct annot_spec *s, const char *rest, struct strbuf *why)
{
	const char *p;

	if (!*rest)
		return refuse(s, why, "the function is missing");
	for (p = rest; *p; p++) {
		if (*p == ':' && p[1] == ':')
			p++;
		else if (*p == ':')
			return refuse(s, why,
				      "no function has a single colon in its name; "
				      "a colon in a path is written \\:");
	}
	s->func = xstrdup(rest);
	return 0;
}

/* Behind the END of a region: which argument of BEGIN names it. */
static int take_arg(struct annot_spec *s, const char *word, struct strbuf *why)
{
	uint64_t n;

	if (strncmp(word, "arg", 3) || parse_u64(word + 3, &n) || !n || n > NAME_ARG_MAX)
		return refuse(s, why, "what stands behind the last colon is none of arg1 to arg12");
	s->name_arg = (unsigned)n;
	return 0;
}

static int take_names(struct annot_spec *s, char *names, struct strbuf *why)
{
	size_t cap = 0;
	char *one;

	s->name = xstrdup(strsep(&names, ","));
	while ((one = strsep(&names, ","))) {
		if (!*one)
			return refuse(s, why, "a marker that ends it has no name");
		s->end = xgrow(s->end, s->nend, &cap, sizeof(*s->end));
		s->end[s->nend++] = xstrdup(one);
	}
	if (!*s->name)
		return refuse(s, why, "the marker is missing");
	if (s->kind == SPEC_USDT && s->nend)
		return refuse(s, why, "it is one marker; a region has two");
	if (s->kind == SPEC_USDT_REGION && !s->nend)
		return refuse(s, why, "the marker that ends it is missing");
	return 0;
}

static int take_marker(struct annot_spec *s, char *rest, struct strbuf *why)
{
	char *provider = strsep(&rest, ":"), *names = strsep(&rest, ":"), *arg = rest;
	int err;

	if (!*provider || !names)
		return refuse(s, why, "the provider or the marker is missing");
	s->provider = xstrdup(provider);
	err = take_names(s, names, why);
	if (err || !arg)
		return err;
	if (s->kind == SPEC_USDT)
		return refuse(s, why,
			      "there is one colon too many; a colon in a path is written \\:");
	return take_arg(s, arg, why);
}

int annot_spec_parse(struct annot_spec *s, enum annot_spec_kind kind, const char *text,
		     struct strbuf *why)
{
	char *rest;
	int err;

	*s = (struct annot_spec){ .kind = kind, .text = xstrdup(text) };
	err = take_bin(s, &rest, why);
	if (err)
		return err;
	return kind == SPEC_REGION ? take_func(s, rest, why) : take_marker(s, rest, why);
}

void annot_spec_free(struct annot_spec *s)
{
	size_t i;

	for (i = 0; i < s->nend; i++)
		free(s->end[i]);
	free(s->end);
	free(s->text);
	free(s->bin);
	free(s->func);
	free(s->provider);
	free(s->name);
	*s = (struct annot_spec){ 0 };
}

/* ---- which files ---- */

/* "libpq.so" is "libpq.so.5.15" too: what follows is a version. */
static bool is_version(const char *s)
{
	return *s == '.' && s[1] && strspn(s, ".0123456789") == strlen(s);
}

static bool matches_name(const char *glob, const char *name)
{
	size_t len = strlen(glob);
	char *versioned;
	bool yes;

	if (!strcmp(glob, name) || !fnmatch(glob, name, 0))
		return true;
	if (len < 3 || strcmp(glob + len - 3, ".so"))
		return false;
	if (!strncmp(glob, name, len) && is_version(name + len))
		return true;
	/* the same where the rest of it is a glob: the version is cut off the name */
	versioned = strstr(name, ".so.");
	if (!versioned || !is_version(versioned + 3))
		return false;
	versioned = strndup(name, (size_t)(versioned + 3 - name));
	yes = versioned && !fnmatch(glob, versioned, 0);
	free(versioned);
	return yes;
}

bool annot_spec_matches(const struct annot_spec *s, const char *path)
{
	const char *base = strrchr(path, '/');

	if (strchr(s->bin, '/'))
		return matches_name(s->bin, path);
	return matches_name(s->bin, base ? base + 1 : path);
}
