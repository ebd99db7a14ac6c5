// SPDX-License-Identifier: BSD-2-Clause
/*
 * See methods.h. A recording that was asked for by debug_*GoTrace is a `going`: it knows the calls
 * that wait for its begin and for its end. It stays when it ends by itself, for the stop that is
 * still to come: that one is told how it ended.
 */
#include "rpc/methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "control/processes.h"
#include "control/recordings.h"
#include "util/clock.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/utf8.h"
#include "util/xalloc.h"
#include "version.h"

#define KEPT_MAX 64 /* that have ended, of whatever users */
#define NS 1000000000ll

struct going {
	struct methods_service *service;
	struct going *next;
	uid_t uid;
	struct served *served;	/* NULL: has ended */
	struct rpc_call *start; /* waits for the begin; of debug_goTrace until the end */
	struct rpc_call *stop;
	bool blocking; /* debug_goTrace */
	bool at_once;  /* … of 0 seconds */
	int err;       /* how it ended, without a call that waited for it */
	char *why;
};

static struct methods_service *service_of(const struct rpc_call *call)
{
	return rpc_service(call);
}

static void answer(struct rpc_call *call, int err, const char *why)
{
	if (err)
		rpc_error(call, RPC_FAILED, why);
	else
		rpc_result(call, NULL);
}

/* As much of it as is UTF-8: names of files and processes need not be. */
static json_t *clean(const char *text)
{
	size_t len = strlen(text), max = len * strlen(UTF8_BAD);
	char *out = xmalloc(max + 1);
	json_t *v;

	v = json_stringn(out, utf8_clean(out, max, text, len));
	free(out);
	return v;
}

/* A string, or an answer that says what is wrong. */
static const char *string_param(struct rpc_call *call, unsigned nth, const char *what)
{
	const json_t *v = rpc_param(call, nth);

	if (json_is_string(v))
		return json_string_value(v);
	rpc_bad_param(call, nth, "%s has to be a string", what);
	return NULL;
}

/* ---- recordings that are under way ---- */

static void going_free(struct going *g)
{
	struct going **at = &g->service->going;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	free(g->why);
	free(g);
}

/* The latest is the first. */
static struct going *going_of(struct methods_service *s, uid_t uid)
{
	struct going *g = s->going;

	while (g && g->uid != uid)
		g = g->next;
	return g;
}

/* Nobody is told how it ended any more: another one begins, or there are too many of them. */
static void forget(struct methods_service *s, uid_t uid)
{
	struct going *g, *next, *oldest = NULL;
	unsigned kept = 0;

	for (g = s->going; g; g = next) {
		next = g->next;
		if (g->served)
			continue;
		if (g->uid == uid) {
			going_free(g);
			continue;
		}
		oldest = g;
		kept++;
	}
	if (kept >= KEPT_MAX)
		going_free(oldest);
}

void methods_service_end(struct methods_service *s)
{
	while (s->going)
		going_free(s->going);
}

static void going_begun(void *ctx, struct served *served)
{
	struct going *g = ctx;
	struct rpc_call *call = g->start;

	if (g->blocking) {
		if (g->at_once)
			served__stop(served);
		return;
	}
	g->start = NULL;
	answer(call, 0, NULL);
}

static void going_ended(void *ctx, struct served *served)
{
	struct going *g = ctx;
	struct rpc_call *start = g->start, *stop = g->stop;
	struct strbuf why = STRBUF_INIT;
	int err = served__result(served, &why);

	if (start && !g->blocking && !err) { /* somebody else has stopped it before it began */
		err = -EINTR;
		strbuf_set_f(&why, "the trace was stopped before it began");
	}
	g->served = NULL;
	if (start || stop) {
		going_free(g);
		/* geth's goTrace does not say how its trace was stopped. A trace that was lost is
		 * another thing. */
		if (start)
			answer(start, err, why.buf);
		if (stop)
			answer(stop, err, why.buf);
	} else {
		g->err = err;
		g->why = xstrdup(why.buf);
	}
	strbuf_free(&why);
}

/* What the object names is the caller's, all else is not the fault of his parameters. */
static void could_not_start(struct rpc_call *call, int err, unsigned nobject, const char *why)
{
	if (err == EINVAL && rpc_param(call, nobject))
		rpc_bad_param(call, nobject, "%s", why);
	else
		rpc_error(call, RPC_FAILED, why);
}

