// SPDX-License-Identifier: BSD-2-Clause
/* See service.h. Parts are made in the order in which they need each other, and freed the other
 * way. */
#include "control/service.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/options.h"
#include "control/confine.h"
#include "gops/gopsagent.h"
#include "http/http.h"
#include "control/listeners.h"
#include "rpc/methods.h"
#include "control/notify.h"
#include "rights/outdir.h"
#include "control/processes.h"
#include "control/recordings.h"
#include "rpc/stream.h"
#include "rights/token.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/signals.h"
#include "util/strbuf.h"

#define LOG_TAG "serve"
#define CONNECTIONS_MAX 128
#define SECOND 1000000000ull
#define DRAIN_STEP (SECOND / 50)
#define DRAIN_STEPS \
	250 /* 5 s: who does not read what is left for him in that time does not get it */

struct service {
	const struct options *o;
	struct loop *loop;
	struct notify *notify;
	struct token *token; /* NULL: there is none */
	struct outdir *outdir;
	struct listeners *listeners;
	struct recordings *recordings;
	struct methods_service methods;
	struct processes *processes;
	struct http *http;
	struct stream *stream;	/* NULL: no Unix socket */
	struct gopsagent *gops; /* NULL: none */
	int signals;
	struct loop_watch *on_signal;
	struct loop_timer *drain;
	unsigned asked, drained;
};

/* ---- the end ---- */

/* Recordings have ended; answers are on their way yet. */
static void drain(void *ctx)
{
	struct service *s = ctx;

	if (s->drained++ == DRAIN_STEPS || s->asked > 2 || !http__busy(s->http))
		loop__stop(s->loop);
	else
		loop_timer__set(s->drain, DRAIN_STEP);
}

static void idle(void *ctx)
{
	struct service *s = ctx;

	loop_timer__set(s->drain, 0);
}

/* The first one completes what is under way, the second one gives up its symbols, the third one
 * leaves it alone. */
static void asked_to_end(struct service *s)
{
	size_t n = recordings__count(s->recordings);

	s->asked++;
	if (s->asked > 2) {
		loop__stop(s->loop);
		return;
	}
	if (s->asked == 1 && n)
		log_notice("ending: %zu recording%s completed first", n, n > 1 ? "s are" : " is");
	notify__say(s->notify, "STOPPING=1\nSTATUS=completing %zu recordings", n);
	recordings__end(s->recordings);
}

static void on_signal(void *ctx, uint32_t events)
{
	struct service *s = ctx;
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			log_notice("%zu recordings are under way",
				   recordings__count(s->recordings));
		else if (info.ssi_signo == SIGUSR2)
			log_notice(
				"SIGUSR2: a snapshot of the service's flight recorder is asked for by debug_snapshotGoTrace");
		else
			asked_to_end(s);
	}
}

/* ---- the begin ---- */

static int take_signals(struct service *s)
{
	sigset_t set;

	signals_heard(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return -errno;
	s->on_signal = loop__watch(s->loop, s->signals, EPOLLIN, on_signal, s);
	return s->on_signal ? 0 : -errno;
}

static enum exit_code explain(struct strbuf *why, const char *what, int err)
{
	strbuf_set_f(why, "%s: %s", what, strerror(-err));
	return EXIT_FAILED;
}

/* What is looked at and opened with all rights. */
static enum exit_code open_up(struct service *s, struct strbuf *why)
{
	enum exit_code code;

	if (s->o->token_file) {
		s->token = token__read(s->o->token_file, why);
		if (!s->token)
			return EXIT_FAILED;
	}
	s->outdir = outdir__new(s->o->output_dir ? s->o->output_dir : ".", why);
	if (!s->outdir)
		return EXIT_FAILED;
	s->listeners = listeners__new(s->o, &code, why);
	return s->listeners ? EXIT_FINE : code;
}

static enum exit_code make_doors(struct service *s, struct strbuf *why)
{
	const struct http_opts http = {
		.loop = s->loop,
		.service = &s->methods,
		.token = s->token,
		.o = s->o,
		.listen_fd = listeners__take_tcp(s->listeners),
	};
	struct stream_opts stream = {
		.loop = s->loop,
		.service = &s->methods,
		.max_connections = CONNECTIONS_MAX,
	};

	s->http = http__new(&http, why);
	if (!s->http)
		return EXIT_FAILED;
	stream.http = s->http;
	stream.listen_fd = listeners__take_unix(s->listeners);
	if (stream.listen_fd < 0)
		return EXIT_FINE;
	s->stream = stream__new(&stream);
	return s->stream ? EXIT_FINE : explain(why, "cannot serve the local socket", -errno);
}

static enum exit_code tell_gops(struct service *s, struct strbuf *why)
{
	const struct gopsagent_opts gops = {
		.loop = s->loop,
		.recordings = s->recordings,
		.pid = s->o->pid,
		.npid = s->o->npid,
	};

	if (!s->o->gops)
		return EXIT_FINE;
	s->gops = gopsagent__new(&gops, why);
	return s->gops ? EXIT_FINE : EXIT_FAILED;
}

static enum exit_code begin(struct service *s, struct strbuf *why)
{
	struct recordings_opts recordings = { .o = s->o, .idle = idle, .ctx = s };
	enum exit_code code = open_up(s, why);
	int err;

	if (code != EXIT_FINE)
		return code;
	if (confine_service(why))
		return EXIT_MACHINE;
	/* it forks: before there is more that the other need not have */
	s->processes = processes__new();
	if (!s->processes)
		return explain(why, "cannot make a process that looks at others", -errno);
	s->loop = loop__new();
	if (!s->loop)
		return explain(why, "cannot make an event loop", -errno);
	s->drain = loop__timer(s->loop, drain, s);
	err = take_signals(s);
	if (err)
		return explain(why, "cannot take signals", err);
	recordings.loop = s->loop;
	recordings.outdir = s->outdir;
	s->recordings = recordings__new(&recordings, why);
	if (!s->recordings)
		return EXIT_FAILED;
	s->methods = (struct methods_service){ .recordings = s->recordings,
					       .processes = s->processes,
					       .o = s->o,
					       .since_ns = clock_mono() };
	code = make_doors(s, why);
	return code == EXIT_FINE ? tell_gops(s, why) : code;
}

static void say_ready(struct service *s)
{
	struct strbuf where = STRBUF_INIT;

	listeners__words(s->listeners, s->o->tls_cert, &where);
	log_notice("serving %s", where.buf);
	notify__say(s->notify, "READY=1\nSTATUS=serving %s", where.buf);
	strbuf_free(&where);
}

static void end(struct service *s)
{
	gopsagent__free(s->gops);
	stream__free(s->stream);
	http__free(s->http);
	recordings__free(s->recordings);
	methods_service_end(&s->methods);
	processes__free(s->processes);
	loop_watch__end(s->on_signal);
	loop_timer__end(s->drain);
	loop__free(s->loop);
	if (s->signals >= 0)
		close(s->signals);
	listeners__free(s->listeners);
	outdir__free(s->outdir);
	token__free(s->token);
	notify__free(s->notify);
}

enum exit_code service_run(const struct options *o, struct strbuf *why)
{
	struct service s = { .o = o, .signals = -1 };
	enum exit_code code;
	int err;

	s.notify = notify__new();
	code = begin(&s, why);
	if (code == EXIT_FINE) {
		say_ready(&s);
		err = loop__run(s.loop);
		if (err)
			code = explain(why, "the event loop failed", err);
	} else {
		notify__say(s.notify, "STATUS=%s", why->buf);
	}
	end(&s);
	return code;
}
