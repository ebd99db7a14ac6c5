// SPDX-License-Identifier: BSD-2-Clause
/*
 * See stream.h. A connection of JSON-RPC:
 *
 *     first byte ──► text, text, … ──► its end: what is under way is told, by rpc_text__hang_up();
 *         │                            the answers are written, and it is gone when both sides
 *         └──► others take it          are closed, or it is too slow
 *              (libwire, http)
 *
 * Whatever a call does may end the connection it came by: it is taken apart only when nothing of it
 * is on the stack (enter, leave).
 */
#define LOG_TAG "stream"

#include "rpc/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rights/caller.h"
#include "http/http.h"
#include "rpc/jsontext.h"
#include "rpc/libwire.h"
#include "rpc/methods.h"
#include "rpc/wire.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define PATIENCE_NS \
	30000000000ull /* with who has not said a whole text, or does not read his answers */
#define PAUSE_NS 1000000000ull /* without descriptors to accept with */
#define READ_SIZE 16384
#define TEXTS_MAX 16	       /* under way on one connection; then nothing more is read */
#define OUT_MAX (16u << 20)    /* bytes of answers that nobody reads; then it is closed */
#define OUT_ENOUGH (64u << 10) /* … nothing more is read */
#define UID_MIN 8	       /* connections that any user may have */

/* A text whose calls are under way. */
struct asked {
	struct conn *conn;
	struct asked *next;
	struct rpc_text *text; /* NULL: is being begun */
	bool told;	       /* that who asked says no more */
};

struct conn {
	struct stream *stream;
	struct conn *next, **at;
	int fd;
	struct caller caller;
	struct loop_watch *watch;
	struct loop_timer *reading, *writing;
	unsigned entered;
	bool speaks_rpc;
	bool deaf;   /* nothing more is read: its end was, or what cannot be understood */
	bool doomed; /* goes when nothing of it is on the stack */
	struct jsontext_split split;
	struct strbuf text; /* what there is of the one that comes */
	int text_fd[RPC_FDS_MAX];
	size_t ntext_fd;
	struct asked *asked;
	unsigned nasked;
	struct strbuf out;
	size_t written; /* of out */
};

struct stream {
	struct stream_opts opts;
	struct loop_watch *watch;
	struct loop_timer *pause;
	struct libwire *libwire;
	struct conn *conn;
	unsigned nconn;
	uint64_t told_ns; /* of a refusal: who tries again and again does not fill the log */
};

/* ---- a connection's end ---- */

static void close_fds(int *fd, size_t n)
{
	while (n--)
		close(fd[n]);
}

static void conn_free(struct conn *c)
{
	struct asked *a;

	c->entered++; /* for good: letting one go may answer another one */
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	c->stream->nconn--;
	while ((a = c->asked)) {
		c->asked = a->next;
		rpc_text__let_go(a->text);
		free(a);
	}
	loop_timer__end(c->reading);
	loop_timer__end(c->writing);
	loop_watch__end(c->watch);
	if (c->fd >= 0)
		close(c->fd);
	close_fds(c->text_fd, c->ntext_fd);
	strbuf_free(&c->text);
	strbuf_free(&c->out);
	free(c);
}

/* ---- answers ---- */

static void conn_write(struct conn *c)
{
	ssize_t n;

	while (!c->doomed && c->written < c->out.len) {
		n = send(c->fd, c->out.buf + c->written, c->out.len - c->written,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			c->written += (size_t)n;
			loop_timer__set(c->writing, c->stream->opts.patience_ns);
		} else if (errno == EAGAIN) {
			if (c->out.len - c->written > OUT_MAX)
				c->doomed = true;
			return;
		} else if (errno != EINTR) {
			c->doomed = true;
		}
	}
	loop_timer__unset(c->writing);
	strbuf_reset(&c->out);
	c->written = 0;
}

static void conn_enter(struct conn *c)
{
	c->entered++;
}

static void conn_leave(struct conn *c)
{
	bool enough;

	if (--c->entered)
		return;
	conn_write(c);
	if (c->deaf && !c->nasked && !c->out.len)
		c->doomed = true;
	if (c->doomed) {
		conn_free(c);
		return;
	}
	enough = c->deaf || c->nasked >= TEXTS_MAX || c->out.len - c->written >= OUT_ENOUGH;
	if (loop_watch__want(c->watch, (enough ? 0 : EPOLLIN) | (c->out.len ? EPOLLOUT : 0)))
		conn_free(c);
}

static void reply(void *ctx, const char *text, size_t len)
{
	struct asked *a = ctx, **at;
	struct conn *c = a->conn;

	conn_enter(c);
	if (text) {
		if (!c->out.len)
			loop_timer__set(c->writing, c->stream->opts.patience_ns);
		strbuf_add(&c->out, text, len);
		strbuf_addch(&c->out, '\n');
	}
	for (at = &c->asked; *at != a; at = &(*at)->next)
		;
	*at = a->next;
	c->nasked--;
	free(a);
	conn_leave(c);
}

