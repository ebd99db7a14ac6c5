// SPDX-License-Identifier: BSD-2-Clause
/* See gopsagent.h. */
#include "gops/gopsagent.h"

#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rights/caller.h"
#include "rights/errand.h"
#include "gops/gopsanswer.h"
#include "gops/gopsfile.h"
#include "control/recordings.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "gops"

#define SECOND 1000000000ull
#define TRACE_TIME (5 * SECOND) /* gops says so to its user */
#define TRACE_LIMIT (60 * SECOND)
#define SEND_LIMIT 10 /* seconds for a reader that takes nothing */
#define ASK_LIMIT (10 * SECOND)
#define ERRAND_LIMIT 30	   /* seconds */
#define CONNECTIONS_MAX 32 /* of all ports */

struct port {
	struct gopsagent *agent;
	pid_t pid;
	int fd, pidfd;
	struct loop_watch *watch, *pidwatch;
	struct gopsfile *file;
};

/* one that has connected */
struct conn {
	struct conn *next;
	struct gopsagent *agent;
	pid_t pid;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *limit;
	struct caller caller;
	struct served *served; /* the recording that is his; NULL: none */
	pid_t errand;	       /* 0: none */
	int errand_fd;
	struct loop_watch *errand_watch;
};

struct gopsagent {
	struct loop *loop;
	struct recordings *recordings;
	struct port *port;
	size_t nport;
	struct conn *conns;
	unsigned nconn;
	struct loop_timer *rest; /* while no descriptor can be had */
};

/* ---- a connection ---- */

static void say(const struct conn *c, int verb, const char *refused)
{
	const char *name = gopsanswer_name(verb);
	struct strbuf who = STRBUF_INIT;

	caller_words(&c->caller, &who);
	if (refused)
		log_notice("process %d: %s for %s: refused: %s", c->pid, name ? name : "?", who.buf,
			   refused);
	else
		log_notice("process %d: %s for %s", c->pid, name ? name : "?", who.buf);
	strbuf_free(&who);
}

static void end_errand(struct conn *c)
{
	loop_watch__end(c->errand_watch);
	errand_kill(c->errand, c->errand_fd);
	if (c->errand_fd >= 0)
		close(c->errand_fd);
}

static void close_conn(struct conn *c)
{
	struct conn **at = &c->agent->conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->agent->nconn--;
	if (c->served)
		served__let_go(c->served);
	if (c->errand)
		end_errand(c);
	loop_watch__end(c->watch);
	loop_timer__end(c->limit);
	shutdown(c->fd,
		 SHUT_WR); /* the end of the answer, also where a process of ours has a copy */
	close(c->fd);
	free(c);
}

/* Where gops looks at nothing but an error of its reading. */
static void reset_conn(struct conn *c)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)!connect(c->fd, &none, sizeof(none));
	close_conn(c);
}

static void too_slow(void *ctx)
{
	struct conn *c = ctx;

	if (c->served) {
		log_notice("process %d: who asked for a trace does not read it", c->pid);
		served__kill(c->served);
		return;
	}
	close_conn(c);
}

/* ---- a trace ---- */

static void trace_ended(void *ctx, struct served *s)
{
	struct conn *c = ctx;

	(void)s; /* the log has it */
	c->served = NULL;
	close_conn(c);
}

static void start_trace(struct conn *c)
{
	struct timeval patience = { .tv_sec = SEND_LIMIT };
	struct strbuf why = STRBUF_INIT;
	json_t *object = json_pack("{s:i}", "pid", (int)c->pid);
	struct served_wish wish = {
		.caller = c->caller,
		.door = DOOR_GOPS,
		.object = object,
		.duration_ns = TRACE_TIME,
		.fd = c->fd,
		.err_fd = -1,
		.json_fd = -1,
		.ended = trace_ended,
		.ctx = c,
	};

	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	c->served = recordings__start(c->agent->recordings, &wish, &why);
	if (c->served) {
		loop_watch__want(c->watch, 0);
		loop_timer__set(c->limit, TRACE_LIMIT);
	} else {
		close_conn(c); /* an empty answer: gops says that nothing was traced */
	}
	json_decref(object);
	strbuf_free(&why);
}

