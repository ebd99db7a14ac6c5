// SPDX-License-Identifier: BSD-2-Clause
/* See worker.h. The lock guards the two lists and the results, never the content of a piece of
 * work. */
#include "util/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "util/privileges.h"
#include "util/xalloc.h"

struct worker {
	struct worker_opts opts;
	pthread_t thread;
	bool joined;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* any of the below */
	struct work *queue, **queue_end;
	struct work *now; /* with the thread */
	struct work *done;
	_Atomic unsigned
		nbusy; /* in the queue or being worked on; these two are asked without the lock */
	_Atomic int err;
	bool closing;
};

void worker_may_end(void)
{
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
}

void worker_must_go_on(void)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

static void put_back(struct worker *w, struct work *work)
{
	work->next = w->done;
	w->done = work;
	w->nbusy--;
}

static void *work_thread(void *arg)
{
	struct worker *w = arg;
	struct work *work;
	int err;

	worker_must_go_on();
	privileges_no_real_time();
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->queue && !w->closing)
			pthread_cond_wait(&w->changed, &w->lock);
		work = w->queue;
		if (!work)
			break;
		w->queue = work->next;
		if (!w->queue)
			w->queue_end = &w->queue;
		w->now = work;
		err = w->err;
		pthread_mutex_unlock(&w->lock);

		if (!err)
			err = w->opts.fn(w->opts.ctx, work);

		pthread_mutex_lock(&w->lock);
		if (!w->err)
			w->err = err;
		w->now = NULL;
		put_back(w, work);
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct worker *worker__new(const struct worker_opts *opts)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	sigset_t all, old;
	int err;

	w->opts = *opts;
	w->queue_end = &w->queue;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, work_thread, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		w->joined = true;
		worker__free(w);
		errno = err;
		return NULL;
	}
	return w;
}

void worker__free(struct worker *w)
{
	if (!w)
		return;
	worker__finish(w);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void worker__give(struct worker *w, struct work *work)
{
	work->next = NULL;
	pthread_mutex_lock(&w->lock);
	w->nbusy++;
	if (w->joined) {
		put_back(w, work);
	} else {
		*w->queue_end = work;
		w->queue_end = &work->next;
	}
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

struct work *worker__take_back(struct worker *w)
{
	struct work *work;

	pthread_mutex_lock(&w->lock);
	work = w->done;
	if (work)
		w->done = work->next;
	pthread_mutex_unlock(&w->lock);
	return work;
}

bool worker__behind(struct worker *w)
{
	return w->nbusy >= w->opts.max && !w->err;
}

void worker__wait(struct worker *w)
{
	if (!worker__behind(w))
		return;
	pthread_mutex_lock(&w->lock);
	while (worker__behind(w))
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

bool worker__idle(struct worker *w)
{
	return !w->nbusy;
}

int worker__error(struct worker *w)
{
	return w->err;
}

/* What a thread that was ended early has left. */
static void clear_away(struct worker *w)
{
	struct work *work;

	if (w->now)
		put_back(w, w->now);
	w->now = NULL;
	while ((work = w->queue)) {
		w->queue = work->next;
		put_back(w, work);
	}
}

/* Joins; true when something was left undone. */
static bool end_thread(struct worker *w)
{
	bool left;

	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->joined = true;
	left = w->now || w->queue;
	clear_away(w);
	return left;
}

int worker__finish(struct worker *w)
{
	if (!w->joined)
		end_thread(w);
	return w->err;
}

void worker__abandon(struct worker *w)
{
	if (w->joined)
		return;
	pthread_cancel(w->thread);
	if (end_thread(w) && !w->err)
		w->err = -ECANCELED;
}
