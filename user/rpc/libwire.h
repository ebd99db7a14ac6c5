/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that trace themselves, by libctrace: connections of the Unix socket that speak wire.h.
 * Each has at most one recording, of the process at its other end alone, which is ended with it: by
 * its word, by the end of the connection, by its death, also when a child has inherited the
 * connection, and by exec.
 */
#ifndef CTRACE_RPC_LIBWIRE_H
#define CTRACE_RPC_LIBWIRE_H

struct caller;
struct libwire;
struct loop;
struct recordings;

struct libwire_opts {
	struct loop *loop;
	struct recordings *recordings; /* borrowed */
};

/* NULL with errno. */
struct libwire *libwire__new(const struct libwire_opts *opts);
/* Connections are closed, and their recordings stopped: they complete by themselves. NULL is fine. */
void libwire__free(struct libwire *w);

/* A connection of this caller, of which nothing was read yet: takes fd. There are so many at most,
 * and of one user. */
void libwire__take(struct libwire *w, int fd, const struct caller *c);

#endif
