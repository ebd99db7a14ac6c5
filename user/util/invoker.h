/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who called us. Under sudo that is the user before it, to whom every file belongs that we make; of
 * the service it is who asked it; else it is the process's own user. Nothing is done where the
 * effective user is not root.
 */
#ifndef CTRACE_UTIL_INVOKER_H
#define CTRACE_UTIL_INVOKER_H

#include <stdbool.h>
#include <sys/types.h>

struct invoker {
	bool other; /* not the effective user */
	uid_t uid;
	gid_t gid;
};

struct invoker invoker_get(void);

/*
 * Who it is, in place of what the environment says: for a process that was made for a user who
 * asked a service. To be called while there is one thread.
 */
void invoker_set(uid_t uid, gid_t gid);

/*
 * File access as the invoker, until invoker_leave: this thread's ids for files alone, so nothing
 * can be done to us meanwhile. They do not nest, and one thread does it at a time. 0, or -errno
 * where the kernel did not take all of it: then some of root's rights are still there, and no file
 * should be touched before invoker_leave.
 */
int invoker_enter(const struct invoker *who);
void invoker_leave(const struct invoker *who);

/* Calls fn between the two. What fn returned, or -errno when it was not called. */
typedef int (*invoker_fn)(void *ctx, const struct invoker *who);
int invoker_do(invoker_fn fn, void *ctx);

/*
 * This process is the invoker's from here on, with his groups and without a way back; the
 * capabilities go with root unless PR_SET_KEEPCAPS holds them. To be called while there is one
 * thread. 0 or -errno, after which nothing should be done in either name.
 */
int invoker_become(const struct invoker *who);

/*
 * The same for a process that executes a program of his: with his HOME, USER, LOGNAME and SHELL,
 * and nothing of sudo in its environment. Where nobody called sudo it is our real user's, for a
 * set-uid program of ours would be no way to become its owner. 0 or -errno.
 */
int invoker_become_at_home(void);

/* open(2) as the invoker; -1 with errno. */
int invoker_open(const char *path, int flags);

#endif
