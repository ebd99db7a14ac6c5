// SPDX-License-Identifier: BSD-2-Clause
/* See spec.h. */
#include "annot/spec.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* The file that a path is in the end; NULL: itself, or none. */
static char *other_path(const char *path)
{
	char *real = realpath(path, NULL);

	if (real && !strcmp(real, path)) {
		free(real);
		real = NULL;
	}
	return real;
}

/* The same of a command that is called by its name. */
static char *in_path(const char *name)
{
	const char *dir = getenv("PATH");
	struct strbuf file = STRBUF_INIT;
	char *real = NULL;
	struct stat st;
	size_t len;

	for (; dir && *dir; dir += len + !!dir[len]) {
		len = strcspn(dir, ":");
		strbuf_reset(&file);
		strbuf_add(&file, dir, len);
		strbuf_addf(&file, "/%s", name);
		if (*file.buf != '/' || lstat(file.buf, &st))
			continue;
		if (S_ISLNK(st.st_mode))
			real = realpath(file.buf, NULL);
		break;
	}
	strbuf_free(&file);
	return real;
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
	s->leads_to = strchr(s->bin, '/') ? other_path(s->bin) : in_path(s->bin);
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
	free(s->leads_to);
	free(s->func);
	free(s->provider);
	free(s->name);
	*s = (struct annot_spec){ 0 };
}

/* ---- which files ---- */

static bool is_version(const char *s)
{
	return *s == '.' && s[1] && strspn(s, ".0123456789") == strlen(s);
}

static bool matches_exactly(const char *glob, const char *name)
{
	return !strcmp(glob, name) || !fnmatch(glob, name, 0);
}

/* Also with one number after the other cut off behind ".so". */
static bool matches_name(const char *glob, const char *name)
{
	const char *base = strrchr(name, '/');
	char *shorter, *so, *dot;
	bool yes;

	yes = matches_exactly(glob, name);
	so = strstr(base ? base : name, ".so.");
	if (yes || !so || !is_version(so + 3))
		return yes;
	shorter = xstrdup(name);
	so = shorter + (so - name);
	while (!yes && (dot = strrchr(so + 1, '.'))) {
		*dot = '\0';
		yes = matches_exactly(glob, shorter);
	}
	free(shorter);
	return yes;
}

/* Is it in a directory that is a link into /usr nowadays? */
static bool is_merged(const char *path)
{
	static const char *const dirs[] = { "/lib/",	"/lib64/", "/lib32/",
					    "/libx32/", "/bin/",   "/sbin/" };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!strncmp(path, dirs[i], strlen(dirs[i])))
			return true;
	return false;
}

static char *in_usr(const char *path)
{
	struct strbuf s = STRBUF_INIT;
	char *full;

	strbuf_addf(&s, "%s%s", is_merged(path) ? "/usr" : "", path);
	full = xstrdup(s.buf);
	strbuf_free(&s);
	return full;
}

static bool matches_path(const char *glob, const char *path)
{
	char *g = in_usr(glob), *p = in_usr(path);
	bool yes = matches_name(glob, path) || matches_name(g, p);

	free(g);
	free(p);
	return yes;
}

bool annot_spec_matches(const struct annot_spec *s, const char *path)
{
	const char *base = strrchr(path, '/');

	if (s->leads_to && !strcmp(s->leads_to, path))
		return true;
	if (strchr(s->bin, '/'))
		return matches_path(s->bin, path);
	return matches_name(s->bin, base ? base + 1 : path);
}
