/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One who calls the service: JSON-RPC over HTTP to a URL, or over its Unix socket, where descriptors can go along. One call
 * at a time.
 */
#ifndef CTRACE_CLIENT_CLIENT_H
#define CTRACE_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct client;
struct strbuf;

struct client_opts {
	const char *where; /* http://…, https://…, or the path of a socket; NULL: $CTRACE_SOCKET, or CONTROL_SOCKET */
	const char *token_file; /* NULL none */
};

/* NULL with errno and the sentence in why; a URL is not asked before the first call. */
struct client *client__new(const struct client_opts *opts, struct strbuf *why);
void client__free(struct client *c); /* NULL is fine */
const char *client__where(const struct client *c);
bool client__is_local(const struct client *c); /* takes descriptors */

/*
 * Calls and waits. params: an array, borrowed; fd: to send along, nfd of them, only where client__is_local(). 0 with the result in
 * *result (the caller's to free), or -errno with the sentence in why: -EPROTO is an error that the service answered, its message is
 * the sentence and its code in *code (where that is not NULL). A signal's handler may call client__interrupt().
 */
int client__call(struct client *c, const char *method, const json_t *params, const int *fd, size_t nfd, json_t **result, int *code,
		 struct strbuf *why);

/* For who waits by himself, on a Unix socket: the call is sent, and its answer read when the descriptor is readable. */
int client__fd(const struct client *c);
int client__send(struct client *c, const char *method, const json_t *params, const int *fd, size_t nfd, struct strbuf *why);
/* -EAGAIN: it has not all come. Else as client__call(). */
int client__receive(struct client *c, json_t **result, int *code, struct strbuf *why);

#endif