static void start(struct rpc_call *call, bool blocking, int64_t seconds, unsigned nobject)
{
	struct methods_service *s = service_of(call);
	struct strbuf why = STRBUF_INIT;
	struct served_wish wish = {
		.caller = *rpc_caller(call),
		.door = DOOR_RPC,
		.object = rpc_param(call, nobject),
		.duration_ns = seconds > INT64_MAX / NS ? INT64_MAX : (uint64_t)(seconds * NS),
		.fd = -1,
		.err_fd = -1,
		.json_fd = -1,
		.begun = going_begun,
		.ended = going_ended,
	};
	struct going *g;

	wish.file = string_param(call, 0, "the file");
	if (!wish.file)
		return;
	if (wish.object && !json_is_object(wish.object)) {
		rpc_bad_param(call, nobject,
			      "what is recorded has to be an object, as {\"pid\": 42}");
		return;
	}
	g = xcalloc(1, sizeof(*g));
	*g = (struct going){ .service = s,
			     .uid = wish.caller.uid,
			     .start = call,
			     .blocking = blocking,
			     .at_once = !seconds };
	wish.ctx = g;
	g->served = recordings__start(s->recordings, &wish, &why);
	if (g->served) {
		forget(s, g->uid);
		g->next = s->going;
		s->going = g;
	} else {
		could_not_start(call, errno, nobject, why.buf);
		free(g);
	}
	strbuf_free(&why);
}

static void go_trace(struct rpc_call *call)
{
	const json_t *seconds = rpc_param(call, 1);

	if (!json_is_integer(seconds) || json_integer_value(seconds) < 0)
		rpc_bad_param(call, 1, "the seconds have to be a whole number, 0 or more");
	else
		start(call, true, json_integer_value(seconds), 2);
}

static void start_go_trace(struct rpc_call *call)
{
	start(call, false, 0, 1);
}

static void stop_go_trace(struct rpc_call *call)
{
	struct methods_service *s = service_of(call);
	struct going *g = going_of(s, rpc_caller(call)->uid);
	int err;

	if (!g || g->stop) {
		rpc_error(call, RPC_FAILED, "trace not in progress");
	} else if (g->served) {
		g->stop = call;
		served__stop(g->served);
	} else {
		char *why = g->why;

		err = g->err;
		g->why = NULL;
		going_free(g);
		answer(call, err, why);
		free(why);
	}
}

static void snapshot_done(void *ctx, int err, const char *why)
{
	answer(ctx, err, why);
}

static void snapshot_go_trace(struct rpc_call *call)
{
	const char *file = string_param(call, 0, "the file");
	struct strbuf why = STRBUF_INIT;
	int err;

	if (!file)
		return;
	err = recordings__snapshot(service_of(call)->recordings, rpc_caller(call), file,
				   snapshot_done, call, &why);
	if (err)
		rpc_error(call, RPC_FAILED, why.buf);
	strbuf_free(&why);
}

/* ---- of our own ---- */

static json_t *limits(const struct options *o)
{
	return json_pack("{s:i, s:f, s:I}", "recordings", (int)o->max_recordings, "seconds",
			 (double)o->max_time_ns / NS, "bytes", (json_int_t)o->max_total);
}

/* What may he? For who shows people what to ask for. */
static const char *rights(const struct caller *c)
{
	return c->rank == CALLER_ALL ? "all" : "own";
}

static void status(struct rpc_call *call)
{
	const struct methods_service *s = service_of(call);
	const char *target = recordings__default(s->recordings),
		   *flight = recordings__flight(s->recordings);
	uint64_t up_ms = (clock_mono() - s->since_ns) / 1000000;
	struct strbuf caller = STRBUF_INIT;

	caller_words(rpc_caller(call), &caller);
	rpc_result(call,
		   json_pack("{s:s, s:f, s:o, s:s, s:o, s:o, s:o, s:o}", "version", CTRACE_VERSION,
			     "uptime", (double)up_ms / 1000, "caller", clean(caller.buf), "rights",
			     rights(rpc_caller(call)), "target",
			     target ? clean(target) : json_null(), "flight_recorder",
			     flight ? clean(flight) : json_null(), "limits", limits(s->o),
			     "recordings", recordings__list(s->recordings, rpc_caller(call))));
	strbuf_free(&caller);
}

static void stop_recording(struct rpc_call *call)
{
	const json_t *id = rpc_param(call, 0);
	struct strbuf why = STRBUF_INIT;
	int err;

	if (!json_is_integer(id) || json_integer_value(id) < 0 ||
	    json_integer_value(id) > INT32_MAX) {
		rpc_bad_param(
			call, 0,
			"the number of a recording has to be a whole number, as ctrace_status has it");
		return;
	}
	err = recordings__stop(service_of(call)->recordings, rpc_caller(call),
			       (unsigned)json_integer_value(id), &why);
	answer(call, err, why.buf);
	strbuf_free(&why);
}

