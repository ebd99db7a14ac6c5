/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recordings that begin and end when a test says so, in place of control/recordings.c: the linker
 * brings calls of it here (--wrap). What was wished for is kept, with copies of what is borrowed.
 */
#ifndef CTRACE_TESTS_FAKE_RECORDINGS_H
#define CTRACE_TESTS_FAKE_RECORDINGS_H

#include "helpers.h"

#include "rpc/methods.h"
#include "control/recordings.h"

struct served {
	struct served_wish wish;
	char *file, *object;
	char *words; /* with a blank behind each */
	bool begun, stopped;
	int err;
	const char *why;
	struct served *next;
};

static struct served *under_way; /* the latest first */
static int refuse_err;		 /* of the next start */
static const char *refuse_why = "";
static snapshot_fn snapshot_done_fn;
static void *snapshot_ctx;

const char *__wrap_recordings__flight(const struct recordings *r);
struct served *__wrap_recordings__start(struct recordings *r, const struct served_wish *wish,
					struct strbuf *why);
void __wrap_served__stop(struct served *s);
int __wrap_served__result(const struct served *s, struct strbuf *why);
enum exit_code __wrap_served__code(const struct served *s);
int __wrap_recordings__snapshot(struct recordings *r, const struct caller *c, const char *file,
				snapshot_fn done, void *ctx, struct strbuf *why);
json_t *__wrap_recordings__list(const struct recordings *r, const struct caller *c);
const char *__wrap_recordings__default(const struct recordings *r);

struct served *__wrap_recordings__start(struct recordings *r, const struct served_wish *wish,
					struct strbuf *why)
{
	struct strbuf words = STRBUF_INIT;
	char *const *w;
	struct served *s;

	(void)r;
	if (!refuse_err && wish->door == DOOR_RPC)
		for (s = under_way; s; s = s->next)
			if (s->wish.caller.uid == wish->caller.uid && s->wish.door == DOOR_RPC) {
				strbuf_set_f(why, "trace already in progress");
				errno = EALREADY;
				return NULL;
			}
	if (refuse_err) {
		strbuf_set_f(why, "%s", refuse_why);
		errno = refuse_err;
		refuse_err = 0;
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct served){ .wish = *wish, .next = under_way, .why = "" };
	s->file = wish->file ? xstrdup(wish->file) : NULL;
	s->object = wish->object ? json_dumps(wish->object, JSON_COMPACT) : NULL;
	for (w = wish->words; w && *w; w++)
		strbuf_addf(&words, "%s ", *w);
	s->words = xstrdup(words.buf);
	strbuf_free(&words);
	under_way = s;
	return s;
}

void __wrap_served__stop(struct served *s)
{
	s->stopped = true;
}

int __wrap_served__result(const struct served *s, struct strbuf *why)
{
	strbuf_set_f(why, "%s", s->why);
	return s->err;
}

enum exit_code __wrap_served__code(const struct served *s)
{
	return s->err ? EXIT_FAILED : EXIT_FINE;
}

int __wrap_recordings__snapshot(struct recordings *r, const struct caller *c, const char *file,
				snapshot_fn done, void *ctx, struct strbuf *why)
{
	(void)r;
	(void)c;
	if (strcmp(file, "snap")) {
		strbuf_set_f(why, "there is no flight recorder");
		return -ENOTSUP;
	}
	snapshot_done_fn = done;
	snapshot_ctx = ctx;
	return 0;
}

json_t *__wrap_recordings__list(const struct recordings *r, const struct caller *c)
{
	(void)r;
	return json_pack("[i]", (int)c->uid);
}

const char *__wrap_recordings__default(const struct recordings *r)
{
	(void)r;
	return "process 42 (caf\xe9)";
}

const char *__wrap_recordings__flight(const struct recordings *r)
{
	(void)r;
	return NULL;
}

static UNUSED void begin(struct served *s)
{
	assert_false(s->begun);
	s->begun = true;
	if (s->wish.begun)
		s->wish.begun(s->wish.ctx, s);
}

/* It is gone before who asked is told, as the next one may begin from there. */
static UNUSED void end(struct served *s, int err, const char *why)
{
	struct served **at = &under_way;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->err = err;
	s->why = why;
	s->wish.ended(s->wish.ctx, s);
	free(s->file);
	free(s->object);
	free(s->words);
	free(s);
}

#endif
