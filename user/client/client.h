/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One who calls the service: JSON-RPC over HTTP to a URL, or over its Unix socket, where
 * descriptors can go along. One call at a time.
 */
#ifndef CTRACE_CLIENT_CLIENT_H
#define CTRACE_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct client;
struct strbuf;

struct client_opts {
	/* http://…, https://…, or the path of a socket; NULL: $CTRACE_SOCKET, or CONTROL_SOCKET */
	const char *where;
	const char *token_file; /* of URLs; NULL none */
	const char *tls_ca;	/* of https: certificates that are trusted; NULL: the system's */
};

/* NULL with errno and the sentence in why; a URL is not asked before the first call. */
struct client *client__new(const struct client_opts *opts, struct strbuf *why);
void client__free(struct client *c); /* NULL is fine */
const char *client__where(const struct client *c);
bool client__is_local(const struct client *c); /* takes descriptors */

/*
 * Calls and waits, as long as it takes. params: an array, borrowed, or NULL; fd: to send along, nfd
 * of them, only where client__is_local(). 0 with the result in *result (the caller's to free), or
 * -errno with the sentence in why: -EPROTO is an error that the service answered, its message is
 * the sentence and its code in *code (where that is not NULL); -EINTR: it gave up
 * (client__watch()), and what was asked for goes on there. A connection that was closed since the
 * last call is made anew.
 */
int client__call(struct client *c, const char *method, const json_t *params, const int *fd,
		 size_t nfd, json_t **result, int *code, struct strbuf *why);
/* A client__call() gives up, too, when this descriptor is readable, which is left to its owner; -1:
 * none. */
void client__watch(struct client *c, int fd);

/*
 * For who waits by himself, on a Unix socket: the call is sent, and its answer read when the
 * descriptor is readable. The end of this connection is the end of what was asked for where the
 * method says so.
 */
int client__fd(const struct client *c);
int client__send(struct client *c, const char *method, const json_t *params, const int *fd,
		 size_t nfd, struct strbuf *why);
/* -EAGAIN: it has not all come. Else as client__call(). */
int client__receive(struct client *c, json_t **result, int *code, struct strbuf *why);

#endif
