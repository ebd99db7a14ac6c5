// SPDX-License-Identifier: BSD-2-Clause
/* See looker.h. Packets are those of symbol/symproto.h. */
#include "gops/looker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "symbol/symproto.h"
#include "symbol/symzygote.h"
#include "util/clock.h"
#include "util/patience.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define SLICE_MS 50
#define IDLE_NS 500000000ull /* it does nothing, when there is no more time either */
#define COMMAND_MAX 32768    /* bytes; what is longer is cut */
#define SILENT_MAX 64	     /* processes that are remembered */

enum message { ASK = 1, TOLD };

struct ask {
	uint32_t pid, round;
	bool command;
};

struct told {
	int32_t err;
	uint32_t runtime, marked;
	char version[FACTS_VERSION_MAX];
};

struct silent {
	uint32_t pid;
	uint64_t started;
};

struct looker {
	struct zygote zygote;
	int sock; /* -1: a new worker is needed */
	pid_t worker;
	uint32_t round;
	uint64_t budget_ns;
	struct silent silent[SILENT_MAX];
	unsigned nsilent;
	struct sym_packet packet;
};

/* ---- there ---- */

static void add_command(struct sym_packet *p, uint32_t pid)
{
	static char text[COMMAND_MAX];
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	n = procfs_read(path, text, sizeof(text));
	if (n > 0)
		sym_packet_add(p, text, (size_t)n);
}

static void work(int sock, void *ctx)
{
	struct sym_packet *p = xcalloc(1, sizeof(*p));
	struct runtimes *r = runtimes__new();
	struct runtime_told t;
	struct told told;
	struct ask ask;
	int fd[2];
	size_t nfd;

	(void)ctx;
	while (!sym_recv(sock, p, fd, &nfd)) {
		while (nfd)
			close(fd[--nfd]);
		if (p->len != sizeof(struct sym_msg) + sizeof(ask))
			break;
		memcpy(&ask, p->data + sizeof(struct sym_msg), sizeof(ask));
		memset(&told, 0, sizeof(told));
		told.err = runtimes__ask(r, ask.pid, ask.round, &t);
		told.runtime = t.runtime;
		told.marked = t.marked;
		memcpy(told.version, t.version, sizeof(told.version));
		sym_packet_start(p, TOLD, 0);
		sym_packet_add(p, &told, sizeof(told));
		if (ask.command)
			add_command(p, ask.pid);
		if (sym_send(sock, p, NULL, 0))
			break;
	}
	runtimes__free(r);
	free(p);
}

/* ---- here ---- */

struct looker *looker__new(void)
{
	struct looker *l = xcalloc(1, sizeof(*l));
	const struct zygote_opts opts = { .name = "ctrace-looks", .run = work, .reads = true };
	int err = zygote_start(&l->zygote, &opts);

	l->sock = -1;
	l->budget_ns = PATIENCE_IDLE_NS;
	if (!err)
		return l;
	free(l);
	errno = -err;
	return NULL;
}

static void drop_worker(struct looker *l)
{
	if (l->sock >= 0)
		close(l->sock);
	l->sock = -1;
}

void looker__free(struct looker *l)
{
	if (!l)
		return;
	drop_worker(l);
	zygote_stop(&l->zygote);
	free(l);
}

bool looker__is(const struct looker *l, uint32_t pid)
{
	return pid && (pid == (uint32_t)l->zygote.pid || pid == (uint32_t)l->worker);
}

void looker__begin(struct looker *l, uint64_t budget_ns)
{
	l->round++;
	l->budget_ns = budget_ns;
}

static bool is_silent(const struct looker *l, uint32_t pid, uint64_t started)
{
	unsigned i;

	for (i = 0; i < l->nsilent && i < SILENT_MAX; i++)
		if (l->silent[i].pid == pid && l->silent[i].started == started)
			return true;
	return false;
}

static int renew(struct looker *l)
{
	struct zygote_reply r = { 0 };
	int err = l->sock < 0 ? zygote_worker(&l->zygote, &l->sock, &r) : 0;

	if (r.worker)
		l->worker = r.worker;
	return err;
}

/* -ETIMEDOUT: it does nothing; -EBUSY: it does, but there is no time left for all of them. */
static int wait_for(struct looker *l)
{
	struct pollfd p = { .fd = l->sock, .events = POLLIN };
	struct patience patience = patience_begin(l->worker);
	uint64_t begin = clock_mono(), took = 0;
	int err = -EAGAIN;

	while (err == -EAGAIN) {
		if (poll(&p, 1, SLICE_MS) > 0)
			err = 0;
		else if (patience_over(&patience))
			err = -ETIMEDOUT;
		took = clock_mono() - begin;
		if (err == -EAGAIN && took > l->budget_ns)
			err = clock_mono() - patience.moved > IDLE_NS ? -ETIMEDOUT : -EBUSY;
	}
	l->budget_ns -= took < l->budget_ns ? took : l->budget_ns;
	return err;
}

static int take(struct looker *l, struct runtime_told *out, struct strbuf *command)
{
	const char *at = l->packet.data + sizeof(struct sym_msg);
	struct told told;
	size_t nfd = 0, left;
	int fd[2], err;

	err = sym_recv(l->sock, &l->packet, fd, &nfd);
	while (!err && nfd)
		close(fd[--nfd]);
	left = l->packet.len - sizeof(struct sym_msg);
	if (!err && left < sizeof(told))
		err = -EPROTO;
	if (err)
		return err;
	memcpy(&told, at, sizeof(told));
	/* it reads what others made: its word is not taken for more than it is */
	if (told.runtime >= RUNTIME_MAX || told.err > 0)
		return -EPROTO;
	out->runtime = (enum runtime)told.runtime;
	out->marked = told.marked;
	memcpy(out->version, told.version, sizeof(out->version) - 1);
	if (command)
		strbuf_add(command, at + sizeof(told), left - sizeof(told));
	return told.err;
}

static int ask_worker(struct looker *l, const struct ask *ask, struct runtime_told *out,
		      struct strbuf *command)
{
	int err = renew(l);

	if (err)
		return err;
	sym_packet_start(&l->packet, ASK, 0);
	sym_packet_add(&l->packet, ask, sizeof(*ask));
	err = sym_send(l->sock, &l->packet, NULL, 0);
	if (!err)
		err = wait_for(l);
	if (err) {
		drop_worker(l);
		return err;
	}
	err = take(l, out, command);
	if (err == -EPIPE || err == -EPROTO)
		drop_worker(l);
	return err;
}

int looker__ask(struct looker *l, uint32_t pid, uint64_t started, struct runtime_told *out,
		struct strbuf *command)
{
	struct ask ask;
	int err;

	memset(&ask, 0, sizeof(ask));
	ask.pid = pid;
	ask.round = l->round;
	ask.command = command != NULL;
	*out = (struct runtime_told){ 0 };
	if (is_silent(l, pid, started))
		return -ETIMEDOUT;
	if (!l->budget_ns)
		return -EBUSY;
	err = ask_worker(l, &ask, out, command);
	if (err == -ETIMEDOUT || err == -EPIPE)
		l->silent[l->nsilent++ % SILENT_MAX] = (struct silent){ pid, started };
	return err;
}