static void processes(struct rpc_call *call)
{
	const char *pattern = NULL;
	json_t *all;

	if (rpc_param(call, 0)) {
		pattern = string_param(call, 0, "the name");
		if (!pattern)
			return;
	}
	all = processes__list(service_of(call)->processes, rpc_caller(call), pattern);
	if (all)
		rpc_result(call, all);
	else
		rpc_error(call, RPC_FAILED, strerror(errno));
}

static void modules(struct rpc_call *call)
{
	rpc_result(call,
		   json_pack("{s:s, s:s, s:s}", "ctrace", "1.0", "debug", "1.0", "rpc", "1.0"));
}

/* A command line's recording, which lives as long as its connection. */
struct command {
	struct rpc_call *call;
	struct served *served;
};

static void command_answer(struct rpc_call *call, enum exit_code code, const char *why)
{
	rpc_result(call, json_pack("{s:i, s:o}", "code", code, "why", clean(why)));
}

static void command_ended(void *ctx, struct served *served)
{
	struct strbuf why = STRBUF_INIT;
	struct command *c = ctx;

	served__result(served, &why);
	command_answer(c->call, served__code(served), why.buf);
	strbuf_free(&why);
	free(c);
}

static void command_hang_up(void *ctx)
{
	struct command *c = ctx;

	served__stop(c->served);
}

static enum exit_code command_code(int err)
{
	return err == EINVAL ? EXIT_USAGE : err == EPERM ? EXIT_MACHINE : EXIT_FAILED;
}

static void command_start(struct rpc_call *call, struct served_wish *wish)
{
	struct command *c = xcalloc(1, sizeof(*c));
	struct strbuf why = STRBUF_INIT;

	wish->caller = *rpc_caller(call);
	wish->door = DOOR_COMMAND;
	wish->fd = rpc_fd(call, 0);
	wish->err_fd = rpc_fd(call, 1);
	wish->json_fd = rpc_fd(call, 2);
	wish->ended = command_ended;
	wish->ctx = c;
	c->call = call;
	c->served = recordings__start(service_of(call)->recordings, wish, &why);
	if (c->served) {
		rpc_on_hang_up(call, command_hang_up, c);
	} else {
		command_answer(call, command_code(errno), why.buf);
		free(c);
	}
	strbuf_free(&why);
}

/* What follows a name with its =; NULL: it is another word. */
static const char *value_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) ? NULL : word + len;
}

/* Of the words of a command line those that are about it, and not wishes for what is recorded.
 * True: it was such a one. */
static bool take_word(const char *word, struct served_wish *wish)
{
	const char *duration = value_of(word, "--duration="), *name = value_of(word, "--output=");

	if (duration)
		return !parse_duration(duration, &wish->duration_ns);
	if (name)
		wish->name = name;
	else if (!strcmp(word, "--strict"))
		wish->strict = true;
	else if (!strcmp(word, "--quiet"))
		wish->loud = LOG_ERROR;
	else if (!strcmp(word, "--verbose"))
		wish->loud = wish->loud < LOG_INFO ? LOG_INFO : LOG_DEBUG;
	else
		return false;
	return true;
}

static void record(struct rpc_call *call)
{
	char *words[RPC_WORDS_MAX + 1] = { 0 };
	struct served_wish wish = { .words = words, .loud = LOG_NOTICE };
	unsigned i, n = 0;

	if (rpc_fd(call, 0) < 0) {
		rpc_error(
			call, RPC_FAILED,
			"ctrace_record needs the Unix socket, and the descriptor of a file with the call");
		return;
	}
	for (i = 0; rpc_param(call, i); i++) {
		words[n] = (char *)string_param(call, i, "a word");
		if (!words[n])
			return;
		n += !take_word(words[n], &wish);
	}
	words[n] = NULL;
	command_start(call, &wish);
}

const struct rpc_method control_methods[] = {
	{ "debug_goTrace", 2, 3, go_trace },
	{ "debug_startGoTrace", 1, 2, start_go_trace },
	{ "debug_stopGoTrace", 0, 0, stop_go_trace },
	{ "debug_snapshotGoTrace", 1, 1, snapshot_go_trace },
	{ "ctrace_status", 0, 0, status },
	{ "ctrace_processes", 0, 1, processes },
	{ "ctrace_stop", 1, 1, stop_recording },
	{ "ctrace_record", 0, RPC_WORDS_MAX, record },
	{ "rpc_modules", 0, 0, modules },
	{ 0 },
};
