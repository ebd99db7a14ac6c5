/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP side: /debug/pprof/ as net/http/pprof has it, and JSON-RPC by POST. A request that comes
 * from another site's page (Host, Origin, Sec-Fetch-Site) is refused, and one of nobody known
 * without the token.
 *
 * libmicrohttpd does the protocol, inside the loop: no thread.
 */
#ifndef CTRACE_HTTP_HTTP_H
#define CTRACE_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http;
struct loop;
struct methods_service;
struct options;
struct strbuf;
struct token;

struct http_opts {
	struct loop *loop;
	struct methods_service *service; /* borrowed, as the next two */
	const struct token *token;	 /* NULL: there is none */
	const struct options *o; /* of serve: TLS files, limits, for the page what is recorded */
	int listen_fd;		 /* TCP; -1: only what http__take() is given */
};

/* NULL with the reason in why. Takes listen_fd. */
struct http *http__new(const struct http_opts *opts, struct strbuf *why);
void http__free(struct http *h); /* NULL is fine; recordings that are streamed are ended before */
/* A connection that was accepted elsewhere (the Unix socket): takes fd. */
void http__take(struct http *h, int fd);
/* Is a request under way, on whatever connection? */
bool http__busy(const struct http *h);

#endif
