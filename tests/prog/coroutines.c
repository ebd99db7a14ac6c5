// SPDX-License-Identifier: BSD-2-Clause
/*
 * Calls that are left, and calls that wait on another stack: coroutines MODE. Out: "ready PID";
 * after a line on stdin it calls f and g and prints "right" (every f came back, and by the clock
 * was as long as it should be) and "done"; ends with stdin.
 *
 * far: f leaves by a longjmp out of a frame of 128 KiB, then comes g. N times.
 * apart, shared: f hands over to a coroutine that calls g, comes back, and naps; N times. Their
 * stacks are mappings of their own, or 16 KiB each, side by side; that of g is above. thread: a
 * thread ends inside of f.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "prog.h"

#define PROBED __attribute__((noinline, noclone))
#define ROUNDS 20
#define NAP_NS 3000000
#define APART (256ul << 10)
#define SIDE_BY_SIDE (16ul << 10)

static ucontext_t home, one, other;
static jmp_buf back;
static volatile long sink;

static void nap(void)
{
	struct timespec t = { 0, NAP_NS };

	while (nanosleep(&t, &t))
		;
}

PROBED long g(long n)
{
	sink = n;
	return n + 1;
}

PROBED long f(long how)
{
	if (how == 1)
		longjmp(back, 1);
	if (how == 2)
		pthread_exit(NULL);
	OK(swapcontext(&one, &other));
	nap();
	sink = how;
	return how + 1;
}

PROBED long far_out(long n)
{
	volatile char frame[128 << 10];

	memset((void *)frame, (int)n, sizeof(frame));
	return f(1) + frame[n];
}

static void run_one(void)
{
	long i;

	for (i = 0; i < ROUNDS; i++)
		f(0);
}

static void run_other(void)
{
	for (;;) {
		g(1);
		OK(swapcontext(&other, &one));
	}
}

static void make(ucontext_t *c, void (*fn)(void), char *stack, size_t sz)
{
	OK(getcontext(c));
	c->uc_stack.ss_sp = stack;
	c->uc_stack.ss_size = sz;
	c->uc_link = &home;
	makecontext(c, fn, 0);
}

/* sz: of each stack; between: what nobody may touch */
static void coroutines(size_t sz, size_t between)
{
	char *p = mmap(NULL, 2 * sz + between, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	if (between)
		OK(mprotect(p + sz, between, PROT_NONE));
	make(&one, run_one, p, sz);
	make(&other, run_other, p + sz + between, sz);
	OK(swapcontext(&home, &one));
}

static void *thread(void *arg)
{
	f(2);
	return arg;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	volatile long i;
	char line[64];
	pthread_t th;

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	if (!strcmp(mode, "far")) {
		for (i = 0; i < ROUNDS; i++) {
			if (!setjmp(back))
				far_out(1);
			nap();
			g(i);
		}
	} else if (!strcmp(mode, "thread")) {
		OK(-pthread_create(&th, NULL, thread, NULL));
		OK(-pthread_join(th, NULL));
	} else {
		coroutines(!strcmp(mode, "apart") ? APART : SIDE_BY_SIDE,
			   !strcmp(mode, "apart") ? 4096 : 0);
	}
	printf("right\ndone\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
