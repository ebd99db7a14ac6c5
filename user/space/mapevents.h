/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own news of address spaces, through perf events: a process begins, executes, maps
 * code, ends. What is unmapped is not told; something else will be mapped there before it matters.
 *
 * One event per CPU, of the kind that counts nothing. One thread uses it.
 */
#ifndef CTRACE_SPACE_MAPEVENTS_H
#define CTRACE_SPACE_MAPEVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "space/maps.h"

struct mapevents;

enum mapevent_kind {
	MAPEVENT_MAPPED, /* code was mapped */
	MAPEVENT_EXEC,	 /* a new image begins: there is no code yet */
	MAPEVENT_FORKED, /* a new process, with the mappings of its parent */
	MAPEVENT_EXITED, /* the process's first thread has ended */
	MAPEVENT_THREAD, /* a thread has begun or ended, and its process goes on */
	MAPEVENT_LOST,	 /* some news were lost: of anybody; pid is 0 */
};

struct mapevent {
	enum mapevent_kind kind;
	uint32_t pid;
	uint32_t parent;	 /* MAPEVENT_FORKED */
	struct code_mapping map; /* MAPEVENT_MAPPED; path valid until the callback returns */
};

typedef void (*mapevent_fn)(void *ctx, const struct mapevent *ev);

/* Of every process there is. NULL with errno, EACCES without CAP_PERFMON. */
struct mapevents *mapevents__open(void);
void mapevents__free(struct mapevents *m); /* NULL is fine */

/* Adds what becomes readable with news to an epoll set, with this data. 0 or -errno. */
int mapevents__watch(struct mapevents *m, int epoll_fd, uint64_t data);
/*
 * Calls fn for what has come, in the order of time over all CPUs. What is so new that an older one
 * may still be on its way waits for the next call; returns whether there is such.
 */
bool mapevents__take(struct mapevents *m, mapevent_fn fn, void *ctx);

#endif
