// SPDX-License-Identifier: BSD-2-Clause
/*
 * See http.h. Connections are accepted here, and given to libmicrohttpd with what is known of their
 * peers. Each has a moment until which the next thing has to come: a head, a body. What is
 * suspended has none.
 */
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/options.h"
#include "http/http_parts.h"
#include "http/request.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/procfs.h"
#include "util/xalloc.h"

#define LOG_TAG "http"
#define SEC_NS 1000000000ull
#define CONNECTIONS_MAX 128u
#define CONNECTIONS_OF_USER (CONNECTIONS_MAX / 4) /* of one who may not do everything */
#define CONNECTIONS_OF_USERS (CONNECTIONS_MAX - CONNECTIONS_OF_USER) /* … and of all of those */
#define TOLD_OF_USER 128u  /* so many each has with those that are told there are too many */
#define TOLD_OF_USERS 192u /* … and all of them; more are closed without a word */
#define CONNECTIONS_OPEN (TOLD_OF_USERS + 64u)
#define POOL \
	((size_t)64 << 10) /* memory of a connection: the head, what is read, what is written */
#define FIRST_HEAD_NS (10 * SEC_NS)
#define NEXT_HEAD_NS (30 * SEC_NS) /* an idle one is closed then, too */
#define BODY_NS (30 * SEC_NS)
#define STILL_SEC 30u /* a client that reads nothing for so long is cut off */
#define ACCEPT_AGAIN_NS (SEC_NS / 5)
#define ACCEPT_ROUND 32
#define PEM_MAX (256 << 10) /* bytes of a certificate with its chain */

/* ---- libmicrohttpd in the loop ---- */

static void front_run(struct front *f)
{
	MHD_UNSIGNED_LONG_LONG ms;

	f->resumed = false;
	MHD_run(f->mhd);
	if (f->resumed)
		loop_timer__set(f->timer, 0);
	else if (MHD_get_timeout(f->mhd, &ms) == MHD_YES)
		loop_timer__set(f->timer, ms * (SEC_NS / 1000));
	else
		loop_timer__unset(f->timer);
}

static void front_ready(void *ctx, uint32_t events)
{
	(void)events;
	front_run(ctx);
}

static void front_due(void *ctx)
{
	front_run(ctx);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *ctx, const char *fmt, va_list ap)
{
	struct strbuf line = STRBUF_INIT;

	(void)ctx;
	strbuf_addv(&line, fmt, ap);
	while (line.len && line.buf[line.len - 1] == '\n')
		line.buf[--line.len] = 0;
	/* what it answers by itself we do not see: a head that is too long, or is none */
	if (!strncmp(line.buf, "Error processing request", 24))
		log_notice("refused: a request that cannot be read: %s", line.buf);
	else
		log_debug("libmicrohttpd: %s", line.buf);
	strbuf_free(&line);
}

/* ---- connections ---- */

static void deadline_passed(void *ctx)
{
	struct connection *c = ctx;
	struct strbuf who = STRBUF_INIT;

	caller_words(&c->caller, &who);
	if (c->request || !c->served)
		log_notice("%s: no request came in time on a connection, it is closed", who.buf);
	strbuf_free(&who);
	shutdown(c->fd, SHUT_RDWR);
}

static void connection__free(struct connection *c)
{
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	loop_timer__end(c->deadline);
	free(c);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_ctx,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http *h = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		h->adding->mhd = mhd;
		*socket_ctx = h->adding;
		h->adding = NULL;
	} else if (*socket_ctx) {
		connection__free(*socket_ctx);
		*socket_ctx = NULL;
	}
}

struct tally {
	unsigned served, users, of_user;
	unsigned told_users, told_user; /* the same, and those that are only told */
};

static struct tally count(const struct http *h, const struct caller *caller)
{
	const struct connection *c;
	struct tally t = { 0 };

	for (c = h->connections; c; c = c->next) {
		bool user = c->caller.rank != CALLER_ALL;
		bool his = c->caller.uid == caller->uid && c->caller.rank == caller->rank;

		t.served += !c->too_many;
		t.users += !c->too_many && user;
		t.of_user += !c->too_many && his;
		t.told_users += user;
		t.told_user += his;
	}
	return t;
}

static bool too_many(const struct tally *t, const struct caller *caller)
{
	return t->served >= CONNECTIONS_MAX ||
	       (caller->rank != CALLER_ALL &&
		(t->of_user >= CONNECTIONS_OF_USER || t->users >= CONNECTIONS_OF_USERS));
}

/* Who says nothing cannot be told: there is an end to that, too, and some are left for root. */
static bool far_too_many(const struct tally *t, const struct caller *caller)
{
	return caller->rank != CALLER_ALL &&
	       (t->told_user >= TOLD_OF_USER || t->told_users >= TOLD_OF_USERS);
}

