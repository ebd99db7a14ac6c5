// SPDX-License-Identifier: BSD-2-Clause
/* See known.h. */
#include "console/known.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/strbuf.h"
#include "util/xalloc.h"

const struct known_method known_methods[] = {
	{ "ctrace", "processes", "name", "[name]",
	  "lists the processes that you may record; name is a part of a name or path, or a glob",
	  true },
	{ "ctrace", "status", "", "",
	  "tells the service's version, what it records when nothing is said, and the recordings that are under way",
	  true },
	{ "ctrace", "stop", "id", "id",
	  "ends the recording of this number, which ctrace.status tells", false },
	{ "debug", "goTrace", "file, seconds, what", "file, seconds[, what]",
	  "records for so many seconds, and returns when the file is complete", false },
	{ "debug", "snapshotGoTrace", "file", "file",
	  "writes what the flight recorder has; it needs serve --flight-recorder", false },
	{ "debug", "startGoTrace", "file, what", "file[, what]",
	  "begins a recording, one at a time for each user", false },
	{ "debug", "stopGoTrace", "", "", "ends it, and returns when the file is complete", false },
	{ "rpc", "modules", "", "", "lists the namespaces of the service", true },
	{ 0 },
};

const struct known_method *known_find(const char *space, const char *name)
{
	const struct known_method *m;

	for (m = known_methods; m->name; m++)
		if (!strcmp(m->space, space) && !strcmp(m->name, name))
			return m;
	return NULL;
}

static bool is_known_space(const char *space)
{
	const struct known_method *m;

	for (m = known_methods; m->name; m++)
		if (!strcmp(m->space, space))
			return true;
	return false;
}

/* ---- telling ---- */

static void tell_space(struct strbuf *out, const char *space)
{
	const struct known_method *m;
	const char *comma = "";

	strbuf_addstr(out, "{\n");
	for (m = known_methods; m->name; m++) {
		if (strcmp(m->space, space))
			continue;
		strbuf_addf(out, "%s  %s: function(%s)", comma, m->name, m->args);
		comma = ",\n";
	}
	strbuf_addf(out, "%s}", *comma ? "\n" : "");
}

bool known_tell(struct strbuf *out, const char *space, const char *name, const json_t *spaces)
{
	const struct known_method *m = name ? known_find(space, name) : NULL;

	if (m)
		strbuf_addf(out, "function(%s)", m->args);
	else if (!name && (is_known_space(space) || json_object_get(spaces, space)))
		tell_space(out, space);
	else
		return false;
	return true;
}

static void add_usage(struct strbuf *out, const struct known_method *m)
{
	struct strbuf usage = STRBUF_INIT;

	strbuf_addf(&usage, "%s.%s(%s)", m->space, m->name, m->usage);
	strbuf_addf(out, "  %-40s %s\n", usage.buf, m->help);
	strbuf_free(&usage);
}

static bool is_meant(const struct known_method *m, const char *space, const char *name)
{
	return (!space || !strcmp(m->space, space)) && (!name || !strcmp(m->name, name));
}

bool known_help(struct strbuf *out, const char *space, const char *name)
{
	const struct known_method *m;
	bool found = false, what = false;

	for (m = known_methods; m->name; m++) {
		if (!is_meant(m, space, name))
			continue;
		add_usage(out, m);
		found = true;
		what |= strstr(m->args, "what") != NULL;
	}
	if (!found)
		return false;
	if (what)
		strbuf_addstr(
			out,
			"\nfile is a name beneath the directory of ctrace-bpf serve. what is an object of options of a\n"
			"recording, such as {pid: 42}, {cgroup: \"/system.slice/x.service\", sample: 99}, {all: true}, or\n"
			"{pid: 42, region: [\"libc.so.6:malloc\"]}; without it the service records what it was started for.\n"
			"\n"
			"  > debug.goTrace(\"go.trace\", 5)\n"
			"  > debug.startGoTrace(\"go.trace\")\n"
			"  > debug.stopGoTrace()\n");
	if (!space)
		strbuf_addstr(
			out,
			"\ndebug lists the methods of a namespace; help debug.goTrace tells of one. Tab completes, the arrows\n"
			"bring back earlier lines. Ctrl-C clears the line, or no longer waits for a call, which goes on.\n"
			"exit, quit or Ctrl-D leaves.\n");
	return true;
}

/* ---- completing ---- */

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '.';
}

/* Words to choose from. */
struct offer {
	const char *word; /* what is there */
	size_t len;
	char **v;
	size_t cnt, cap;
};

static void offer(struct offer *o, const char *space, const char *dot, const char *name,
		  const char *end)
{
	struct strbuf sb = STRBUF_INIT;
	size_t i;

	strbuf_addf(&sb, "%s%s%s%s", space, dot, name, end);
	for (i = 0; i < o->cnt && strcmp(o->v[i], sb.buf); i++)
		;
	if (i < o->cnt || strncmp(sb.buf, o->word, o->len)) {
		strbuf_free(&sb);
		return;
	}
	o->v = xgrow(o->v, o->cnt, &o->cap, sizeof(*o->v));
	o->v[o->cnt++] = sb.buf; /* and its memory */
}

static void offer_spaces(struct offer *o, const json_t *spaces, const char *dot)
{
	const struct known_method *m;
	const char *space;
	json_t *v;

	json_object_foreach((json_t *)spaces, space, v)
		offer(o, space, dot, "", "");
	for (m = known_methods; m->name && !spaces; m++)
		offer(o, m->space, dot, "", "");
}

static void offer_methods(struct offer *o, const json_t *spaces, bool help)
{
	const struct known_method *m;

	for (m = known_methods; m->name; m++)
		if (!spaces || json_object_get(spaces, m->space))
			offer(o, m->space, ".", m->name,
			      help || m->bare ? "" :
			      *m->args	      ? "(" :
						"()");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t known_complete(struct strbuf *words, const char *line, size_t len, const json_t *spaces)
{
	struct offer o = { 0 };
	size_t begin = len, first = 0, i;
	bool help;

	while (begin && is_word_byte(line[begin - 1]))
		begin--;
	while (first < len && isspace((unsigned char)line[first]))
		first++;
	help = begin > first && len - first > 4 && !strncmp(line + first, "help", 4) &&
	       isspace((unsigned char)line[first + 4]);
	for (i = first + 4; help && i < begin; i++)
		help = isspace((unsigned char)line[i]);
	if (begin > first && !help) /* arguments: nothing of ours */
		return 0;
	o.word = line + begin;
	o.len = len - begin;
	if (memchr(o.word, '.', o.len)) {
		offer_methods(&o, spaces, help);
	} else {
		offer_spaces(&o, spaces, ".");
		if (!help) {
			offer(&o, "exit", "", "", "");
			offer(&o, "help", "", "", "");
		}
	}
	if (o.cnt)
		qsort(o.v, o.cnt, sizeof(*o.v), by_name);
	for (i = 0; i < o.cnt; i++) {
		strbuf_addf(words, "%s\n", o.v[i]);
		free(o.v[i]);
	}
	free(o.v);
	return o.len;
}