/* ---- all else ---- */

static void errand_ended(void *ctx, uint32_t events)
{
	struct conn *c = ctx;
	siginfo_t end = { 0 };

	(void)events;
	if (!waitid(P_PID, (id_t)c->errand, &end, WEXITED) && end.si_code == CLD_EXITED &&
	    end.si_status)
		log_notice("process %d: no answer for gops: %s", c->pid, strerror(end.si_status));
	c->errand = 0;
	loop_watch__end(c->errand_watch);
	close(c->errand_fd);
	close_conn(c);
}

static void start_errand(struct conn *c, int verb)
{
	struct gops_question q = { .pid = c->pid, .verb = verb };
	bool ours = c->caller.rank == CALLER_ALL;

	say(c, verb, NULL);
	c->errand = errand_begin(ours ? ERRAND_US : c->caller.uid, c->caller.gid, ERRAND_LIMIT,
				 gopsanswer_write, &q, c->fd);
	if (c->errand > 0)
		c->errand_fd = (int)syscall(SYS_pidfd_open, c->errand, 0);
	if (c->errand > 0 && c->errand_fd >= 0)
		c->errand_watch = loop__watch(c->agent->loop, c->errand_fd, EPOLLIN, errand_ended,
					      c);
	if (c->errand_watch) {
		loop_watch__want(c->watch, 0);
		loop_timer__unset(c->limit);
		return;
	}
	log_notice("process %d: no answer for gops: %s", c->pid, strerror(errno));
	if (c->errand < 0)
		c->errand = 0;
	close_conn(c);
}

/* ---- the byte ---- */

static void answer(struct conn *c, int verb)
{
	if (verb == GOPS_TRACE) {
		start_trace(c);
	} else if (!caller_sees(&c->caller, c->pid)) {
		say(c, verb, "it is the process of somebody else");
		reset_conn(c);
	} else if (verb == GOPS_GC || verb == GOPS_HEAP || verb == GOPS_CPU ||
		   !gopsanswer_name(verb)) {
		say(c, verb, "it is watched from outside, and nothing is known of that");
		reset_conn(c);
	} else {
		start_errand(c, verb);
	}
}

static void hear(void *ctx, uint32_t events)
{
	struct conn *c = ctx;
	unsigned char asked[64]; /* the byte, and what belongs to setgc */
	ssize_t n;

	if (c->served) { /* nobody reads any more */
		loop_watch__end(c->watch);
		c->watch = NULL;
		served__kill(c->served);
		return;
	}
	if (c->errand) { /* errand_ended() comes */
		loop_watch__end(c->watch);
		c->watch = NULL;
		kill(c->errand, SIGKILL);
		return;
	}
	(void)events;
	n = recv(c->fd, asked, sizeof(asked), MSG_DONTWAIT);
	if (n > 0)
		answer(c, asked[0]);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		close_conn(c);
}

static void take(struct port *p, int fd)
{
	struct gopsagent *a = p->agent;
	struct conn *c = xcalloc(1, sizeof(*c));

	*c = (struct conn){ .agent = a, .pid = p->pid, .fd = fd, .errand_fd = -1 };
	c->caller = caller_of(fd);
	c->next = a->conns;
	a->conns = c;
	a->nconn++;
	c->watch = loop__watch(a->loop, fd, EPOLLIN, hear, c);
	c->limit = loop__timer(a->loop, too_slow, c);
	if (c->watch && c->limit)
		loop_timer__set(c->limit, ASK_LIMIT);
	else
		close_conn(c);
}

/* ---- a port ---- */

static void want_calls(struct gopsagent *a, uint32_t events)
{
	size_t i;

	for (i = 0; i < a->nport; i++)
		if (a->port[i].watch)
			loop_watch__want(a->port[i].watch, events);
}

static void rested(void *ctx)
{
	want_calls(ctx, EPOLLIN);
}

