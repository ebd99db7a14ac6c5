// SPDX-License-Identifier: BSD-2-Clause
/* See rawlog.h. Pieces of the file go round: filled here, written by the worker, taken back to be
 * filled again. */
#include "capture/rawlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/evlog.h"
#include "util/worker.h"
#include "util/xalloc.h"

#define PIECES_MAX 32 /* of EVLOG_PIECE_MAX bytes each */

struct piece {
	struct work work;
	size_t len;
	unsigned char data[EVLOG_PIECE_MAX];
};
_Static_assert(offsetof(struct piece, work) == 0, "a piece of work is a piece of the file");

struct rawlog {
	struct sink sink;
	struct worker *worker;
	struct evlog_writer *writer;
	int err; /* of the writer */
	bool closed;
};

/* On the thread. */
static int write_piece(void *ctx, struct work *work)
{
	struct piece *p = (struct piece *)work;
	struct rawlog *l = ctx;
	int err;

	worker_may_end();
	err = l->sink.write(l->sink.ctx, p->data, p->len);
	worker_must_go_on();
	return err;
}

static int queue_piece(void *ctx, const void *data, size_t len)
{
	struct rawlog *l = ctx;
	struct piece *p = (struct piece *)worker__take_back(l->worker);

	if (!p)
		p = xmalloc(sizeof(*p));
	p->len = len;
	memcpy(p->data, data, len);
	worker__give(l->worker, &p->work);
	return worker__error(l->worker);
}

struct rawlog *rawlog__new(const struct sink *sink, const struct evlog_head *head)
{
	struct rawlog *l = xcalloc(1, sizeof(*l));
	int err;

	l->sink = *sink;
	l->worker = worker__new(&(struct worker_opts){ write_piece, l, PIECES_MAX });
	if (l->worker)
		l->writer = evlog_writer__new(&(struct sink){ queue_piece, l }, head);
	if (l->writer)
		return l;
	err = errno;
	l->closed = true;
	rawlog__free(l);
	errno = err;
	return NULL;
}

void rawlog__free(struct rawlog *l)
{
	struct work *p;

	if (!l)
		return;
	if (l->worker) {
		rawlog__finish(l);
		while ((p = worker__take_back(l->worker)))
			free(p);
	}
	worker__free(l->worker);
	evlog_writer__free(l->writer);
	free(l);
}

void rawlog__records(struct rawlog *l, uint32_t stream, const void *rec, size_t len)
{
	if (!l->err)
		l->err = evlog_writer__records(l->writer, stream, rec, len);
}

void rawlog__advance(struct rawlog *l, uint64_t watermark)
{
	if (!l->err)
		l->err = evlog_writer__advance(l->writer, watermark);
}

bool rawlog__behind(struct rawlog *l)
{
	return worker__behind(l->worker);
}

int rawlog__error(struct rawlog *l)
{
	int err = worker__error(l->worker);

	return err ? err : l->err;
}

void rawlog__close(struct rawlog *l)
{
	if (l->closed)
		return;
	l->closed = true;
	if (!l->err)
		l->err = evlog_writer__finish(l->writer);
}

bool rawlog__done(struct rawlog *l)
{
	return worker__idle(l->worker);
}

void rawlog__abandon(struct rawlog *l)
{
	worker__abandon(l->worker);
}

int rawlog__finish(struct rawlog *l)
{
	rawlog__close(l);
	worker__finish(l->worker);
	return rawlog__error(l);
}
