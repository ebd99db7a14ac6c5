// SPDX-License-Identifier: BSD-2-Clause
/*
 * Functions that are entered and left in all the ways there are, with their numbers. Out: "ready
 * PID"; after a line on stdin it calls them and prints "called NAME N [NS]" for each (NS: longest
 * call), "right" when all results were what they should be, and "done"; ends with stdin.
 */
#include <pthread.h>
#include <setjmp.h>

#include "prog.h"

#define PROBED __attribute__((noinline, noclone))

static jmp_buf back;
static volatile long sink;
static long wrong;

__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) long fib(long n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* More than one return, and a table of jumps. */
PROBED long many_ways(long n)
{
	switch (n) {
	case 0:
		return sink + 3;
	case 1:
		if (sink)
			return 1;
		sink = 0;
		return 2;
	case 2:
		return n * 17;
	case 3:
		sink = n;
		sink = 0;
		return 5;
	case 4:
		return n ^ 0x55;
	case 5:
		return fib(3);
	}
	return -1;
}

PROBED long last_call(long n)
{
	sink = n;
	return n + 1;
}

PROBED long tail(long n)
{
	sink = n * 3;
	return last_call(n ^ 1);
}

PROBED void thrower(long n)
{
	sink = n;
	if (n & 1)
		longjmp(back, 1);
	sink = 0;
}

PROBED void jumper(long n)
{
	volatile long kept = n;

	if (!setjmp(back))
		thrower(n);
	else
		thrower(0);
	if (kept != n)
		wrong++;
	sink = 0;
}

/* A leaf that keeps what it computes below the stack pointer. */
PROBED long leaf(long n)
{
	volatile long a[8];
	long i, sum = 0;

	for (i = 0; i < 8; i++)
		a[i] = n + i;
	for (i = 0; i < 8; i++)
		sum += a[i];
	return sum - 8 * n;
}

PROBED void naps(long ns)
{
	struct timespec t = { 0, ns };

	nanosleep(&t, NULL);
	sink = ns;
}

static void *thread(void *arg)
{
	long i, sum = 0;

	for (i = 0; i < 250; i++)
		sum += leaf(i + (long)(intptr_t)arg);
	if (sum != 250 * 28)
		__sync_fetch_and_add(&wrong, 1);
	return NULL;
}

int main(void)
{
	uint64_t longest = 0, t;
	pthread_t th[4];
	char line[64];
	long i, n = 0;

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	wrong += fib(10) != 55;
	for (i = 0; i < 60; i++)
		n += many_ways(i % 6);
	wrong += n != 10 * (3 + 2 + 34 + 5 + (4 ^ 0x55) + 2);
	for (i = 0; i < 50; i++)
		wrong += tail(i) != (i ^ 1) + 1;
	for (i = 0; i < 100; i++)
		jumper(i);
	for (i = 0; i < 4; i++)
		OK(-pthread_create(&th[i], NULL, thread, (void *)(intptr_t)i));
	for (i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	for (i = 0; i < 20; i++) {
		t = now_ns(CLOCK_MONOTONIC);
		naps(2000000);
		t = now_ns(CLOCK_MONOTONIC) - t;
		if (t > longest)
			longest = t;
	}
	/* fib(10) is 177 calls of itself, fib(3) five, ten times */
	printf("called fib 227\ncalled many_ways 60\ncalled tail 50\ncalled last_call 50\n"
	       "called jumper 100\ncalled thrower 150\ncalled leaf 1000\ncalled naps 20 %llu\n",
	       (unsigned long long)longest);
	if (!wrong)
		printf("right\n");
	printf("done\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
