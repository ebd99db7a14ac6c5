// SPDX-License-Identifier: BSD-2-Clause
/*
 * See libwire.h. A connection:
 *
 *     NEW ──START──► STARTING ──begun──► ON ──STOP──► STOPPING ──ended──► answered, and gone
 *                        │                └──ended──► OVER, answered already ──STOP──► gone
 *                        └──cannot──► answered, and gone
 *
 * The end of the connection is a stop in each state. That of the process is seen by its recorder;
 * and exec, where a child has inherited the connection, by what the kernel says of its memory.
 */
#define LOG_TAG "libwire"

#include "rpc/libwire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rights/caller.h"
#include "control/recordings.h"
#include "rpc/wire.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define PATIENCE_NS 10000000000ull /* with who does not say what he wants */
#define CONNECTIONS_MAX 128
#define OF_USER_MAX 32
#define LOOK_NS 500000000ull /* at whether it is the same program still */

enum state { NEW, STARTING, ON, STOPPING, OVER };

struct conn {
	struct libwire *wire;
	struct conn *next, **at;
	enum state state;
	int fd, trace; /* trace: came along; -1: has not, or is the recorder's by now */
	struct caller caller;
	struct loop_watch *watch;
	struct loop_timer *timer;
	struct wire_ask ask;
	size_t have; /* bytes of it */
	struct served *served;
	uint64_t stack; /* where the program's stack begins: another one has another */
};

struct libwire {
	struct libwire_opts opts;
	struct conn *conn;
};

static void conn_free(struct conn *c)
{
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	if (c->served) {
		served__stop(c->served);
		served__let_go(c->served);
	}
	loop_watch__end(c->watch);
	loop_timer__end(c->timer);
	close(c->fd);
	if (c->trace >= 0)
		close(c->trace);
	free(c);
}

