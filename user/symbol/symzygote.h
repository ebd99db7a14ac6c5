/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that is forked before there are threads and privileges to worry about, so that workers
 * can be forked from it at any time. It is the user who called us, has given up every capability
 * but those that its workers need, and holds one socket. It ends with its parent, and its worker
 * with it.
 *
 * On the socket: a byte from us asks for a new worker. The old one is killed first; one that the
 * kernel does not let go, because a file system does not answer it, is left behind. Back comes
 * struct zygote_reply with the socket of the new worker.
 */
#ifndef CTRACE_SYMBOL_SYMZYGOTE_H
#define CTRACE_SYMBOL_SYMZYGOTE_H

#include <stdbool.h>
#include <sys/types.h>

#define ZYGOTE_STUCK_MAX 4 /* workers that cannot be killed; then there are no more */

struct zygote_opts {
	const char *name;		  /* of the processes */
	void (*run)(int sock, void *ctx); /* in a worker, until the socket is closed */
	void *ctx;
	bool reads; /* workers keep the rights to read files of others (PRIVILEGES_READ) */
};

struct zygote {
	pid_t pid;
	int sock;
};

struct zygote_reply {
	int err;    /* 0, or -errno: no worker; -EBUSY: too many are stuck */
	int status; /* how the old worker ended, as waitpid(2) tells it; by SIGKILL: that was us */
	pid_t worker; /* the new one */
};

/* To be called while there is one thread. 0 or -errno. */
int zygote_start(struct zygote *z, const struct zygote_opts *o);
void zygote_stop(struct zygote *z);

/* A new worker; *sock is the caller's. 0 or -errno. */
int zygote_worker(struct zygote *z, int *sock, struct zygote_reply *reply);

#endif
