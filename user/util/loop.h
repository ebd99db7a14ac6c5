/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An event loop of one thread: descriptors and moments, each with a function that is called. epoll
 * underneath. A process that was forked has the same epoll instance and must not touch the loop.
 *
 * A callback may end any watch or timer, its own too: what has been reported for one that has ended
 * is not delivered. Functions that return a pointer return NULL with errno.
 */
#ifndef CTRACE_UTIL_LOOP_H
#define CTRACE_UTIL_LOOP_H

#include <stdint.h>

struct loop;
struct loop_watch;
struct loop_timer;

/* events: EPOLLIN and so on, as epoll_wait(2) has them */
typedef void (*loop_fd_fn)(void *ctx, uint32_t events);
typedef void (*loop_timer_fn)(void *ctx);

struct loop *loop__new(void);
void loop__free(struct loop *l); /* watches and timers that are left end; NULL is fine */

/* The descriptor stays the caller's, who ends the watch before closing it. One watch a descriptor. */
struct loop_watch *loop__watch(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *ctx);
/* Other events from now on; 0: none but errors and hang-ups. 0 or -errno. */
int loop_watch__want(struct loop_watch *w, uint32_t events);
void loop_watch__end(struct loop_watch *w); /* NULL is fine */

/* A timer that is not set. */
struct loop_timer *loop__timer(struct loop *l, loop_timer_fn fn, void *ctx);
/* Once, so many ns from now; again in place of what was set. */
void loop_timer__set(struct loop_timer *t, uint64_t ns);
void loop_timer__unset(struct loop_timer *t);
void loop_timer__end(struct loop_timer *t); /* NULL is fine */

/* Until loop__stop() is called from a callback. 0 or -errno. */
int loop__run(struct loop *l);
void loop__stop(struct loop *l);

#endif
