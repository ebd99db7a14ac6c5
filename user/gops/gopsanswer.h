/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What gops is answered about a process that knows nothing of it: the bytes of its protocol that
 * ask for words, or for the program's file. Who has no such thing, a garbage collector say, says so
 * in words where gops prints them, and where it would take them for a profile he says nothing,
 * which gops tells as a failure.
 */
#ifndef CTRACE_GOPS_GOPSANSWER_H
#define CTRACE_GOPS_GOPSANSWER_H

#include <sys/types.h>

/* as gops numbers them */
enum gops_verb {
	GOPS_STACK = 0x1,
	GOPS_GC = 0x2,
	GOPS_MEMORY = 0x3,
	GOPS_VERSION = 0x4,
	GOPS_HEAP = 0x5,
	GOPS_CPU = 0x6,
	GOPS_STATS = 0x7,
	GOPS_TRACE = 0x8,
	GOPS_BINARY = 0x9,
	GOPS_SET_GC = 0x10,
};

struct gops_question {
	pid_t pid;
	int verb; /* anything that came */
};

/* "trace", "version"; NULL: gops has no such verb. */
const char *gopsanswer_name(int verb);
/* An errand (errand.h): ctx is a struct gops_question, fd where the answer goes. Not for
 * GOPS_TRACE. */
int gopsanswer_write(void *ctx, int fd);

#endif
