/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that is forked before there are threads and privileges to worry about, so that workers
 * can be forked from it at any time. It has given up every capability, is the user who called us,
 * and holds one socket. It ends with its parent, and its worker with it.
 *
 * On the socket: a byte from us asks for a new worker. The old one is killed first. Back comes
 * struct zygote_reply with the socket of the new worker.
 */
#ifndef CTRACE_SYMBOL_SYMZYGOTE_H
#define CTRACE_SYMBOL_SYMZYGOTE_H

#include <sys/types.h>

#include "symbol/symworker.h"

struct zygote {
	pid_t pid;
	int sock;
};

struct zygote_reply {
	int err;    /* 0, or -errno: no worker */
	int status; /* how the old worker ended, as waitpid(2) tells it; by SIGKILL: that was us */
};

/* To be called while there is one thread. 0 or -errno. */
int zygote_start(struct zygote *z, symworker_hook hook);
void zygote_stop(struct zygote *z);

/* A new worker; *sock is the caller's. 0 or -errno. */
int zygote_worker(struct zygote *z, int *sock, struct zygote_reply *reply);

#endif
