// SPDX-License-Identifier: BSD-2-Clause
/*
 * See request.h. Answers are given to libmicrohttpd from within its own call alone: one that comes
 * later is kept, and the connection, which was suspended, is resumed so that we are called again.
 */
#include "http/request.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "http/http_parts.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/xalloc.h"

#define LOG_TAG "http"
#define BLOCK 16384    /* of a stream to a client that knows no chunks */
#define LOG_TARGET 200 /* bytes of a target that are logged */

struct request *request__new(struct connection *con, const char *target)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->con = con;
	r->caller = con->caller;
	r->path = r->clean = r->body = STRBUF_INIT;
	r->target = xstrdup(target);
	r->query_text = target_split(r->target, &r->path, &r->clean);
	query_parse(&r->query, r->query_text ? r->query_text : "");
	return r;
}

void request__free(struct request *r)
{
	if (r->over)
		r->over(r->over_ctx);
	loop_watch__end(r->peer);
	if (r->response)
		MHD_destroy_response(r->response);
	while (r->nadd) {
		r->nadd--;
		free(r->add[r->nadd].name);
		free(r->add[r->nadd].value);
	}
	strbuf_free(&r->body);
	strbuf_free(&r->clean);
	strbuf_free(&r->path);
	query_free(&r->query);
	free(r->target);
	free(r);
}

/* ---- what it is ---- */

const struct http_opts *request__opts(const struct request *r)
{
	return &r->con->http->o;
}

const struct caller *request__caller(const struct request *r)
{
	return &r->caller;
}

const char *request__method(const struct request *r)
{
	return r->method;
}

bool request__is_head(const struct request *r)
{
	return !strcmp(r->method, MHD_HTTP_METHOD_HEAD);
}

bool request__is_get(const struct request *r)
{
	return request__is_head(r) || !strcmp(r->method, MHD_HTTP_METHOD_GET);
}

const char *request__path(const struct request *r)
{
	return r->path.buf;
}

const struct query *request__query(const struct request *r)
{
	return &r->query;
}

const char *request__query_text(const struct request *r)
{
	return r->query_text;
}

const char *request__header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->con->mhd, MHD_HEADER_KIND, name);
}

const char *request__body(const struct request *r, size_t *len)
{
	*len = r->body.len;
	return r->body.buf;
}

size_t request__body_asked(const struct request *r)
{
	return r->asked;
}

void request__log(const struct request *r, const char *fmt, ...)
{
	struct strbuf line = STRBUF_INIT;
	size_t i, from;
	va_list ap;

	caller_words(&r->caller, &line);
	from = line.len;
	strbuf_addf(&line, ": %s %.*s", r->method ? r->method : "?", LOG_TARGET, r->target);
	for (i = from; i < line.len; i++) /* a terminal obeys some bytes */
		if ((unsigned char)line.buf[i] < ' ' || (unsigned char)line.buf[i] > '~')
			line.buf[i] = '?';
	strbuf_addstr(&line, ": ");
	va_start(ap, fmt);
	strbuf_addv(&line, fmt, ap);
	va_end(ap);
	log_notice("%s", line.buf);
	strbuf_free(&line);
}

/* ---- the answer ---- */

void request__add(struct request *r, const char *name, const char *value)
{
	if (r->nadd == REQUEST_ADD_MAX)
		return;
	r->add[r->nadd].name = xstrdup(name);
	r->add[r->nadd++].value = xstrdup(value);
}

/* Takes the response. A second one would be a mistake of ours, and is dropped. */
static void set_response(struct request *r, unsigned status, struct MHD_Response *response)
{
	size_t i;

	if (r->response || r->is_answered) {
		MHD_destroy_response(response);
		return;
	}
	for (i = 0; i < r->nadd; i++)
		MHD_add_response_header(response, r->add[i].name, r->add[i].value);
	r->status = status;
	r->response = response;
	request__resume(r);
}

void request__answer(struct request *r, unsigned status, const void *body, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, (void *)body,
									MHD_RESPMEM_MUST_COPY);

	if (response)
		set_response(r, status, response);
	else
		r->is_gone = true; /* no memory: the connection is closed */
}

void request__error(struct request *r, unsigned status, const char *text)
{
	struct strbuf body = STRBUF_INIT;

	strbuf_addf(&body, "%s\n", text);
	request__add(r, "Content-Type", "text/plain; charset=utf-8");
	request__add(r, "X-Content-Type-Options", "nosniff");
	request__answer(r, status, body.buf, body.len);
	strbuf_free(&body);
}

static ssize_t give_piece(void *ctx, uint64_t pos, char *buf, size_t max)
{
	struct request *r = ctx;
	ssize_t n;

	(void)pos;
	n = r->is_gone ? REQUEST_BREAK : r->read(r->read_ctx, buf, max);
	if (n == REQUEST_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == REQUEST_BREAK)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == REQUEST_WAIT) {
		r->is_suspended = true;
		MHD_suspend_connection(r->con->mhd);
	}
	return n;
}

void request__stream(struct request *r, ssize_t (*read)(void *ctx, char *buf, size_t max),
		     void *ctx)
{
	struct MHD_Response *response;

	r->read = read;
	r->read_ctx = ctx;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, give_piece, r, NULL);
	if (response)
		set_response(r, MHD_HTTP_OK, response);
	else
		r->is_gone = true;
}

void request__wake(struct request *r)
{
	request__resume(r);
}

/* libmicrohttpd calls us again, from its next run. */
void request__resume(struct request *r)
{
	if (!r->is_suspended)
		return;
	r->is_suspended = false;
	MHD_resume_connection(r->con->mhd);
	r->con->front->resumed = true;
	loop_timer__set(r->con->front->timer, 0);
}

enum MHD_Result request__settle(struct request *r)
{
	enum MHD_Result done;

	if (r->is_gone)
		return MHD_NO;
	if (!r->response) {
		r->is_suspended = true;
		MHD_suspend_connection(r->con->mhd);
		return MHD_YES;
	}
	done = MHD_queue_response(r->con->mhd, r->status, r->response);
	MHD_destroy_response(r->response); /* ours; the queue has its own */
	r->response = NULL;
	r->is_answered = true;
	return done;
}

/* ---- its end ---- */

void request__on_over(struct request *r, void (*over)(void *ctx), void *ctx)
{
	r->over = over;
	r->over_ctx = ctx;
}

/* libmicrohttpd sees nothing of a connection that is suspended, or that it has something to write
 * to. */
static void peer_left(void *ctx, uint32_t events)
{
	struct request *r = ctx;

	(void)events;
	loop_watch__end(r->peer);
	r->peer = NULL;
	r->is_gone = true;
	shutdown(r->con->fd, SHUT_RDWR);
	request__resume(r);
}

void request__end_with_client(struct request *r)
{
	if (!r->peer)
		r->peer = loop__watch(r->con->http->o.loop, r->con->fd, EPOLLRDHUP, peer_left, r);
}