static void called(void *ctx, uint32_t events)
{
	struct port *p = ctx;
	struct gopsagent *a = p->agent;
	int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0 && a->nconn < CONNECTIONS_MAX) {
		take(p, fd);
	} else if (fd >= 0) {
		log_notice("process %d: %u connections of gops are all that are taken", p->pid,
			   CONNECTIONS_MAX);
		close(fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		log_notice("no connection of gops can be taken for now: %s", strerror(errno));
		want_calls(a, 0);
		loop_timer__set(a->rest, SECOND);
	}
}

static void close_port(struct port *p)
{
	loop_watch__end(p->watch);
	loop_watch__end(p->pidwatch);
	if (p->fd >= 0)
		close(p->fd);
	if (p->pidfd >= 0)
		close(p->pidfd);
	gopsfile__free(p->file);
	*p = (struct port){ .agent = p->agent, .pid = p->pid, .fd = -1, .pidfd = -1 };
}

static void target_ended(void *ctx, uint32_t events)
{
	struct port *p = ctx;

	(void)events;
	log_info("process %d has ended, and its port with it", p->pid);
	close_port(p);
}

static int listen_loopback(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&at, len) || listen(fd, CONNECTIONS_MAX) ||
	    getsockname(fd, (struct sockaddr *)&at, &len)) {
		int err = -errno;

		close(fd);
		return err;
	}
	*port = ntohs(at.sin_port);
	return fd;
}

/* 0 also where there is an agent already: the port is closed then. */
static int open_port(struct port *p, struct strbuf *why)
{
	uint16_t port = 0;

	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd < 0) {
		strbuf_set_f(why, "no process with pid %d", p->pid);
		return -ESRCH;
	}
	p->fd = listen_loopback(&port);
	if (p->fd < 0) {
		strbuf_set_f(why, "no port for gops: %s", strerror(-p->fd));
		return p->fd;
	}
	p->watch = loop__watch(p->agent->loop, p->fd, EPOLLIN, called, p);
	p->pidwatch = loop__watch(p->agent->loop, p->pidfd, EPOLLIN, target_ended, p);
	if (!p->watch || !p->pidwatch) {
		strbuf_set_f(why, "no port for gops: %s", strerror(errno));
		return -errno;
	}
	p->file = gopsfile__new(p->pid, port, why);
	if (p->file) {
		log_notice("process %d: gops finds it at 127.0.0.1:%u, by %s", p->pid, port,
			   gopsfile__path(p->file));
		return 0;
	}
	if (errno != EEXIST)
		return -errno;
	log_notice("%s; it is left to it", why->buf);
	strbuf_reset(why);
	close_port(p);
	return 0;
}

struct gopsagent *gopsagent__new(const struct gopsagent_opts *opts, struct strbuf *why)
{
	struct gopsagent *a = xcalloc(1, sizeof(*a));
	int err = 0;
	size_t i;

	a->loop = opts->loop;
	a->recordings = opts->recordings;
	a->port = xcalloc(opts->npid, sizeof(*a->port));
	a->rest = loop__timer(a->loop, rested, a);
	if (!a->rest)
		err = -errno;
	for (i = 0; !err && i < opts->npid; i++) {
		a->port[a->nport] = (struct port){
			.agent = a, .pid = (pid_t)opts->pid[i], .fd = -1, .pidfd = -1
		};
		err = open_port(&a->port[a->nport++], why);
	}
	if (err) {
		gopsagent__free(a);
		errno = -err;
		return NULL;
	}
	log_notice(
		"any program of this machine may connect to the ports of gops, which asks nobody "
		"who he is; processes are shown and traced for their owner, root and the group %s",
		CALLER_GROUP);
	return a;
}

void gopsagent__free(struct gopsagent *a)
{
	size_t i;

	if (!a)
		return;
	while (a->conns)
		close_conn(a->conns);
	for (i = 0; i < a->nport; i++)
		close_port(&a->port[i]);
	loop_timer__end(a->rest);
	free(a->port);
	free(a);
}
