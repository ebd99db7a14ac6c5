/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two sockets at which the service is reached: TCP and Unix. They are made here, or systemd has
 * made them and hands them over (socket activation, sd_listen_fds(3)): told apart by what they are.
 *
 * A Unix socket is a file that stays when its owner is killed. One that nobody listens at is
 * replaced; one that is alive belongs to another service, and is left alone. Ours is removed at the
 * end, and while we live our name is claimed (output/claim.h).
 */
#ifndef CTRACE_CONTROL_LISTENERS_H
#define CTRACE_CONTROL_LISTENERS_H

#include <stdbool.h>

#include "util/exitcode.h"

struct listeners;
struct options;
struct strbuf;

/* Where HTTP is when nobody says. */
#define LISTENERS_TCP "127.0.0.1:6060"

/* They do not block. NULL with the exit status in code and the reason in why. */
struct listeners *listeners__new(const struct options *o, enum exit_code *code, struct strbuf *why);
void listeners__free(struct listeners *l);     /* NULL is fine; removes our socket */
int listeners__take_tcp(struct listeners *l);  /* the caller's from now on; -1: there is none */
int listeners__take_unix(struct listeners *l); /* the same */
/* "http://127.0.0.1:6060/debug/pprof/ and /run/ctrace/control.sock" */
void listeners__words(const struct listeners *l, bool tls, struct strbuf *out);

#endif
