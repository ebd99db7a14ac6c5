// SPDX-License-Identifier: BSD-2-Clause
/* See symclient.h. */
#include "symbol/symclient.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/event.h"
#include "symbol/symzygote.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct symclient {
	struct zygote zygote;
	unsigned timeout_ms;
	int stop_fd; /* readable once we have given up */
	atomic_bool stopped;
	bool broken; /* no worker can be had */
	int sock;    /* -1: a new one is needed */
	uint32_t worker;
	struct sym_packet in, out;
};

struct run {
	symworker_hook hook;
};

static void run_worker(int sock, void *ctx)
{
	symworker_run(sock, ((struct run *)ctx)->hook);
}

struct symclient *symclient__new(unsigned timeout_ms, symworker_hook hook)
{
	struct symclient *c = xcalloc(1, sizeof(*c));
	struct run run = { hook };
	struct zygote_opts opts = { .name = "ctrace-symbols", .run = run_worker, .ctx = &run };
	int err;

	c->timeout_ms = timeout_ms;
	c->sock = -1;
	c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = c->stop_fd < 0 ? -errno : zygote_start(&c->zygote, &opts);
	if (!err)
		return c;
	symclient__free(c);
	errno = -err;
	return NULL;
}

static void drop_worker(struct symclient *c)
{
	if (c->sock >= 0)
		close(c->sock);
	c->sock = -1;
}

void symclient__free(struct symclient *c)
{
	if (!c)
		return;
	drop_worker(c);
	zygote_stop(&c->zygote);
	if (c->stop_fd >= 0)
		close(c->stop_fd);
	free(c);
}

void symclient__give_up(struct symclient *c)
{
	uint64_t one = 1;
	ssize_t n;

	atomic_store(&c->stopped, true);
	n = write(c->stop_fd, &one, sizeof(one)); /* can only fail where it is full: readable */
	(void)n;
}

/* Asks for a new worker; *r tells how the old one ended. */
static int renew(struct symclient *c, struct zygote_reply *r)
{
	int err;

	drop_worker(c);
	memset(r, 0, sizeof(*r));
	err = zygote_worker(&c->zygote, &c->sock, r);
	if (err)
		c->broken = true;
	else
		c->worker++;
	return err;
}

uint32_t symclient__worker(struct symclient *c, struct strbuf *why)
{
	struct zygote_reply r;
	int err;

	if (atomic_load(&c->stopped) || c->broken)
		return 0;
	if (c->sock < 0) {
		err = renew(c, &r);
		if (err)
			strbuf_set_f(why, "no process to read symbols can be started: %s",
				     strerror(-err));
	}
	return c->broken ? 0 : c->worker;
}

int symclient__module(struct symclient *c, const struct sym_packet *p, const int *fd, size_t nfd)
{
	return c->sock < 0 ? -EPIPE : sym_send(c->sock, p, fd, nfd);
}

/* ---- one answer ---- */

static const char *take_text(const char **p, size_t *left, size_t len)
{
	const char *s = len ? sym_take(p, left, len) : "";

	return s && (!len || !s[len - 1]) ? s : NULL;
}

static int one_answer(const char **p, size_t *left, symclient_fn fn, void *ctx)
{
	struct sym_client_func func[EV_SYM_FRAMES];
	const void *at = sym_take(p, left, sizeof(struct sym_msg_addr));
	struct sym_msg_addr a;
	struct sym_msg_func f;
	uint32_t i;

	if (!at)
		return -EPROTO;
	memcpy(&a, at, sizeof(a));
	if (!a.nfunc || a.nfunc > EV_SYM_FRAMES)
		return -EPROTO;
	for (i = 0; i < a.nfunc; i++) {
		at = sym_take(p, left, sizeof(f));
		if (!at)
			return -EPROTO;
		memcpy(&f, at, sizeof(f));
		func[i].line = f.line;
		func[i].func = f.nfunc > 1 ? take_text(p, left, f.nfunc) : NULL;
		func[i].file = take_text(p, left, f.nfile);
		if (!func[i].func || !func[i].file)
			return -EPROTO;
	}
	fn(ctx, a.addr, func, a.nfunc);
	return 0;
}

/* 1: the question is answered, 0: more comes, -errno */
static int one_packet(struct symclient *c, uint32_t module, symclient_fn fn, void *ctx,
		      struct strbuf *why)
{
	size_t left, nfd;
	int fd[2], err;
	const char *p;
	uint32_t i;

	err = sym_recv(c->sock, &c->in, fd, &nfd);
	if (err)
		return err;
	while (nfd)
		close(fd[--nfd]);
	p = c->in.data + sizeof(struct sym_msg);
	left = c->in.len - sizeof(struct sym_msg);
	if (sym_packet_head(&c->in)->module != module)
		return -EPROTO;
	switch (sym_packet_head(&c->in)->type) {
	case SYM_ANSWER:
		for (i = 0; i < sym_packet_head(&c->in)->cnt && !err; i++)
			err = one_answer(&p, &left, fn, ctx);
		return err;
	case SYM_DONE:
		if (!left || p[left - 1])
			return -EPROTO;
		if (*p)
			strbuf_set_f(why, "%s", p);
		return 1;
	default:
		return -EPROTO;
	}
}

/* Until the worker says something. 0, -ETIMEDOUT or -ECANCELED */
static int wait_for(struct symclient *c)
{
	struct pollfd p[2] = { { .fd = c->sock, .events = POLLIN },
			       { .fd = c->stop_fd, .events = POLLIN } };
	int n;

	do {
		n = poll(p, 2, (int)c->timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (atomic_load(&c->stopped))
		return -ECANCELED;
	return n > 0 ? 0 : -ETIMEDOUT;
}

/* The worker is gone or to be killed: what is told of the module, and a new one. */
static void tell_end(struct symclient *c, int err, struct strbuf *why)
{
	struct zygote_reply r;

	renew(c, &r);
	if (err == -ETIMEDOUT)
		strbuf_set_f(why, "to read it takes more than %g s", c->timeout_ms / 1000.0);
	else if (WIFSIGNALED(r.status) && WTERMSIG(r.status) != SIGKILL)
		strbuf_set_f(why, "to read it ended the process that reads symbols with signal %d",
			     WTERMSIG(r.status));
	else
		strbuf_set_f(why, "the process that reads symbols ended over it");
}

int symclient__ask(struct symclient *c, uint32_t module, const uint64_t *addr, size_t cnt,
		   symclient_fn fn, void *ctx, struct strbuf *why)
{
	int r;

	if (atomic_load(&c->stopped))
		return -ECANCELED;
	sym_packet_start(&c->out, SYM_ASK, module);
	sym_packet_head(&c->out)->cnt = (uint32_t)cnt;
	sym_packet_add(&c->out, addr, cnt * sizeof(*addr));
	r = c->sock < 0 ? -EPIPE : sym_send(c->sock, &c->out, NULL, 0);
	while (!r) {
		r = wait_for(c);
		if (!r)
			r = one_packet(c, module, fn, ctx, why);
	}
	if (r == 1)
		return 0;
	if (r != -ECANCELED)
		tell_end(c, r, why);
	return r;
}

uint32_t symclient__pid(const struct symclient *c)
{
	return (uint32_t)c->zygote.pid;
}
