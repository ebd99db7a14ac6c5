// SPDX-License-Identifier: BSD-2-Clause
/* See client.h. */
#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/bearer.h"
#include "client/sock.h"
#include "client/text.h"
#include "client/web.h"
#include "control/service.h"
#include "util/env.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct client {
	char *where;
	struct web *web; /* NULL: the socket */
	int fd;		 /* of the socket; -1: is made with the next call */
	int watch_fd;	 /* see client__watch() */
	uint64_t id;	 /* of the call that was made last */
	struct strbuf in;
};

/* ---- where it is ---- */

static bool is_url(const char *where)
{
	return !strncasecmp(where, "http://", 7) || !strncasecmp(where, "https://", 8);
}

static const char *default_where(void)
{
	const char *env = secure_getenv(ENV_SOCKET);

	return env && *env ? env : CONTROL_SOCKET;
}

static int begin_web(struct client *c, const struct client_opts *opts, struct strbuf *why)
{
	char *token = NULL;
	int err = 0;

	if (opts->token_file) {
		token = bearer_read(opts->token_file, why);
		if (!token)
			return -errno;
	}
	c->web = web__new(
		&(struct web_opts){
			.url = c->where,
			.token = token,
			.tls_ca = opts->tls_ca,
		},
		why);
	if (!c->web)
		err = -errno;
	bearer_free(token);
	return err;
}

struct client *client__new(const struct client_opts *opts, struct strbuf *why)
{
	struct client *c = xcalloc(1, sizeof(*c));
	int err = 0;

	c->where = xstrdup(opts->where ? opts->where : default_where());
	c->in = STRBUF_INIT;
	c->fd = -1;
	c->watch_fd = -1;
	if (is_url(c->where)) {
		err = begin_web(c, opts, why);
	} else if (strstr(c->where, "://")) {
		strbuf_set_f(why, "%s: neither http://…, nor https://…, nor the path of a socket",
			     c->where);
		err = -EINVAL;
	} else {
		c->fd = sock_connect(c->where, why);
		err = c->fd < 0 ? c->fd : 0;
	}
	if (!err)
		return c;
	client__free(c);
	errno = -err;
	return NULL;
}

static void hang_up(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	strbuf_reset(&c->in);
}

void client__free(struct client *c)
{
	if (!c)
		return;
	hang_up(c);
	web__free(c->web);
	strbuf_free(&c->in);
	free(c->where);
	free(c);
}

const char *client__where(const struct client *c)
{
	return c->where;
}

bool client__is_local(const struct client *c)
{
	return !c->web;
}

int client__fd(const struct client *c)
{
	return c->fd;
}

/* ---- giving up ---- */

void client__watch(struct client *c, int fd)
{
	c->watch_fd = fd;
}

/* 0, or -EINTR. */
static int wait_for(struct client *c, short events)
{
	struct pollfd p[2] = { { .fd = c->fd, .events = events },
			       { .fd = c->watch_fd, .events = POLLIN } };

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	return p[1].revents ? -EINTR : 0;
}

static int gave_up(const struct client *c, struct strbuf *why)
{
	strbuf_set_f(why, "no longer waited for; %s goes on with it", c->where);
	return -EINTR;
}

/* ---- calling ---- */

static int lost(struct client *c, int err, struct strbuf *why)
{
	if (err == -EPIPE)
		strbuf_set_f(why, "the service at %s closed the connection without an answer",
			     c->where);
	else if (err == -EMSGSIZE)
		strbuf_set_f(why, "the answer of %s is larger than %u bytes", c->where,
			     CALL_ANSWER_MAX);
	else
		strbuf_set_f(why, "cannot speak to the service at %s: %s", c->where,
			     strerror(-err));
	hang_up(c);
	return err;
}

int client__send(struct client *c, const char *method, const json_t *params, const int *fd,
		 size_t nfd, struct strbuf *why)
{
	struct strbuf text = STRBUF_INIT;
	size_t at = 0;
	int err = 0;

	if (c->web) {
		strbuf_set_f(why, "%s is no socket, which this needs", c->where);
		return -EOPNOTSUPP;
	}
	if (c->fd >= 0 && sock_is_stale(c->fd))
		hang_up(c);
	if (c->fd < 0) {
		c->fd = sock_connect(c->where, why);
		if (c->fd < 0) {
			err = c->fd;
			c->fd = -1;
			return err;
		}
	}
	call_write(&text, ++c->id, method, params);
	strbuf_addch(&text, '\n');
	do {
		err = sock_send(c->fd, &text, &at, fd, nfd);
	} while (err == -EAGAIN && !(err = wait_for(c, POLLOUT)));
	strbuf_free(&text);
	/* who closes before he has read all may have said why */
	if (err == -EINTR) {
		hang_up(c);
		return gave_up(c, why);
	}
	return err && err != -EPIPE && err != -ECONNRESET ? lost(c, err, why) : 0;
}

int client__receive(struct client *c, json_t **result, int *code, struct strbuf *why)
{
	size_t len;
	int err;

	if (c->fd < 0) {
		strbuf_set_f(why, "nothing was asked of %s", c->where);
		return -ENOTCONN;
	}
	err = sock_line(c->fd, &c->in, CALL_ANSWER_MAX, &len);
	if (err)
		return err == -EAGAIN ? err : lost(c, err, why);
	err = call_read(c->in.buf, len, c->id, result, code, why);
	sock_line_done(&c->in, len);
	if (err == -EBADMSG) /* whatever comes next would be as wrong */
		hang_up(c);
	return err;
}

static int call_socket(struct client *c, const char *method, const json_t *params, const int *fd,
		       size_t nfd, json_t **result, int *code, struct strbuf *why)
{
	int err = client__send(c, method, params, fd, nfd, why);

	while (!err) {
		err = client__receive(c, result, code, why);
		if (err != -EAGAIN)
			break;
		err = wait_for(c, POLLIN);
		if (err) { /* its answer would come before the next one's */
			hang_up(c);
			gave_up(c, why);
		}
	}
	return err;
}

static int call_web(struct client *c, const char *method, const json_t *params, json_t **result,
		    int *code, struct strbuf *why)
{
	struct strbuf text = STRBUF_INIT;
	int err;

	call_write(&text, ++c->id, method, params);
	err = web__post(c->web, &text, c->watch_fd, &c->in, CALL_ANSWER_MAX, why);
	if (err == -EINTR)
		gave_up(c, why);
	if (!err)
		err = call_read(c->in.buf, c->in.len, c->id, result, code, why);
	strbuf_free(&text);
	return err;
}

int client__call(struct client *c, const char *method, const json_t *params, const int *fd,
		 size_t nfd, json_t **result, int *code, struct strbuf *why)
{
	*result = NULL;
	if (code)
		*code = 0;
	if (!c->web)
		return call_socket(c, method, params, fd, nfd, result, code, why);
	if (nfd) {
		strbuf_set_f(why, "descriptors go over a socket only, not to %s", c->where);
		return -EOPNOTSUPP;
	}
	return call_web(c, method, params, result, code, why);
}
