/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flight recorder of `serve --flight-recorder`: a recording of its own that stands as long as
 * the service, for whoever asks for a snapshot. When it ends without having been told to, it is
 * begun anew, later and later each time; that of processes which have ended is not.
 */
#ifndef CTRACE_CONTROL_STANDING_H
#define CTRACE_CONTROL_STANDING_H

#include <stdbool.h>

#include "control/job.h"

struct standing;

struct standing_opts {
	struct loop *loop;
	const struct options *o;  /* of serve; borrowed */
	const char *dir;	  /* where files of --trigger go; borrowed */
	void (*ended)(void *ctx); /* for good */
	void *ctx;
};

/* NULL with errno and the reason in why. */
struct standing *standing__new(const struct standing_opts *opts, struct strbuf *why);
void standing__free(struct standing *s); /* NULL is fine */
void standing__stop(struct standing *s); /* ended() comes; again: see job__stop() */
bool standing__has_ended(const struct standing *s);
/* "keeps the last 10 s", "has ended: …" */
const char *standing__words(const struct standing *s);
/* See job__snapshot(). -ENOTSUP with standing__words() when it has ended. */
int standing__snapshot(struct standing *s, int fd, job_snapshot_fn done, void *ctx);

#endif
