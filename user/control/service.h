/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctrace-bpf serve: its parts put together, and run until a signal.
 *
 *     TCP ─► http ──┐
 *                   ├─► methods, pprof ─► recordings ─► job (a process each)
 *     Unix ─► stream┘        rights, limits, files ┘
 */
#ifndef CTRACE_CONTROL_SERVICE_H
#define CTRACE_CONTROL_SERVICE_H

#include "util/exitcode.h"

struct options;
struct strbuf;

/* Where the socket is when nobody says: for the service, for who asks it, and for libctrace. */
#define CONTROL_SOCKET "/run/ctrace/control.sock"

/* Until SIGINT or SIGTERM. The exit status, and the reason in why. */
enum exit_code service_run(const struct options *o, struct strbuf *why);

#endif
