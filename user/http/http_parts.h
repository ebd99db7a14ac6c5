/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the HTTP side share, and nobody else sees: http.c has the connections,
 * request.c the requests on them, http_route.c decides who answers.
 */
#ifndef CTRACE_HTTP_HTTP_PARTS_H
#define CTRACE_HTTP_HTTP_PARTS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rights/caller.h"
#include "http/http.h"
#include "http/http_check.h"
#include "http/query.h"
#include "util/strbuf.h"

#define HTTP_HEAD_MAX ((size_t)32 << 10)  /* bytes of a request's head */
#define HTTP_TARGET_MAX ((size_t)8 << 10) /* … of its first line's path and query */
#define HTTP_BODY_MAX ((size_t)1 << 20)	  /* … of its body */
#define HTTP_SWALLOW_MAX \
	((size_t)16 << 20) /* of one that is too large so much is read, that its sender reads why */

struct loop_timer;
struct loop_watch;

/* A daemon of libmicrohttpd: one without TLS, and one with it where that is asked for. */
struct front {
	struct http *http;
	struct MHD_Daemon *mhd;
	struct loop_watch *watch;
	struct loop_timer *timer;
	bool resumed; /* a request goes on: its descriptor does not tell that */
};

struct http {
	struct http_opts o;
	struct front plain, tls; /* mhd NULL: there is none */
	struct loop_watch *listening;
	struct loop_timer *again;     /* to accept, after a while */
	struct http_names tcp, local; /* for connections from there */
	char listen_name[64], self_name[256];
	struct connection *connections;
	struct connection *adding; /* it is just being given to libmicrohttpd */
	bool ending;
};

struct connection {
	struct http *http;
	struct front *front;
	struct MHD_Connection *mhd;
	int fd;	       /* libmicrohttpd's */
	bool is_local; /* by a Unix socket */
	bool too_many; /* is only told that there are too many */
	bool served;   /* a request was answered already: being idle is no fault */
	struct caller caller;
	struct request *request;     /* the one that is under way; NULL: none */
	struct loop_timer *deadline; /* for what has to come next */
	struct connection *next, **at;
};

#define REQUEST_ADD_MAX 8

struct request {
	struct connection *con;
	struct caller caller; /* the connection's, or one with the token */
	char *target;	      /* as it came */
	struct strbuf path, clean;
	const char *query_text; /* in target; NULL: target makes no sense */
	struct query query;
	const char *method; /* libmicrohttpd's */
	struct strbuf body;
	size_t came, asked; /* bytes of the body: that came; that came or were told of */
	bool has_head, has_all, is_suspended, is_gone, is_answered;

	struct {
		char *name, *value;
	} add[REQUEST_ADD_MAX];
	size_t nadd;
	struct MHD_Response *response; /* NULL: there is none yet */
	unsigned status;
	ssize_t (*read)(void *ctx, char *buf, size_t max);
	void *read_ctx;
	void (*over)(void *ctx);
	void *over_ctx;
	struct loop_watch *peer;
};

struct request *request__new(struct connection *con, const char *target);
void request__free(struct request *r); /* it is over */
/* Gives its answer to libmicrohttpd, or waits for one. */
enum MHD_Result request__settle(struct request *r);
void request__resume(struct request *r);

/* The head is there: who asks, and may he ask at all? False: it is answered. */
bool http_admit(struct request *r);
/* All of it is there: somebody answers. */
void http_route(struct request *r);

#endif