/* ---- texts ---- */

static void conn_ask(struct conn *c)
{
	struct asked *a = xcalloc(1, sizeof(*a));
	struct rpc_peer peer = {
		.caller = c->caller,
		.methods = control_methods,
		.service = c->stream->opts.service,
		.fd = c->text_fd,
		.nfd = c->ntext_fd,
		.done = reply,
		.ctx = a,
	};
	struct rpc_text *t;

	*a = (struct asked){ .conn = c, .next = c->asked };
	c->asked = a;
	c->nasked++;
	t = rpc_text__new(&peer, c->text.buf, c->text.len);
	if (t)
		a->text = t;
	close_fds(c->text_fd, c->ntext_fd);
	c->ntext_fd = 0;
	strbuf_reset(&c->text);
	c->split = (struct jsontext_split){ 0 };
	loop_timer__unset(c->reading);
}

/* What comes cannot be understood any more: that is said, and then it ends. */
static void conn_give_up(struct conn *c)
{
	conn_ask(c);
	c->deaf = true;
}

/* How many texts have bytes in there? */
static unsigned count_texts(struct jsontext_split sp, const char *s, size_t len)
{
	enum jsontext_found found;
	size_t from, used;
	unsigned n = 0;

	for (; len; s += used, len -= used) {
		found = jsontext_split(&sp, s, len, &from, &used);
		n += used > from || found == JSONTEXT_NONE;
		if (found == JSONTEXT_NONE)
			break;
	}
	return n;
}

static void keep_fds(struct conn *c, const int *fd, size_t nfd)
{
	for (; nfd; fd++, nfd--)
		if (c->ntext_fd < RPC_FDS_MAX)
			c->text_fd[c->ntext_fd++] = *fd;
		else
			close(*fd);
}

/* Takes the descriptors. The kernel ends what we read behind the piece that they came with, so they
 * are the last text's. */
static void conn_take(struct conn *c, const char *s, size_t len, const int *fd, size_t nfd)
{
	unsigned at = 0, last = nfd ? count_texts(c->split, s, len) : 0;
	enum jsontext_found found;
	size_t from, used;

	for (; len && !c->deaf && !c->doomed; s += used, len -= used) {
		found = jsontext_split(&c->split, s, len, &from, &used);
		if (used > from && ++at == last) {
			keep_fds(c, fd, nfd);
			nfd = 0;
		}
		if (!c->text.len && used > from)
			loop_timer__set(c->reading, c->stream->opts.patience_ns);
		strbuf_add(&c->text, s + from, used - from);
		if (found == JSONTEXT_NONE) {
			strbuf_add(&c->text, s + used, 1);
			conn_give_up(c);
		} else if (c->text.len > RPC_TEXT_MAX) {
			conn_give_up(c);
		} else if (found == JSONTEXT_WHOLE) {
			conn_ask(c);
			if (c->out.len - c->written > OUT_ENOUGH)
				conn_write(c);
		}
	}
	while (nfd--)
		close(*fd++);
}

/* It says no more. What is under way may take this for a word, and may be answered by it. */
static void conn_ended(struct conn *c)
{
	struct asked *a = c->asked;

	c->deaf = true;
	loop_timer__unset(c->reading);
	while (a) {
		if (a->told) {
			a = a->next;
			continue;
		}
		a->told = true;
		rpc_text__hang_up(a->text);
		a = c->asked; /* whatever that has answered */
	}
}

static size_t received_fds(struct msghdr *m, int *fd)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	size_t n;

	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fd, CMSG_DATA(h), n * sizeof(int));
	return n;
}

/* True: there may be more. */
static bool conn_read(struct conn *c)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(RPC_FDS_MAX * sizeof(int))];
	} control;
	char buf[READ_SIZE];
	struct iovec iov = { buf, sizeof(buf) };
	/* what does not fit is closed by the kernel */
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };
	int fd[RPC_FDS_MAX + 1]; /* the space is rounded up, and may hold one more */
	ssize_t n;

	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n > 0)
		conn_take(c, buf, (size_t)n, fd, received_fds(&m, fd));
	else if (!n)
		conn_ended(c);
	else if (errno != EAGAIN && errno != EINTR)
		c->doomed = true;
	return n > 0 && !c->deaf && c->nasked < TEXTS_MAX;
}

/* ---- what does it speak? ---- */

static bool is_rpc(unsigned char c)
{
	return strchr("{[ \t\r\n", c) && c;
}

