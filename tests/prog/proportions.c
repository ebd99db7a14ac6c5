// SPDX-License-Identifier: BSD-2-Clause
/*
 * CPU time in known proportions: heavy, middle and light take 60, 30 and 10 % of it, through one
 * function that burns for all three, so that only the stack tells them apart.
 *
 * In: proportions [SECONDS [THREADS]], of CPU time and 5, 1 by default. Out: "ready PID"; after a
 * line on stdin each thread works until it has had its time; then "thread TID HEAVY MIDDLE LIGHT"
 * for each, in ns of CPU as measured at each change, "spent HEAVY MIDDLE LIGHT", all threads
 * together, and "done". Ends with stdin.
 */
#include <pthread.h>
#include <sys/prctl.h>

#include "prog.h"

#define NOINLINE __attribute__((noinline, noclone))
#define THREADS_MAX 64

static double seconds = 5;
static double rounds; /* for one part in ten of a turn */

static struct worker {
	pthread_t th;
	int tid;
	uint64_t spent[3];
} workers[THREADS_MAX];

/* No inlining: the same code burns for all. */
static NOINLINE uint64_t spin(uint64_t n)
{
	uint64_t x = n | 1, i;

	for (i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

/* Each does something with the result, so that it is no tail call. */
static NOINLINE uint64_t heavy(uint64_t n)
{
	return spin(n * 6) + 6;
}

static NOINLINE uint64_t middle(uint64_t n)
{
	return spin(n * 3) + 3;
}

static NOINLINE uint64_t light(uint64_t n)
{
	return spin(n) + 1;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t (*part[3])(uint64_t) = { heavy, middle, light };
	uint64_t t, begin = now_ns(CLOCK_THREAD_CPUTIME_ID), last = begin;
	volatile uint64_t sink = 0;
	unsigned seed = (unsigned)(w - workers) + 1;
	int i;

	w->tid = gettid();
	prctl(PR_SET_NAME, "worker");
	while ((double)(last - begin) < seconds * 1e9) {
		/*
		 * Turns of 5 to 15 ms: no rhythm that a sampling clock could fall into, and with
		 * several samples in each their number is near what is due. Turns shorter than the
		 * clock's tick would make each sample a throw of dice: 3 points of 2,000 samples
		 * are less than three standard deviations.
		 */
		uint64_t n = (uint64_t)(rounds * (0.5 + rand_r(&seed) / (double)RAND_MAX));

		for (i = 0; i < 3; i++) {
			sink += part[i](n);
			t = now_ns(CLOCK_THREAD_CPUTIME_ID);
			w->spent[i] += t - last;
			last = t;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[2]) : 1, i;
	uint64_t t, spent[3] = { 0 };
	volatile uint64_t sink;
	char line[64];

	if (argc > 1)
		seconds = atof(argv[1]);
	if (n < 1 || n > THREADS_MAX || !(seconds > 0))
		return 2;
	t = now_ns(CLOCK_THREAD_CPUTIME_ID);
	sink = spin(1000000);
	(void)sink;
	rounds = 1e6 / (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - t) * 1e6;
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (read(0, line, sizeof(line)) <= 0)
		return 0;
	for (i = 0; i < n; i++)
		OK(-pthread_create(&workers[i].th, NULL, work, &workers[i]));
	for (i = 0; i < n; i++) {
		const struct worker *w = &workers[i];
		int k;

		pthread_join(w->th, NULL);
		printf("thread %d %llu %llu %llu\n", w->tid, (unsigned long long)w->spent[0],
		       (unsigned long long)w->spent[1], (unsigned long long)w->spent[2]);
		for (k = 0; k < 3; k++)
			spent[k] += w->spent[k];
	}
	printf("spent %llu %llu %llu\ndone\n", (unsigned long long)spent[0],
	       (unsigned long long)spent[1], (unsigned long long)spent[2]);
	fflush(stdout);
	while (read(0, line, sizeof(line)) > 0)
		;
	return 0;
}