static void give(struct http *h, struct front *f, int fd, bool is_local)
{
	struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);
	struct caller caller = caller_of(fd);
	struct tally t = count(h, &caller);
	struct connection *c;

	if (getpeername(fd, (struct sockaddr *)&addr, &len) || far_too_many(&t, &caller)) {
		close(fd); /* or it is gone already */
		return;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct connection){ .http = h, .front = f, .fd = fd, .is_local = is_local };
	c->caller = caller;
	c->too_many = too_many(&t, &caller);
	c->deadline = loop__timer(h->o.loop, deadline_passed, c);
	c->next = h->connections;
	c->at = &h->connections;
	if (c->next)
		c->next->at = &c->next;
	h->connections = c;
	loop_timer__set(c->deadline, FIRST_HEAD_NS);
	h->adding = c;
	MHD_add_connection(f->mhd, fd, (struct sockaddr *)&addr,
			   len); /* closes fd where it cannot */
	if (h->adding == c) {
		h->adding = NULL;
		connection__free(c);
	}
}

void http__take(struct http *h, int fd)
{
	give(h, &h->plain, fd, true);
	front_run(&h->plain);
}

static void on_listen(void *ctx, uint32_t events)
{
	struct http *h = ctx;
	struct front *f = h->tls.mhd ? &h->tls : &h->plain;
	unsigned n;

	(void)events;
	for (n = 0; n < ACCEPT_ROUND; n++) {
		int fd = accept4(h->o.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			give(h, f, fd, false);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_notice("cannot accept a connection: %s", strerror(errno));
			loop_watch__want(h->listening, 0);
			loop_timer__set(h->again, ACCEPT_AGAIN_NS);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
	front_run(f);
}

static void accept_again(void *ctx)
{
	struct http *h = ctx;

	loop_watch__want(h->listening, EPOLLIN);
}

/* ---- requests ---- */

static void *on_target(void *ctx, const char *target, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	struct connection *c = info->socket_context;

	(void)ctx;
	c->request = request__new(c, target);
	return c->request;
}

/* Nothing that takes its time is begun for it: while the body comes, nobody could be answered. */
static void refuse_body(struct request *r)
{
	if (!request__is_get(r)) {
		http_route(r); /* who takes bodies says how long one may be */
		return;
	}
	request__log(r, "refused: it brings %zu bytes", r->asked);
	request__error(r, 413, "a request of this kind has no body");
}

/* Whether it may be here, and whether a body comes. */
static enum MHD_Result take_head(struct request *r)
{
	const char *length = request__header(r, "Content-Length");
	const char *expect = request__header(r, "Expect");
	bool more;

	r->has_head = true;
	r->asked = length ? strtoull(length, NULL, 10) : 0;
	more = r->asked || request__header(r, "Transfer-Encoding");
	if (more)
		loop_timer__set(r->con->deadline, BODY_NS);
	else
		loop_timer__unset(r->con->deadline);
	/* Who asks first is told at once; to others we listen, or what we say could be lost. */
	if (r->asked > HTTP_SWALLOW_MAX || (expect && r->asked > HTTP_BODY_MAX)) {
		r->has_all = true; /* of what is answered, nothing comes in here again */
		if (http_admit(r))
			refuse_body(r);
		return request__settle(r);
	}
	return MHD_YES;
}

/* Of a body that is too large only its length is kept. */
static enum MHD_Result take_piece(struct request *r, const char *data, size_t len)
{
	r->came += len;
	if (r->came > r->asked)
		r->asked = r->came;
	if (r->came <= HTTP_BODY_MAX)
		strbuf_add(&r->body, data, len);
	if (r->came <= HTTP_SWALLOW_MAX)
		return MHD_YES;
	request__log(r, "refused: it brings more than %zu bytes", HTTP_SWALLOW_MAX);
	return MHD_NO;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *len, void **request)
{
	struct request *r = *request;
	struct http *h = ctx;

	(void)mhd, (void)url, (void)version;
	if (!r || h->ending)
		return MHD_NO;
	r->method = method;
	if (!r->has_head)
		return take_head(r);
	if (*len) {
		size_t n = *len;

		*len = 0;
		return take_piece(r, data, n);
	}
	if (!r->has_all) {
		r->has_all = true;
		loop_timer__unset(r->con->deadline);
		if (http_admit(r))
			http_route(r);
	}
	return request__settle(r);
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **request,
			 enum MHD_RequestTerminationCode code)
{
	struct request *r = *request;

	(void)ctx, (void)mhd;
	if (!r)
		return;
	*request = r->con->request = NULL;
	r->con->served = true;
	if (code == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED)
		request__log(r, "the client took nothing for %u s, it is cut off", STILL_SEC);
	loop_timer__set(r->con->deadline, NEXT_HEAD_NS);
	request__free(r);
}

/* ---- life ---- */

static int front_begin(struct front *f, struct http *h, const char *cert, const char *key)
{
	const union MHD_DaemonInfo *info;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key },
		{ MHD_OPTION_END, 0, NULL },
	};

	f->http = h;
	f->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUSPEND_RESUME |
			MHD_USE_ERROR_LOG | (cert ? MHD_USE_TLS : 0),
		0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, h, MHD_OPTION_URI_LOG_CALLBACK, on_target, h,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_OPEN, MHD_OPTION_CONNECTION_TIMEOUT, STILL_SEC,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, cert ? tls : tls + 2,
		MHD_OPTION_END);
	info = f->mhd ? MHD_get_daemon_info(f->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		return -EIO;
	f->watch = loop__watch(h->o.loop, info->epoll_fd, EPOLLIN, front_ready, f);
	f->timer = loop__timer(h->o.loop, front_due, f);
	return f->watch && f->timer ? 0 : -errno;
}

