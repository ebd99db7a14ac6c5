// SPDX-License-Identifier: BSD-2-Clause
/* See standing.h. */
#include "control/standing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "standing"
#define SECOND 1000000000ull
#define PAUSE_FIRST (1 * SECOND)
#define PAUSE_MAX (60 * SECOND)

struct standing {
	struct standing_opts opts;
	struct options o; /* those of serve, but for the output */
	char *output;
	struct job *job; /* NULL: between two, or for good */
	struct loop_timer *again;
	uint64_t pause_ns;
	bool stopping, ended;
	struct strbuf words;
};

static void say_what_it_does(struct standing *s)
{
	strbuf_set_f(&s->words, "keeps the last %g s", (double)s->o.flight_ns / 1e9);
}

static void end(struct standing *s)
{
	s->ended = true;
	s->opts.ended(s->opts.ctx);
}

/* Is what it records still there to be recorded? */
static bool is_worth_it(const struct standing *s)
{
	return !s->stopping && !(s->o.npid && job__begun(s->job) && job__code(s->job) == EXIT_FINE);
}

static void changed(void *ctx, struct job *j)
{
	struct standing *s = ctx;
	const char *why = job__why(j);
	bool again;

	if (job__state(j) == JOB_RECORDING) {
		say_what_it_does(s);
		s->pause_ns = PAUSE_FIRST;
		return;
	}
	if (job__state(j) != JOB_ENDED)
		return;
	again = is_worth_it(s);
	strbuf_set_f(&s->words, "has ended: %s",
		     *why	 ? why :
		     s->stopping ? "the service ends" :
				   "there is nothing left to record");
	if (!s->stopping)
		log_error("the flight recorder %s", s->words.buf);
	job__free(j);
	s->job = NULL;
	if (!again) {
		end(s);
		return;
	}
	loop_timer__set(s->again, s->pause_ns);
	s->pause_ns = 2 * s->pause_ns < PAUSE_MAX ? 2 * s->pause_ns : PAUSE_MAX;
}

static int begin(struct standing *s)
{
	struct invoker we = invoker_get();
	const struct job_opts opts = {
		.loop = s->opts.loop,
		.o = &s->o,
		.caller = { .rank = CALLER_ALL, .uid = we.uid, .gid = we.gid },
		.out_fd = -1,
		.err_fd = -1,
		.json_fd = -1,
		.changed = changed,
		.ctx = s,
	};

	s->job = job__new(&opts);
	return s->job ? 0 : -errno;
}

static void begin_again(void *ctx)
{
	struct standing *s = ctx;

	if (begin(s))
		loop_timer__set(s->again, PAUSE_MAX);
}

struct standing *standing__new(const struct standing_opts *opts, struct strbuf *why)
{
	struct standing *s = xcalloc(1, sizeof(*s));
	struct strbuf output = STRBUF_INIT;
	int err;

	s->opts = *opts;
	s->o = *opts->o;
	s->words = STRBUF_INIT;
	s->pause_ns = PAUSE_FIRST;
	strbuf_addf(&output, "%s/go.trace", opts->dir);
	s->output = output.buf; /* and its memory */
	s->o.output = s->output;
	s->again = loop__timer(opts->loop, begin_again, s);
	strbuf_set_f(&s->words, "begins");
	err = begin(s);
	if (!err)
		return s;
	strbuf_set_f(why, "cannot begin the flight recorder: %s", strerror(-err));
	standing__free(s);
	errno = -err;
	return NULL;
}

void standing__free(struct standing *s)
{
	if (!s)
		return;
	job__free(s->job);
	loop_timer__end(s->again);
	free(s->output);
	strbuf_free(&s->words);
	free(s);
}

void standing__stop(struct standing *s)
{
	s->stopping = true;
	loop_timer__unset(s->again);
	if (s->job)
		job__stop(s->job);
	else if (!s->ended)
		end(s);
}

bool standing__has_ended(const struct standing *s)
{
	return s->ended;
}

const char *standing__words(const struct standing *s)
{
	return s->words.buf;
}

int standing__snapshot(struct standing *s, int fd, job_snapshot_fn done, void *ctx)
{
	return s->job ? job__snapshot(s->job, fd, done, ctx) : -ENOTSUP;
}
