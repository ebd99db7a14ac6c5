// SPDX-License-Identifier: BSD-2-Clause
/* See recordings.h: what the flight recorder has goes to a file that a caller names. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/ledger.h"
#include "control/recordings_parts.h"
#include "control/standing.h"
#include "util/log.h"
#include "util/xalloc.h"

#define LOG_TAG "snapshots"

struct snapshot {
	struct recordings *r;
	char *file;
	struct outdir_file out;
	struct strbuf who;
	snapshot_fn done;
	void *ctx;
};

static void snapshot_free(struct snapshot *s)
{
	strbuf_free(&s->who);
	free(s->file);
	free(s);
}

static void snapshot_done(void *ctx, int err, const char *why)
{
	struct snapshot *s = ctx;
	struct strbuf words = STRBUF_INIT;

	strbuf_addf(&words, "%s, for %s%s%s", s->file, s->who.buf, err ? ": " : "", err ? why : "");
	recordings_tame(&words);
	log_notice("snapshot to %s", words.buf);
	strbuf_free(&words);
	if (err)
		outdir__undo(s->r->opts.outdir, s->file, &s->out);
	s->done(s->ctx, err, why);
	snapshot_free(s);
}

static int start_snapshot(struct recordings *r, const struct caller *c, struct snapshot *s,
			  struct strbuf *why)
{
	uint64_t room = 0;
	int err;

	if (!r->standing)
		return strbuf_refuse(
			-ENOTSUP, why,
			"there is no flight recorder; start the service with --flight-recorder");
	if (c->rank != CALLER_ALL)
		return strbuf_refuse(-EPERM, why,
				     "only root and members of the group " CALLER_GROUP
				     " may see what the flight recorder has");
	err = recordings_room(r, &room, why);
	if (!err)
		err = recordings_open(r, s->file, c, &s->out, why);
	if (err)
		return err;
	ledger__add(r->ledger, s->file, &s->out);
	err = standing__snapshot(r->standing, s->out.fd, snapshot_done, s);
	if (err) {
		strbuf_refuse(err, why,
			      err == -EALREADY ? "another snapshot is being written" :
						 "the flight recorder %s",
			      standing__words(r->standing));
		outdir__undo(r->opts.outdir, s->file, &s->out);
	}
	close(s->out.fd);
	return err;
}

int recordings__snapshot(struct recordings *r, const struct caller *c, const char *file,
			 snapshot_fn done, void *ctx, struct strbuf *why)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	int err;

	*s = (struct snapshot){ .r = r,
				.file = xstrdup(file),
				.out = { .fd = -1 },
				.who = STRBUF_INIT,
				.done = done,
				.ctx = ctx };
	caller_words(c, &s->who);
	strbuf_reset(why);
	err = start_snapshot(r, c, s, why);
	if (!err)
		return 0;
	strbuf_addf(&s->who, ": %s", why->buf);
	recordings_tame(&s->who);
	log_notice("refused a snapshot for %s", s->who.buf);
	snapshot_free(s);
	return err;
}

const char *recordings__flight(const struct recordings *r)
{
	return r->standing ? standing__words(r->standing) : NULL;
}
