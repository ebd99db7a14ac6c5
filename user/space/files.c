// SPDX-License-Identifier: BSD-2-Clause
/* See files.h. A packet each way, as in symbol/symproto.h; what does not fit comes as a memory
 * file. */
#include "space/files.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/symproto.h"
#include "symbol/symzygote.h"
#include "util/ending.h"
#include "util/patience.h"
#include "util/xalloc.h"

#define SLICE_MS 50	       /* until we look whether we are to end */
#define BODY_MAX (512ll << 20) /* more than the rows of the largest table */
#define SILENT_MAX 8	       /* file systems that are remembered */

enum message { ASK = 1, TOLD };
enum along { FILE_ALONG = 1, BODY_ALONG = 2 }; /* in this order; .cnt of the head */

struct files {
	struct zygote zygote;
	int sock; /* -1: a new worker is needed */
	pid_t worker;
	int stop_fd;
	uint64_t silent[SILENT_MAX]; /* devices */
	unsigned nsilent;
	struct sym_packet packet;
};

/* ---- there ---- */

static int body_fd(const struct strbuf *body)
{
	int fd = memfd_create("ctrace-answer", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n;

	while (fd >= 0 && done < body->len) {
		n = write(fd, body->buf + done, body->len - done);
		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	return fd;
}

static int answer(int sock, struct sym_packet *p, struct filework_answer *a)
{
	int fd[2], body = -1, err;
	uint32_t along = 0;
	size_t nfd = 0;

	if (a->fd >= 0) {
		along |= FILE_ALONG;
		fd[nfd++] = a->fd;
	}
	if (a->body.len && (body = body_fd(&a->body)) >= 0) {
		along |= BODY_ALONG;
		fd[nfd++] = body;
	}
	sym_packet_start(p, TOLD, 0);
	sym_packet_head(p)->cnt = along;
	sym_packet_add(p, &a->told, sizeof(a->told));
	err = sym_send(sock, p, fd, nfd);
	while (nfd)
		close(fd[--nfd]);
	strbuf_free(&a->body);
	return err;
}

/* The worker: the path is the rest of the packet. */
static void work(int sock, void *ctx)
{
	struct sym_packet *p = xcalloc(1, sizeof(*p));
	struct filework_answer a;
	struct filework_ask ask;
	size_t nfd, left;
	const char *at;
	int fd[2];

	while (!sym_recv(sock, p, fd, &nfd)) {
		at = p->data + sizeof(struct sym_msg);
		left = p->len - sizeof(struct sym_msg);
		if (left <= sizeof(ask) || at[left - 1])
			break;
		memcpy(&ask, at, sizeof(ask));
		filework_do(&ask, at + sizeof(ask), ctx, &a);
		if (answer(sock, p, &a))
			break;
	}
	free(p);
}

/* ---- here ---- */

struct files *files__new(const struct plan_wishes *wishes)
{
	struct files *f = xcalloc(1, sizeof(*f));
	const struct zygote_opts opts = {
		.name = "ctrace-files",
		.run = work,
		.ctx = (void *)(uintptr_t)wishes,
		.reads = true,
	};
	int err = zygote_start(&f->zygote, &opts);

	f->sock = f->stop_fd = -1;
	if (!err)
		return f;
	free(f);
	errno = -err;
	return NULL;
}

static void drop_worker(struct files *f)
{
	if (f->sock >= 0)
		close(f->sock);
	f->sock = -1;
}

void files__free(struct files *f)
{
	if (!f)
		return;
	drop_worker(f);
	zygote_stop(&f->zygote);
	free(f);
}

uint32_t files__pid(const struct files *f)
{
	return (uint32_t)f->zygote.pid;
}

uint32_t files__worker(const struct files *f)
{
	return (uint32_t)f->worker;
}

void files__stop_fd(struct files *f, int fd)
{
	f->stop_fd = fd;
}

static bool is_to_end(const struct files *f)
{
	struct pollfd p = { .fd = f->stop_fd, .events = POLLIN };

	return ending_asked() || poll(&p, 1, 0) > 0;
}

static bool is_silent(const struct files *f, uint64_t dev)
{
	unsigned i;

	for (i = 0; i < f->nsilent && f->silent[i] != dev; i++)
		;
	return i < f->nsilent;
}

static int renew(struct files *f)
{
	struct zygote_reply r = { 0 };
	int err = f->sock < 0 ? zygote_worker(&f->zygote, &f->sock, &r) : 0;

	if (r.worker)
		f->worker = r.worker;
	return err;
}

static int wait_for(const struct files *f)
{
	struct pollfd p = { .fd = f->sock, .events = POLLIN };
	struct patience patience = patience_begin(f->worker);

	while (!is_to_end(f)) {
		if (poll(&p, 1, SLICE_MS) > 0)
			return 0;
		if (patience_over(&patience))
			return -ETIMEDOUT;
	}
	return -ECANCELED;
}

static int take_body(int fd, struct strbuf *out)
{
	char buf[65536];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) || st.st_size > BODY_MAX)
		return -EPROTO;
	while ((off_t)out->len < st.st_size) {
		n = pread(fd, buf, sizeof(buf), (off_t)out->len);
		if (n <= 0)
			return -EPROTO;
		strbuf_add(out, buf, (size_t)n);
	}
	return 0;
}