/* One that does not take it is not there any more. */
static void answer(struct conn *c, int err, const char *why)
{
	struct wire_answer a = {
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.verb = WIRE_ANSWER,
		.err = err,
	};

	snprintf(a.why, sizeof(a.why), "%s", err ? why : "");
	(void)!send(c->fd, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer_last(struct conn *c, int err, const char *why)
{
	answer(c, err, why);
	conn_free(c);
}

/* ---- is it the same program? ---- */

/* 28th word of stat, the name being one; 0: is not told. */
static uint64_t stack_of(pid_t pid)
{
	char path[64], text[1024] = "", *p;
	unsigned long long stack = 0;
	unsigned i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	p = strrchr(text, ')');
	for (i = 2; p && i < 28; i++)
		p = strchr(p + 1, ' ');
	if (p)
		sscanf(p, " %llu", &stack);
	return stack;
}

/*
 * Of NEW: it has not said what it wants. Else there is a program to wait for as long as it is the
 * same; a child of its may have the connection for ever. Of STOPPING the end comes by itself.
 */
static void on_timer(void *ctx)
{
	struct conn *c = ctx;

	if (c->state == STOPPING)
		return;
	if (c->state == NEW || c->stack != stack_of(c->caller.pid))
		conn_free(c);
	else
		loop_timer__set(c->timer, LOOK_NS);
}

/* ---- the recording ---- */

static void begun(void *ctx, struct served *s)
{
	struct conn *c = ctx;

	(void)s;
	c->state = ON;
	answer(c, 0, NULL);
}

/* Of a result as recordings have it, what the program can do something with. */
static int errno_of(int err)
{
	return err == -ENOTSUP ? EPERM : -err;
}

/* Unasked it is answered at once: the service may be gone when the program asks. */
static void ended(void *ctx, struct served *s)
{
	struct strbuf why = STRBUF_INIT;
	struct conn *c = ctx;
	int err = errno_of(served__result(s, &why));

	c->served = NULL;
	if (c->state == ON && !err) {
		err = ETIME;
		strbuf_set_f(&why, "the service had ended it before");
	}
	answer(c, err, why.buf);
	strbuf_free(&why);
	if (c->state == ON)
		c->state = OVER;
	else
		conn_free(c);
}

static void start(struct conn *c)
{
	char pid[32];
	char *const words[] = { pid, NULL };
	struct served_wish wish = {
		.caller = c->caller,
		.door = DOOR_LIBRARY,
		.words = words,
		.fd = c->trace,
		.err_fd = -1,
		.json_fd = -1,
		.begun = begun,
		.ended = ended,
		.ctx = c,
	};
	struct strbuf why = STRBUF_INIT;

	snprintf(pid, sizeof(pid), "--pid=%d", c->caller.pid);
	c->state = STARTING;
	c->stack = stack_of(c->caller.pid);
	loop_timer__set(c->timer, LOOK_NS);
	c->served = recordings__start(c->wire->opts.recordings, &wish, &why);
	if (!c->served) {
		answer_last(c, errno, why.buf);
	} else {
		close(c->trace);
		c->trace = -1;
	}
	strbuf_free(&why);
}

/* ---- what it says ---- */

static void on_start(struct conn *c)
{
	if (c->state != NEW)
		conn_free(c); /* libctrace does not */
	else if (!c->caller.pid)
		answer_last(
			c, ESRCH,
			"the service does not see this process: it runs in a container beside it");
	else if (c->trace < 0)
		answer_last(c, EBADF, "no descriptor came along to write the trace to");
	else
		start(c);
}

static void on_stop(struct conn *c)
{
	switch (c->state) {
	case ON:
		c->state = STOPPING;
		served__stop(c->served);
		break;
	default: /* OVER: it knows */
		conn_free(c);
	}
}

static void on_ask(struct conn *c)
{
	if (c->ask.magic != WIRE_MAGIC || c->ask.version != WIRE_VERSION)
		answer_last(c, EPROTO,
			    "the service speaks another version: libctrace is not of its release");
	else if (c->ask.verb == WIRE_START)
		on_start(c);
	else if (c->ask.verb == WIRE_STOP)
		on_stop(c);
	else
		conn_free(c);
}

union descriptor {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

#define FDS_MAX ((sizeof(union descriptor) - CMSG_LEN(0)) / sizeof(int)) /* it has room for */

/* The last one that comes; what is open in here else stays so for ever. */
static void take_descriptors(struct conn *c, struct msghdr *m)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(m);
	int fd[FDS_MAX];
	size_t n, i;

	if (!cm || cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
		return;
	n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fd, CMSG_DATA(cm), n * sizeof(int));
	for (i = 0; i < n; i++) {
		if (c->trace >= 0)
			close(c->trace);
		c->trace = fd[i];
	}
}

static void on_readable(void *ctx, uint32_t events)
{
	struct conn *c = ctx;
	struct iovec iov = { (char *)&c->ask + c->have, sizeof(c->ask) - c->have };
	union descriptor d = { { 0 } };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = d.space,
			    .msg_controllen = sizeof(d.space) };
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	take_descriptors(c, &m);
	c->have += (size_t)n;
	if (c->have < sizeof(c->ask))
		return;
	c->have = 0;
	on_ask(c);
}

/* ---- life ---- */

struct libwire *libwire__new(const struct libwire_opts *opts)
{
	struct libwire *w = xcalloc(1, sizeof(*w));

	w->opts = *opts;
	return w;
}

void libwire__free(struct libwire *w)
{
	if (!w)
		return;
	while (w->conn)
		conn_free(w->conn);
	free(w);
}

static bool has_too_many(const struct libwire *w, const struct caller *caller)
{
	unsigned all = 0, his = 0;
	const struct conn *c;

	for (c = w->conn; c; c = c->next) {
		all++;
		his += c->caller.uid == caller->uid;
	}
	return all >= CONNECTIONS_MAX || (caller->uid && his >= OF_USER_MAX);
}

void libwire__take(struct libwire *w, int fd, const struct caller *caller)
{
	struct conn *c;

	if (has_too_many(w, caller)) {
		log_notice("a connection of uid %u is refused: there are too many", caller->uid);
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct conn){ .wire = w, .fd = fd, .trace = -1, .caller = *caller };
	c->next = w->conn;
	c->at = &w->conn;
	if (c->next)
		c->next->at = &c->next;
	w->conn = c;
	c->timer = loop__timer(w->opts.loop, on_timer, c);
	if (c->timer)
		c->watch = loop__watch(w->opts.loop, fd, EPOLLIN, on_readable, c);
	if (c->watch)
		loop_timer__set(c->timer, PATIENCE_NS);
	else
		conn_free(c);
}