/* Nothing may be suspended at the end, and what goes on now is broken off. */
static void front_end(struct front *f)
{
	struct connection *c;

	if (!f->mhd)
		return;
	for (c = f->http->connections; c; c = c->next) {
		if (c->front != f || !c->request)
			continue;
		c->request->is_gone = true;
		request__resume(c->request);
	}
	MHD_run(f->mhd);
	loop_watch__end(f->watch);
	loop_timer__end(f->timer);
	MHD_stop_daemon(f->mhd);
	f->mhd = NULL;
}

/* What we are called: our address, unless we listen on all of them. */
static void learn_names(struct http *h)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(addr);

	h->local.any_name = true;
	h->tcp.tls = h->tls.mhd != NULL;
	if (h->o.listen_fd < 0 || getsockname(h->o.listen_fd, &addr.any, &len))
		return;
	if (addr.any.sa_family == AF_INET) {
		h->tcp.any_address = addr.in.sin_addr.s_addr == htonl(INADDR_ANY);
		inet_ntop(AF_INET, &addr.in.sin_addr, h->listen_name, sizeof(h->listen_name));
	} else if (addr.any.sa_family == AF_INET6) {
		h->tcp.any_address = IN6_IS_ADDR_UNSPECIFIED(&addr.in6.sin6_addr);
		inet_ntop(AF_INET6, &addr.in6.sin6_addr, h->listen_name, sizeof(h->listen_name));
	}
	h->tcp.listen = h->tcp.any_address || !h->listen_name[0] ? NULL : h->listen_name;
	if (h->tcp.any_address && !gethostname(h->self_name, sizeof(h->self_name) - 1))
		h->tcp.self = h->self_name;
}

/* NUL-terminated; NULL with the reason in why. To be freed. */
static char *read_pem(const char *path, struct strbuf *why)
{
	char *text = xmalloc(PEM_MAX);
	ssize_t len = procfs_read(path, text, PEM_MAX);

	if (len > 0 && len < PEM_MAX - 1)
		return text;
	strbuf_set_f(why, "cannot read %s: %s", path,
		     len < 0 ? strerror((int)-len) :
		     !len    ? "it is empty" :
			       "it is too long");
	free(text);
	return NULL;
}

static int tls_begin(struct http *h, struct strbuf *why)
{
	char *cert = read_pem(h->o.o->tls_cert, why);
	char *key = cert ? read_pem(h->o.o->tls_key, why) : NULL;
	int err = cert && key ? 0 : -EINVAL;

	if (!err && front_begin(&h->tls, h, cert, key)) {
		strbuf_set_f(
			why,
			"TLS cannot be had with %s and %s: is the key that of the certificate, both as PEM?",
			h->o.o->tls_cert, h->o.o->tls_key);
		err = -EINVAL;
	}
	if (key)
		explicit_bzero(key, strlen(key));
	free(cert);
	free(key);
	return err;
}

static int listen_begin(struct http *h, struct strbuf *why)
{
	if (h->o.listen_fd < 0)
		return 0;
	if (h->o.o->tls_cert && tls_begin(h, why))
		return -EINVAL;
	h->again = loop__timer(h->o.loop, accept_again, h);
	h->listening = loop__watch(h->o.loop, h->o.listen_fd, EPOLLIN, on_listen, h);
	if (h->again && h->listening)
		return 0;
	strbuf_set_f(why, "cannot watch the listening socket: %s", strerror(errno));
	return -EIO;
}

struct http *http__new(const struct http_opts *opts, struct strbuf *why)
{
	struct http *h = xcalloc(1, sizeof(*h));
	int err;

	h->o = *opts;
	err = front_begin(&h->plain, h, NULL, NULL);
	if (err)
		strbuf_set_f(why, "libmicrohttpd cannot be started");
	else
		err = listen_begin(h, why);
	if (err) {
		http__free(h);
		errno = -err;
		return NULL;
	}
	learn_names(h);
	return h;
}

bool http__busy(const struct http *h)
{
	const struct connection *c;

	for (c = h->connections; c; c = c->next)
		if (c->request)
			return true;
	return false;
}

void http__free(struct http *h)
{
	if (!h)
		return;
	h->ending = true;
	loop_watch__end(h->listening);
	loop_timer__end(h->again);
	front_end(&h->plain);
	front_end(&h->tls);
	if (h->o.listen_fd >= 0)
		close(h->o.listen_fd);
	free(h);
}
