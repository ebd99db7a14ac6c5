// SPDX-License-Identifier: BSD-2-Clause
/*
 * GET /debug/pprof/trace. A pipe lies between the recorder and the client: what it holds is all
 * that waits here. A slow client fills it, and then the recorder's writer waits, but not what takes
 * in events.
 *
 *     begun ─► head of the answer; piece by piece, as it comes ─► ended, and the pipe is empty: the
 * end ended without begun ─► an error
 */
#include "http/pprof.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cli/options.h"
#include "http/http.h"
#include "rpc/methods.h"
#include "http/query.h"
#include "control/recordings.h"
#include "http/request.h"
#include "util/loop.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define PIPE_SZ (1 << 20)

struct pprof_trace {
	struct request *request;
	struct served *served;	  /* NULL: has ended */
	int fd;			  /* where its bytes come from */
	struct loop_watch *watch; /* NULL: nobody waits for them */
	bool begun;
	int err; /* how it ended */
};

static void refuse(struct request *r, int err, const struct strbuf *why)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "Could not enable tracing: %s", why->buf);
	pprof_error(r, pprof_status(err), text.buf);
	strbuf_free(&text);
}

/* ---- what comes is given on ---- */

static void bytes_came(void *ctx, uint32_t events)
{
	struct pprof_trace *t = ctx;

	(void)events;
	loop_watch__end(t->watch);
	t->watch = NULL;
	request__wake(t->request);
}

static ssize_t read_some(void *ctx, char *buf, size_t max)
{
	struct pprof_trace *t = ctx;
	ssize_t n = read(t->fd, buf, max);

	if (n > 0)
		return n;
	if (!t->served) /* all that it wrote was in the pipe when it ended */
		return t->err ? REQUEST_BREAK : REQUEST_END;
	if (n < 0 && !t->watch)
		t->watch = loop__watch(request__opts(t->request)->loop, t->fd, EPOLLIN, bytes_came,
				       t);
	return REQUEST_WAIT;
}

static void on_begun(void *ctx, struct served *s)
{
	struct pprof_trace *t = ctx;
	struct request *r = t->request;
	char id[16];

	t->begun = true;
	snprintf(id, sizeof(id), "%u", served__id(s));
	request__add(r, "Ctrace-Recording", id); /* for ctrace_stop */
	request__add(r, "X-Content-Type-Options", "nosniff");
	request__add(r, "Content-Type", "application/octet-stream");
	request__add(r, "Content-Disposition", "attachment; filename=\"trace\"");
	if (request__is_head(r))
		request__answer(r, 200, NULL, 0); /* ends it, and with it the recording */
	else
		request__stream(r, read_some, t);
}

static void on_ended(void *ctx, struct served *s)
{
	struct pprof_trace *t = ctx;
	struct strbuf why = STRBUF_INIT;

	t->err = served__result(s, &why);
	if (t->err == -EFBIG && t->begun)
		t->err = 0; /* what was sent is whole */
	t->served = NULL;
	if (t->begun)
		request__wake(t->request);
	else
		refuse(t->request, t->err ? t->err : -EIO, &why);
	strbuf_free(&why);
}

/* Nobody reads it any more. */
static void on_over(void *ctx)
{
	struct pprof_trace *t = ctx;

	loop_watch__end(t->watch);
	if (t->served) {
		struct served *s = t->served;

		served__let_go(s);
		served__kill(s);
	}
	close(t->fd);
	free(t);
}

/* ---- asking for it ---- */

/* 0: is refused, and answered */
static uint64_t wanted_ns(struct request *r)
{
	double sec = query_seconds(request__query(r)),
	       max = (double)request__opts(r)->o->max_time_ns;

	if (isnan(sec))
		sec = 1;
	if (sec * 1e9 > max) {
		pprof_error(r, 400, "profile duration exceeds server's WriteTimeout");
		return 0;
	}
	return sec * 1e9 < 1 ? 1 : (uint64_t)(sec * 1e9);
}

/* The writing end goes to the recorder. */
static int make_pipe(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC))
		return -errno;
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	fcntl(fd[1], F_SETPIPE_SZ, PIPE_SZ); /* the usual size does, too */
	return 0;
}

static void start(struct request *r, const json_t *object, uint64_t duration_ns)
{
	struct pprof_trace *t = xcalloc(1, sizeof(*t));
	struct served_wish wish = {
		.caller = *request__caller(r),
		.door = DOOR_HTTP,
		.object = object,
		.duration_ns = duration_ns,
		.err_fd = -1,
		.json_fd = -1,
		.begun = on_begun,
		.ended = on_ended,
		.ctx = t,
	};
	struct strbuf why = STRBUF_INIT;
	int fd[2], err = make_pipe(fd);

	if (err) {
		strbuf_set_f(&why, "no pipe can be made for the trace");
		refuse(r, err, &why);
		free(t);
		strbuf_free(&why);
		return;
	}
	wish.fd = fd[1];
	t->request = r;
	t->fd = fd[0];
	t->served = recordings__start(request__opts(r)->service->recordings, &wish, &why);
	err = errno;
	close(fd[1]);
	request__on_over(r, on_over, t);
	if (t->served)
		request__end_with_client(r);
	else
		refuse(r, err, &why);
	strbuf_free(&why);
}

void pprof_trace(struct request *r)
{
	uint64_t duration_ns = wanted_ns(r);
	struct strbuf why = STRBUF_INIT;
	json_t *object;

	if (!duration_ns)
		return;
	object = pprof_wish(request__query(r), &why);
	if (object)
		start(r, json_object_size(object) ? object : NULL, duration_ns);
	else
		refuse(r, -EINVAL, &why);
	json_decref(object);
	strbuf_free(&why);
}
