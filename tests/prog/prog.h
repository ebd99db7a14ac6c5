/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the traced programs share: a burner of CPU time, errors that end the program, and marks.
 *
 * A mark is a syscall that nothing else makes, gettid's neighbour getpgid(0) three times in a row;
 * a test cuts the trace between two marks and compares with what the program read of itself there.
 */
#ifndef TESTS_PROG_H
#define TESTS_PROG_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define OK(call)                                                             \
	do {                                                                 \
		if ((call) < 0) {                                            \
			fprintf(stderr, "%s: %s\n", #call, strerror(errno)); \
			exit(1);                                             \
		}                                                            \
	} while (0)

static inline uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* CPU time of this thread, read without a syscall only where the vDSO has it: count rounds instead,
 * measured once. */
static inline double rounds_per_ns(void)
{
	volatile uint64_t x = 0;
	double best = 0;
	int k;

	for (k = 0; k < 5; k++) {
		uint64_t begin = now_ns(CLOCK_MONOTONIC), i, end;

		for (i = 0; i < 500000; i++)
			x += i;
		end = now_ns(CLOCK_MONOTONIC);
		if (500000.0 / (double)(end - begin) > best)
			best = 500000.0 / (double)(end - begin);
	}
	return best;
}

static inline void burn(double rounds)
{
	volatile uint64_t x = 0;
	uint64_t i;

	for (i = 0; i < (uint64_t)rounds; i++)
		x += i;
}

static inline void mark(void)
{
	int i;

	for (i = 0; i < 3; i++)
		syscall(SYS_getpgid, 0);
}

#endif
