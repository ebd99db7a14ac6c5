// SPDX-License-Identifier: BSD-2-Clause
/* See console.h. */
#include "console/console.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "console/history.h"
#include "console/known.h"
#include "console/line.h"
#include "console/show.h"
#include "console/words.h"
#include "util/env.h"
#include "util/harmless.h"
#include "util/strbuf.h"

#define PROMPT "> "
#define SPACE_BYTES "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define EXCERPT 60 /* bytes of a line before and behind the place of an error */

struct console {
	const struct console_opts *opts;
	json_t *spaces; /* what rpc_modules() said; NULL: nothing */
	bool colors;
	bool leave; /* exit was said */
};

static bool has_colors(void)
{
	const char *no = getenv(ENV_NO_COLOR), *term = getenv(ENV_TERM);

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

/* ---- what is said ---- */

static void say(const struct strbuf *text)
{
	fwrite(text->buf, 1, text->len, stdout);
	putchar('\n');
	fflush(stdout);
}

/* What a script has printed before stands before it. */
static void complain(const char *kind, const char *sentence)
{
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", kind, sentence);
}

static size_t columns(const char *s, size_t len)
{
	size_t n = 0, i;

	for (i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static bool is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The place, with what is around it, and a caret below. */
static void point_at(const char *line, size_t at)
{
	size_t from = at > EXCERPT ? at - EXCERPT : 0, to = at + EXCERPT, i;
	size_t len = strlen(line);

	to = to < len ? to : len;
	while (from && is_inside(line[from]))
		from--;
	while (to < len && is_inside(line[to]))
		to++;
	fflush(stdout);
	fputs("  ", stderr);
	for (i = from; i < to; i++)
		putc((unsigned char)line[i] < ' ' || line[i] == 0x7f ? ' ' : line[i], stderr);
	fprintf(stderr, "\n  %*s^\n", (int)columns(line + from, at - from), "");
}

static void show_result(const struct console *c, const json_t *result)
{
	struct strbuf text = STRBUF_INIT;
	char *json;

	if (c->opts->json) {
		json = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
		strbuf_addstr(&text, json ? json : "null");
		free(json);
	} else {
		show_value(&text, result, c->colors);
	}
	say(&text);
	strbuf_free(&text);
}

/* ---- one line ---- */

static int call(struct console *c, const struct words *w)
{
	struct strbuf method = STRBUF_INIT, why = STRBUF_INIT;
	json_t *result;
	int err;

	strbuf_addf(&method, "%s_%s", w->space, w->name);
	err = client__call(c->opts->client, method.buf, w->args, NULL, 0, &result, NULL, &why);
	if (err == -EINTR)
		putchar('\n'); /* the terminal shows ^C */
	if (err)
		complain("Error", why.buf);
	else
		show_result(c, result);
	json_decref(result);
	strbuf_free(&method);
	strbuf_free(&why);
	return err;
}

/* What has a name: it is told of, or asked for where that needs no (). */
static int name(struct console *c, const struct words *w)
{
	const struct known_method *m = w->name ? known_find(w->space, w->name) : NULL;
	struct strbuf text = STRBUF_INIT;
	int err = 0;

	if (m && m->bare)
		return call(c, w);
	if (known_tell(&text, w->space, w->name, c->spaces)) {
		say(&text);
	} else if (w->name) {
		strbuf_addf(&text, "%s.%s is not known here; to call it write %s.%s()", w->space,
			    w->name, w->space, w->name);
		complain("TypeError", text.buf);
		err = -EINVAL;
	} else {
		strbuf_addf(&text, "%s is not defined; help lists what is", w->space);
		complain("ReferenceError", text.buf);
		err = -EINVAL;
	}
	strbuf_free(&text);
	return err;
}

static int help(const struct words *w)
{
	struct strbuf text = STRBUF_INIT;
	int err = 0;

	if (known_help(&text, w->space, w->name)) {
		fputs(text.buf, stdout);
		fflush(stdout);
	} else {
		strbuf_addf(&text, "there is no help of %s%s%s; help lists what there is", w->space,
			    w->name ? "." : "", w->name ? w->name : "");
		complain("Error", text.buf);
		err = -EINVAL;
	}
	strbuf_free(&text);
	return err;
}

/* 0 or -errno; what went wrong is told. */
static int do_line(struct console *c, const char *line)
{
	struct strbuf why = STRBUF_INIT;
	struct words w;
	size_t at;
	int err = words_parse(&w, line, &at, &why);

	if (err) {
		point_at(line, at);
		complain("SyntaxError", why.buf);
	} else if (w.kind == WORDS_CALL) {
		err = call(c, &w);
	} else if (w.kind == WORDS_NAME) {
		err = name(c, &w);
	} else if (w.kind == WORDS_HELP) {
		err = help(&w);
	} else if (w.kind == WORDS_EXIT) {
		c->leave = true;
	}
	words_free(&w);
	strbuf_free(&why);
	return err;
}

/* ---- lines of a script ---- */

static enum exit_code run_exec(struct console *c)
{
	size_t i;

	for (i = 0; i < c->opts->nexec && !c->leave; i++)
		if (do_line(c, c->opts->exec[i]))
			return EXIT_FAILED;
	return EXIT_FINE;
}

static enum exit_code run_stdin(struct console *c)
{
	enum exit_code code = EXIT_FINE;
	size_t cap = 0;
	char *line = NULL;
	ssize_t n;

	while (code == EXIT_FINE && !c->leave && !ferror(stdout) &&
	       (n = getline(&line, &cap, stdin)) > 0) {
		if (strlen(line) != (size_t)n) {
			complain("SyntaxError", "a NUL is in the line: that is no text");
			code = EXIT_FAILED;
			break;
		}
		while (n && strchr("\r\n", line[n - 1]))
			line[--n] = 0;
		if (do_line(c, line))
			code = EXIT_FAILED;
	}
	free(line);
	return code;
}

/* ---- at a terminal ---- */

static json_t *ask(struct console *c, const char *method, int *err, struct strbuf *why)
{
	json_t *result = NULL;

	*err = client__call(c->opts->client, method, NULL, NULL, 0, &result, NULL, why);
	return result;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void add_spaces(struct strbuf *out, const json_t *spaces)
{
	const char *space;
	json_t *v;

	strbuf_addstr(out, " modules:");
	json_object_foreach((json_t *)spaces, space, v) {
		strbuf_addf(out, " %s:", space);
		add_harmless(out, json_is_string(v) ? json_string_value(v) : "?");
	}
	strbuf_addch(out, '\n');
}

/* What it says of itself may have any character. */
static void welcome(const struct console *c, const json_t *status)
{
	const char *version = text_of(status, "version"), *target = text_of(status, "target");
	const char *caller = text_of(status, "caller"), *rights = text_of(status, "rights");
	struct strbuf out = STRBUF_INIT;

	strbuf_addf(&out, "Welcome to the console of ctrace-bpf%s", version ? " " : "");
	add_harmless(&out, version ? version : "");
	strbuf_addf(&out, " at %s\n", client__where(c->opts->client));
	if (json_object_size(c->spaces))
		add_spaces(&out, c->spaces);
	if (status) {
		strbuf_addstr(&out, " records: ");
		add_harmless(&out, target ?
					   target :
					   "what a call names, as {pid: 42}; nothing else is said");
		strbuf_addch(&out, '\n');
	}
	if (caller) {
		strbuf_addstr(&out, " you are: ");
		add_harmless(&out, caller);
		strbuf_addf(&out, "%s\n",
			    rights && !strcmp(rights, "own") ?
				    ", who may record his own processes" :
				    "");
	}
	strbuf_addstr(&out, "help lists what can be called; exit or Ctrl-D leaves.");
	say(&out);
	strbuf_free(&out);
}

static size_t complete(void *ctx, struct strbuf *words, const char *line, size_t len)
{
	return known_complete(words, line, len, ((struct console *)ctx)->spaces);
}

/* Those that could be typed: what they are called comes from outside. NULL: it is no object. */
static json_t *take_spaces(const json_t *modules)
{
	json_t *spaces = json_is_object(modules) ? json_object() : NULL, *v;
	const char *space;

	json_object_foreach((json_t *)modules, space, v)
		if (*space && space[strspn(space, SPACE_BYTES)] == 0)
			json_object_set(spaces, space, v);
	return spaces;
}

/* Is somebody there? A service of another kind, geth for one, has not all of the methods. */
static int begin(struct console *c)
{
	struct strbuf why = STRBUF_INIT;
	json_t *modules, *status;
	int err;

	modules = ask(c, "rpc_modules", &err, &why);
	if (err && err != -EPROTO) {
		complain("ctrace-bpf", why.buf);
		strbuf_free(&why);
		return err;
	}
	c->spaces = take_spaces(modules);
	json_decref(modules);
	status = ask(c, "ctrace_status", &err, &why);
	welcome(c, status);
	json_decref(status);
	strbuf_free(&why);
	return 0;
}

static enum exit_code run_terminal(struct console *c)
{
	struct strbuf path = STRBUF_INIT;
	struct line *l;
	const char *text;
	int err = begin(c);

	if (err)
		return EXIT_FAILED;
	history_path(&path);
	l = line__new(&(struct line_opts){
		.prompt = PROMPT,
		.history = path.buf,
		.complete = complete,
		.ctx = c,
	});
	strbuf_free(&path);
	if (!l)
		return run_stdin(c);
	client__watch(c->opts->client, line__cancel_fd(l));
	while (!c->leave && err != -ENODATA) {
		err = line__read(l, &text);
		if (!err) {
			do_line(c, text);
			err = line__cancelled(l);
		}
	}
	client__watch(c->opts->client, -1);
	line__free(l);
	return EXIT_FINE;
}

enum exit_code console_run(const struct console_opts *opts)
{
	struct console c = { .opts = opts, .colors = has_colors() };
	enum exit_code code;

	if (opts->nexec)
		code = run_exec(&c);
	else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		code = run_terminal(&c);
	else
		code = run_stdin(&c);
	json_decref(c.spaces);
	return code;
}
