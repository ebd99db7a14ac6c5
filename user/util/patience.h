/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long to wait for a process of ours that may be held by a file system which does not answer.
 * As long as it takes CPU time it is at work; what is held takes none.
 */
#ifndef CTRACE_UTIL_PATIENCE_H
#define CTRACE_UTIL_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PATIENCE_IDLE_NS 2000000000ull	   /* with nothing done */
#define PATIENCE_LONGEST_NS 20000000000ull /* with something done all the time */

struct patience {
	pid_t pid;
	uint64_t begin, moved, cpu;
};

struct patience patience_begin(pid_t pid);
/* To be asked again and again: is it time to give it up? */
bool patience_over(struct patience *p);

#endif