static int take_answer(struct files *f, struct filework_answer *out)
{
	size_t nfd = 0, at = 0;
	uint32_t along;
	int fd[2], err;

	err = sym_recv(f->sock, &f->packet, fd, &nfd);
	if (err)
		return err;
	along = sym_packet_head(&f->packet)->cnt;
	if (f->packet.len != sizeof(struct sym_msg) + sizeof(out->told) ||
	    nfd != (size_t)__builtin_popcount(along & (FILE_ALONG | BODY_ALONG))) {
		while (nfd)
			close(fd[--nfd]);
		return -EPROTO;
	}
	memcpy(&out->told, f->packet.data + sizeof(struct sym_msg), sizeof(out->told));
	if (along & FILE_ALONG)
		out->fd = fd[at++];
	if (along & BODY_ALONG) {
		err = take_body(fd[at], &out->body);
		close(fd[at]);
	}
	return err;
}

static int ask_worker(struct files *f, const struct filework_ask *ask, const char *path,
		      struct filework_answer *out)
{
	int err = renew(f);

	if (err)
		return err;
	sym_packet_start(&f->packet, ASK, 0);
	sym_packet_add(&f->packet, ask, sizeof(*ask));
	sym_packet_add(&f->packet, path, strlen(path) + 1);
	err = sym_send(f->sock, &f->packet, NULL, 0);
	if (!err)
		err = wait_for(f);
	if (!err)
		err = take_answer(f, out);
	if (err)
		drop_worker(f);
	if (err == -ETIMEDOUT && ask->dev && f->nsilent < SILENT_MAX)
		f->silent[f->nsilent++] = ask->dev;
	return err;
}

int files__ask(struct files *f, const struct filework_ask *ask, const char *path,
	       struct filework_answer *out)
{
	*out = (struct filework_answer){ .fd = -1, .body = STRBUF_INIT };
	if (!f) {
		filework_do(ask, path, NULL, out);
		return 0;
	}
	if (is_to_end(f))
		return -ECANCELED;
	if (is_silent(f, ask->dev))
		return -ETIMEDOUT;
	return ask_worker(f, ask, path, out);
}

const char *files_explain(int err)
{
	switch (err) {
	case -ETIMEDOUT:
		return "does not answer";
	case -EBUSY:
		return "is not read, after too many that did not answer";
	case -EPIPE:
		return "ended the process that reads it";
	default:
		return "cannot be read";
	}
}
