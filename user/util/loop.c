// SPDX-License-Identifier: BSD-2-Clause
/*
 * See loop.h. What has ended is kept until no report can speak of it any more: to the end of the
 * round in which epoll_wait() told it.
 */
#include "util/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "util/xalloc.h"

#define NS_PER_MS 1000000ull
#define WAIT_MAX_MS 3600000ull
#define ROUND 64 /* reports taken at once */

struct loop_watch {
	struct loop *loop;
	int fd;
	bool ended;
	loop_fd_fn fn;
	void *ctx;
	struct loop_watch *next, **at; /* in its list: the living, or the ended */
};

struct loop_timer {
	struct loop *loop;
	uint64_t due_ns; /* 0: not set */
	loop_timer_fn fn;
	void *ctx;
	struct loop_timer *next, **at;
};

struct loop {
	int epfd;
	bool stopping;
	struct loop_watch *watches, *ended;
	struct loop_timer *timers;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

struct loop *loop__new(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct loop *l;

	if (fd < 0)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->epfd = fd;
	return l;
}

/* ---- descriptors ---- */

static void watch_list(struct loop_watch **list, struct loop_watch *w)
{
	w->next = *list;
	w->at = list;
	if (w->next)
		w->next->at = &w->next;
	*list = w;
}

static void watch_unlist(struct loop_watch *w)
{
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
}

struct loop_watch *loop__watch(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *ctx)
{
	struct loop_watch *w = xcalloc(1, sizeof(*w));
	struct epoll_event ev = { .events = events, .data.ptr = w };
	int err;

	*w = (struct loop_watch){ .loop = l, .fd = fd, .fn = fn, .ctx = ctx };
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev)) {
		err = errno;
		free(w);
		errno = err;
		return NULL;
	}
	watch_list(&l->watches, w);
	return w;
}

int loop_watch__want(struct loop_watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(w->loop->epfd, EPOLL_CTL_MOD, w->fd, &ev) ? -errno : 0;
}

void loop_watch__end(struct loop_watch *w)
{
	if (!w || w->ended)
		return;
	epoll_ctl(w->loop->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	w->ended = true;
	watch_unlist(w);
	watch_list(&w->loop->ended, w);
}

static void free_ended(struct loop *l)
{
	struct loop_watch *w;

	while ((w = l->ended)) {
		watch_unlist(w);
		free(w);
	}
}

/* ---- moments ---- */

struct loop_timer *loop__timer(struct loop *l, loop_timer_fn fn, void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	*t = (struct loop_timer){ .loop = l, .fn = fn, .ctx = ctx };
	t->next = l->timers;
	t->at = &l->timers;
	if (t->next)
		t->next->at = &t->next;
	l->timers = t;
	return t;
}

void loop_timer__set(struct loop_timer *t, uint64_t ns)
{
	uint64_t now = now_ns();

	t->due_ns = ns < UINT64_MAX - now ? now + ns : UINT64_MAX;
}

void loop_timer__unset(struct loop_timer *t)
{
	t->due_ns = 0;
}

void loop_timer__end(struct loop_timer *t)
{
	if (!t)
		return;
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	free(t);
}

/* There are a few hundred at most, so they are in no order. NULL: none is set. */
static struct loop_timer *next_timer(const struct loop *l)
{
	struct loop_timer *t, *first = NULL;

	for (t = l->timers; t; t = t->next)
		if (t->due_ns && (!first || t->due_ns < first->due_ns))
			first = t;
	return first;
}

/* For epoll_wait(): rounded up, so that it is due when we come back. */
static int wait_ms(const struct loop *l)
{
	const struct loop_timer *t = next_timer(l);
	uint64_t now = now_ns(), ms;

	if (!t)
		return -1;
	if (t->due_ns <= now)
		return 0;
	ms = (t->due_ns - now - 1) / NS_PER_MS + 1;
	return (int)(ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS);
}

/* Those that were due when it began: one that sets itself anew has its turn in the next round. */
static void run_timers(struct loop *l)
{
	uint64_t now = now_ns();
	struct loop_timer *t;

	while (!l->stopping && (t = next_timer(l)) && t->due_ns <= now) {
		t->due_ns = 0;
		t->fn(t->ctx);
	}
}

/* ---- running ---- */

static void run_watches(struct loop *l, const struct epoll_event *ev, int n)
{
	struct loop_watch *w;
	int i;

	for (i = 0; i < n && !l->stopping; i++) {
		w = ev[i].data.ptr;
		if (!w->ended)
			w->fn(w->ctx, ev[i].events);
	}
}

int loop__run(struct loop *l)
{
	struct epoll_event ev[ROUND];
	int n;

	l->stopping = false;
	while (!l->stopping) {
		n = epoll_wait(l->epfd, ev, ROUND, wait_ms(l));
		if (n < 0 && errno != EINTR)
			return -errno;
		run_watches(l, ev, n);
		free_ended(l);
		run_timers(l);
		free_ended(l);
	}
	return 0;
}

void loop__stop(struct loop *l)
{
	l->stopping = true;
}

void loop__free(struct loop *l)
{
	if (!l)
		return;
	while (l->watches)
		loop_watch__end(l->watches);
	free_ended(l);
	while (l->timers)
		loop_timer__end(l->timers);
	close(l->epfd);
	free(l);
}
