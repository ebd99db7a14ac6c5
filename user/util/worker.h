/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that does pieces of work in the order in which they were given, for whoever must never
 * wait.
 *
 * Giving does not block and does not refuse: the giver asks whether the worker has fallen behind
 * and brings nothing more until it has not, so that it is the giver who decides what is lost. A
 * piece belongs to the worker until worker__take_back() gives it back. The first error ends the
 * work: what comes after is only handed back. One thread gives; signals go to other threads, and so
 * does real time.
 */
#ifndef CTRACE_UTIL_WORKER_H
#define CTRACE_UTIL_WORKER_H

#include <stdbool.h>

struct worker;

/* Embedded at the begin of what the work is about. */
struct work {
	struct work *next;
};

struct worker_opts {
	int (*fn)(void *ctx, struct work *work); /* on the thread; 0 or -errno */
	void *ctx;
	unsigned max; /* as many pieces may wait or be worked on */
};

struct worker *worker__new(const struct worker_opts *opts); /* NULL with errno */
void worker__free(struct worker *w); /* finishes first; pieces are not freed; NULL is fine */

void worker__give(struct worker *w, struct work *work);
struct work *worker__take_back(struct worker *w); /* one that is done; NULL: none */
/* Do as many wait as may? Never after an error. */
bool worker__behind(struct worker *w);
void worker__wait(struct worker *w); /* until it is not behind */
bool worker__idle(struct worker *w); /* everything that was given is done */
int worker__error(struct worker *w); /* the first one, 0 none */

/* Ends the thread when all is done; nothing may be given any more. Returns the first error. */
int worker__finish(struct worker *w);
/*
 * Ends the thread inside a call between worker_may_end() and worker_must_go_on(), or when all is
 * done; what is left undone makes the error -ECANCELED. For a write(2) that never returns.
 */
void worker__abandon(struct worker *w);

/* For fn: here nothing is held and the thread may be ended; the system calls of pthreads(7) are
 * where it happens. */
void worker_may_end(void);
void worker_must_go_on(void);

#endif
