/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One HTTP request, between libmicrohttpd and what answers it. An answer is given at once or later;
 * what is streamed is asked for piece by piece, as the client takes them.
 *
 *     route ─► request__answer()                           an answer
 *           ─► request__stream() ─► read ─► read ─► end    one that is made as it goes
 *           ─► nothing: waits, until one of them is called
 *
 * A request is over when its answer has got out, or when its client is gone: over() is called once,
 * and the pointer is gone.
 */
#ifndef CTRACE_HTTP_REQUEST_H
#define CTRACE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct caller;
struct http;
struct http_opts;
struct query;
struct request;

/* What it is. */
const struct http_opts *request__opts(const struct request *r);
const struct caller *request__caller(const struct request *r);
const char *request__method(const struct request *r);
bool request__is_get(const struct request *r);	    /* GET or HEAD */
bool request__is_head(const struct request *r);	    /* no body of the answer gets out */
const char *request__path(const struct request *r); /* decoded */
const struct query *request__query(const struct request *r);
const char *request__query_text(const struct request *r);
const char *request__header(const struct request *r, const char *name); /* NULL: is not there */
const char *request__body(const struct request *r, size_t *len);
size_t request__body_asked(const struct request *r); /* bytes that came, or were told of; more than
							were kept, if too many */

/* A header line of the answer; both are copied. Before the answer. */
void request__add(struct request *r, const char *name, const char *value);
/* The whole answer; copied. */
void request__answer(struct request *r, unsigned status, const void *body, size_t len);
/* http.Error() of Go: plain text with a newline. */
void request__error(struct request *r, unsigned status, const char *text);

#define REQUEST_WAIT 0	   /* there is nothing now: request__wake() will come */
#define REQUEST_END (-1)   /* that was all */
#define REQUEST_BREAK (-2) /* it cannot be completed: the client must see that */

/* In chunks: read() fills at most max bytes and returns how many, or one of the above. */
void request__stream(struct request *r, ssize_t (*read)(void *ctx, char *buf, size_t max),
		     void *ctx);
void request__wake(struct request *r);

/* over() is called when it is over, however. */
void request__on_over(struct request *r, void (*over)(void *ctx), void *ctx);
/* The client is not waited for: who closes its side is gone. */
void request__end_with_client(struct request *r);

/* "uid 1000: GET /debug/pprof/trace?seconds=5: TEXT", as one line of the log. */
__attribute__((format(printf, 2, 3))) void request__log(const struct request *r, const char *fmt,
							...);

#endif
