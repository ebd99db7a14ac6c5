/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that lets a held program go on when we are killed: nobody else would. It has no
 * privileges, holds a socket and that program's descriptor, and sends it nothing but SIGCONT.
 */
#ifndef CTRACE_CAPTURE_GUARD_H
#define CTRACE_CAPTURE_GUARD_H

#include <sys/types.h>

struct guard {
	pid_t pid; /* 0: there is none */
	int fd;	   /* who closes it without a word was killed */
};

/* For a child of ours, which runs as the user who called us. 0 or -errno; -EPERM: it could not give
 * its privileges up, and has ended. */
int guard_start(struct guard *g, pid_t child);
/* It is not held any more. A guard that was not started is fine. */
void guard_end(struct guard *g);

#endif
