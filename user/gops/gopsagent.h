/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agents as gops knows them, for programs that have none: a port of loopback and a port file for
 * each watched process, so that `gops trace PID` works. Its protocol asks nobody who he is, and any
 * program of this machine may connect; what it is shown and given is decided as at the other doors,
 * by whose socket it is.
 *
 *     connect ─► one byte ─┬─ trace ──────► a recording of 5 s, straight into the socket
 *                          └─ all others ─► an errand (errand.h, gopsanswer.h), as the caller
 */
#ifndef CTRACE_GOPS_GOPSAGENT_H
#define CTRACE_GOPS_GOPSAGENT_H

#include <stddef.h>
#include <stdint.h>

struct gopsagent;
struct loop;
struct recordings;
struct strbuf;

struct gopsagent_opts {
	struct loop *loop;
	struct recordings *recordings;
	const uint32_t *pid; /* the processes; not needed after gopsagent__new() */
	size_t npid;
};

/* NULL with errno and the reason in why. A process that has an agent of its own is left out, with a
 * notice. */
struct gopsagent *gopsagent__new(const struct gopsagent_opts *opts, struct strbuf *why);
/* Takes the port files back; who still reads an answer has its end here. NULL is fine. */
void gopsagent__free(struct gopsagent *a);

#endif
