/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small thing that is done by a process of its own, as somebody: with his rights and none of
 * ours, no descriptor of ours but one, and an end in time. What it touches may hang, or be a trap,
 * and the service has neither.
 */
#ifndef CTRACE_RIGHTS_ERRAND_H
#define CTRACE_RIGHTS_ERRAND_H

#include <sys/types.h>

struct loop;

#define ERRAND_US ((uid_t)-1) /* as who we are, with all that we may */

/* fd is the one that was given; 0 or -errno */
typedef int (*errand_fn)(void *ctx, int fd);

/*
 * The process, which is the caller's to wait for, or -errno. It is killed after so many seconds.
 * That it could not become this user is an end with -EPERM. fd: -1 none.
 */
pid_t errand_begin(uid_t uid, gid_t gid, unsigned seconds, errand_fn fn, void *ctx, int fd);
/* The same, and waits for its end: what fn returned, or -ETIMEDOUT. */
int errand_do(uid_t uid, gid_t gid, unsigned seconds, errand_fn fn, void *ctx);
/* Ends it, and waits for that, but where a file system holds it: it is left behind then. pidfd: of
 * it, or -1. */
void errand_kill(pid_t pid, int pidfd);
/* Ends it as well, and waits for nothing: the loop sees its end, whenever that comes. */
void errand_leave(pid_t pid, struct loop *loop);

#endif
