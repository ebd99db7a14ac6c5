// SPDX-License-Identifier: BSD-2-Clause
/*
 * Does arithmetic in small functions that keep their values on the stack, or below it where the
 * compiler wants, around markers; and checks it: redzone [ROUNDS]. Out: "ready PID"; after a line
 * on stdin it works, and prints "wrong N" and "done"; ends at the end of stdin. A probe that
 * overwrites what lies below the stack pointer makes N grow. Each optimisation is another test.
 */
#include <ctrace/ctrace.h>

#include "prog.h"

#define NOINLINE __attribute__((noinline))

static uint64_t expected(uint64_t x)
{
	return (x ^ 1) + (x ^ 2) * 3 + (x ^ 3) * 5 + (x ^ 4) * 7 + (x ^ 5) * 11 + (x ^ 6) * 13;
}

/* values in memory on both sides of a marker */
static NOINLINE uint64_t around_log(uint64_t x, ctrace_ctx ctx)
{
	volatile uint64_t a = x ^ 1, b = x ^ 2, c = x ^ 3, d = x ^ 4, e = x ^ 5, f = x ^ 6;

	ctrace_log(ctx, "c", "m");
	return a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13;
}

static NOINLINE uint64_t in_region(uint64_t x, ctrace_ctx ctx)
{
	volatile uint64_t sum = 0, a = x ^ 1, b = x ^ 2;

	CTRACE_REGION(ctx, "r")
	{
		volatile uint64_t c = x ^ 3, d = x ^ 4, e = x ^ 5, f = x ^ 6;

		sum = c * 5 + d * 7 + e * 11 + f * 13;
	}
	return sum + a + b * 3;
}

static NOINLINE uint64_t around_task(uint64_t x, ctrace_ctx ctx)
{
	volatile uint64_t v[6];
	ctrace_ctx task;
	int i;

	for (i = 0; i < 6; i++)
		v[i] = x ^ (uint64_t)(i + 1);
	task = ctrace_task_begin(ctx, "t");
	ctrace_task_end(task);
	return v[0] + v[1] * 3 + v[2] * 5 + v[3] * 7 + v[4] * 11 + v[5] * 13;
}

int main(int argc, char **argv)
{
	uint64_t i, rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000, wrong = 0;
	ctrace_ctx ctx = ctrace_background();
	char line[64];

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	for (i = 0; i < rounds; i++) {
		wrong += around_log(i, ctx) != expected(i);
		wrong += in_region(i, ctx) != expected(i);
		wrong += around_task(i, ctx) != expected(i);
	}
	printf("wrong %llu\ndone\n", (unsigned long long)wrong);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return wrong != 0;
}