/* To who speaks it; the connection is not ours any more. */
static void hand_over(struct conn *c, unsigned char first)
{
	struct stream *s = c->stream;
	int fd = c->fd;

	c->fd = -1;
	loop_watch__end(c->watch);
	c->watch = NULL;
	c->doomed = true;
	if (first == WIRE_MAGIC)
		libwire__take(s->libwire, fd, &c->caller);
	else
		http__take(s->opts.http, fd);
}

static void look(struct conn *c)
{
	unsigned char first;
	ssize_t n = recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n == 1 && is_rpc(first))
		c->speaks_rpc = true;
	else if (n == 1)
		hand_over(c, first);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		c->doomed = true;
}

static void on_conn(void *ctx, uint32_t events)
{
	struct conn *c = ctx;
	bool more = false;

	conn_enter(c);
	if (!c->speaks_rpc)
		look(c);
	if (c->speaks_rpc && !c->deaf && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		more = conn_read(c);
	/* both sides are closed: nobody can read an answer; but what was said before counts */
	if ((events & (EPOLLHUP | EPOLLERR)) && !more)
		c->doomed = true;
	conn_leave(c);
}

static void on_too_slow(void *ctx)
{
	struct conn *c = ctx;

	conn_enter(c);
	log_info("a connection of uid %u is closed: nothing came, or nothing was read",
		 c->caller.uid);
	c->doomed = true;
	conn_leave(c);
}

/* ---- new ones ---- */

static bool has_too_many(const struct stream *s, const struct caller *caller)
{
	unsigned n = 0, users = 0, max = s->opts.max_connections, may = max / 4;
	const struct conn *c;

	if (s->nconn >= max)
		return true;
	for (c = s->conn; c; c = c->next) {
		n += c->caller.uid == caller->uid;
		users += c->caller.rank != CALLER_ALL;
	}
	if (caller->rank != CALLER_ALL && users >= max - may)
		return true; /* some are left for root, however many users there are */
	return caller->uid && n >= (may < UID_MIN ? UID_MIN : may);
}

static void refuse(struct stream *s, const struct caller *caller, int fd)
{
	uint64_t now = clock_mono();

	if (now - s->told_ns >= PAUSE_NS)
		log_notice("a connection of uid %u is refused: there are too many", caller->uid);
	s->told_ns = now;
	close(fd);
}

static void conn_new(struct stream *s, int fd)
{
	struct caller caller = caller_of(fd);
	struct conn *c;

	if (has_too_many(s, &caller)) {
		refuse(s, &caller, fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct conn){ .stream = s,
			    .fd = fd,
			    .caller = caller,
			    .next = s->conn,
			    .at = &s->conn,
			    .text = STRBUF_INIT,
			    .out = STRBUF_INIT };
	if (s->conn)
		s->conn->at = &c->next;
	s->conn = c;
	s->nconn++;
	c->watch = loop__watch(s->opts.loop, fd, EPOLLIN, on_conn, c);
	c->reading = loop__timer(s->opts.loop, on_too_slow, c);
	c->writing = loop__timer(s->opts.loop, on_too_slow, c);
	if (!c->watch || !c->reading || !c->writing) {
		conn_free(c);
		return;
	}
	loop_timer__set(c->reading, c->stream->opts.patience_ns);
}

static void on_listen(void *ctx, uint32_t events)
{
	struct stream *s = ctx;
	int fd;

	(void)events;
	fd = accept4(s->opts.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		conn_new(s, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		/* who waits would wake us again and again */
		log_notice("no connection can be accepted: %s", strerror(errno));
		loop_watch__want(s->watch, 0);
		loop_timer__set(s->pause, PAUSE_NS);
	}
}

static void on_pause_over(void *ctx)
{
	struct stream *s = ctx;

	loop_watch__want(s->watch, EPOLLIN);
}

struct stream *stream__new(const struct stream_opts *opts)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	int err;

	s->opts = *opts;
	if (!s->opts.patience_ns)
		s->opts.patience_ns = PATIENCE_NS;
	s->libwire = libwire__new(&(struct libwire_opts){
		opts->loop, opts->service ? opts->service->recordings : NULL });
	s->pause = loop__timer(opts->loop, on_pause_over, s);
	s->watch = loop__watch(opts->loop, opts->listen_fd, EPOLLIN, on_listen, s);
	if (!s->libwire || !s->pause || !s->watch) {
		err = errno;
		stream__free(s);
		errno = err;
		return NULL;
	}
	return s;
}

void stream__free(struct stream *s)
{
	if (!s)
		return;
	loop_watch__end(s->watch);
	loop_timer__end(s->pause);
	while (s->conn)
		conn_free(s->conn);
	libwire__free(s->libwire);
	close(s->opts.listen_fd);
	free(s);
}
