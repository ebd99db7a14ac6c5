// SPDX-License-Identifier: BSD-2-Clause
/* See pprof.h. All but the trace, which is in pprof_trace.c. */
#include "http/pprof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "rights/caller.h"
#include "rights/errand.h"
#include "http/http.h"
#include "http/query.h"
#include "http/request.h"
#include "util/loop.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define RETRY_AFTER "5" /* seconds */
#define CMDLINE_MAX ((size_t)1 << 20)
#define CMDLINE_SEC 2

void pprof_error(struct request *r, unsigned status, const char *text)
{
	request__add(r, "X-Go-Pprof", "1");
	if (status == 503)
		request__add(r, "Retry-After", RETRY_AFTER);
	request__error(r, status, text);
}

static void plain(struct request *r, const void *text, size_t len)
{
	request__add(r, "X-Content-Type-Options", "nosniff");
	request__add(r, "Content-Type", "text/plain; charset=utf-8");
	request__answer(r, 200, text, len);
}

/* ---- cmdline ---- */

/* A process's words are in its own memory, which can be a file that nobody answers for: an errand
 * reads them. */
struct cmdline {
	struct request *request;
	pid_t of, errand;
	int fd;
	struct loop_watch *watch;
	struct strbuf text;
};

static int copy_cmdline(void *ctx, int out)
{
	const struct cmdline *c = ctx;
	char path[32], buf[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", c->of);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			return -EPIPE;
	return n < 0 ? -errno : 0;
}

/* Between words there is a NUL, behind the last one none. */
static void cmdline_is(struct request *r, struct strbuf *text)
{
	size_t len = text->len;

	if (len && !text->buf[len - 1])
		len--;
	plain(r, text->buf, len);
}

static void cmdline_over(void *ctx)
{
	struct cmdline *c = ctx;

	loop_watch__end(c->watch);
	if (c->errand > 0)
		errand_leave(c->errand, request__opts(c->request)->loop);
	if (c->fd >= 0)
		close(c->fd);
	strbuf_free(&c->text);
	free(c);
}

static void cmdline_came(void *ctx, uint32_t events)
{
	struct cmdline *c = ctx;
	char buf[4096];
	ssize_t n = read(c->fd, buf, sizeof(buf));

	(void)events;
	if (n > 0 && c->text.len < CMDLINE_MAX) {
		strbuf_add(&c->text, buf, (size_t)n);
		return;
	}
	loop_watch__end(c->watch);
	c->watch = NULL;
	cmdline_is(c->request, &c->text);
}

static void cmdline_begin(struct request *r, pid_t pid)
{
	const struct caller *who = request__caller(r);
	struct cmdline *c = xcalloc(1, sizeof(*c));
	int fd[2];

	*c = (struct cmdline){ .request = r, .of = pid, .fd = -1, .text = STRBUF_INIT };
	request__on_over(r, cmdline_over, c);
	if (pipe2(fd, O_CLOEXEC)) {
		pprof_error(r, 500, "Could not read the command line: no pipe can be made");
		return;
	}
	c->fd = fd[0];
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	c->errand = errand_begin(who->rank == CALLER_ALL ? ERRAND_US : who->uid, who->gid,
				 CMDLINE_SEC, copy_cmdline, c, fd[1]);
	close(fd[1]);
	if (c->errand > 0)
		c->watch = loop__watch(request__opts(r)->loop, c->fd, EPOLLIN, cmdline_came, c);
	if (!c->watch)
		pprof_error(r, 500,
			    "Could not read the command line: no process can be made for it");
}

static void own_cmdline(struct request *r)
{
	struct strbuf text = STRBUF_INIT;
	char *buf = xmalloc(CMDLINE_MAX);
	ssize_t len = procfs_read("/proc/self/cmdline", buf, CMDLINE_MAX);

	strbuf_add(&text, buf, len > 0 ? (size_t)len : 0);
	cmdline_is(r, &text);
	strbuf_free(&text);
	free(buf);
}

static void cmdline(struct request *r)
{
	const char *pid = query_get(request__query(r), "pid");
	char path[32];
	uint64_t nr;

	if (!*pid) {
		own_cmdline(r);
		return;
	}
	if (parse_u64(pid, &nr) || !nr || nr > INT32_MAX) {
		pprof_error(r, 400, "Could not read the command line: pid is not a process id");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d", (int)nr);
	if (access(path, F_OK)) {
		pprof_error(r, 404, "Could not read the command line: no such process");
	} else if (!caller_sees(request__caller(r), (pid_t)nr)) {
		request__log(r, "refused: it is the process of somebody else");
		pprof_error(r, 403,
			    "Could not read the command line: it is the process of somebody else");
	} else {
		cmdline_begin(r, (pid_t)nr);
	}
}

/* ---- which one? ---- */

/* Names are in the trace; addresses of our own program say nothing to anybody. */
static void symbol(struct request *r)
{
	static const char none[] = "num_symbols: 0\n";

	plain(r, none, sizeof(none) - 1);
}

static const struct {
	const char *name;
	void (*answer)(struct request *r);
} profiles[] = {
	{ "cmdline", cmdline },
	{ "symbol", symbol },
	{ "trace", pprof_trace },
};

void pprof_answer(struct request *r, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(profiles) / sizeof(*profiles); i++) {
		if (!strcmp(profiles[i].name, name)) {
			profiles[i].answer(r);
			return;
		}
	}
	pprof_error(r, 404, "Unknown profile");
}
