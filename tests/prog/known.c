// SPDX-License-Identifier: BSD-2-Clause
/*
 * A schedule that is known: thread "waker" sleeps 10 ms, wakes thread "burner" by a futex and waits
 * for it; the burner burns 5 ms and wakes the waker by another futex. N times over.
 *
 * In: N [20]. Out: "ready PID WAKER-TID BURNER-TID", then, after a line on stdin, N rounds and one
 * line "round I slept_ns burned_ns B A ran_ns kept_ns" each, B and A 1 where the burner and the
 * waker slept in their futex, then "done N". ran_ns is what the kernel has counted for the burner
 * since the round before, burning and all else; kept_ns is how much longer the burning took by the
 * clock: interrupts, a hypervisor's other guests, other threads. Ends at the end of stdin.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "prog.h"

#define ROUNDS_MAX 1000

static struct {
	_Atomic uint32_t round, burnt; /* the futexes */
	atomic_int waiting;	       /* the burner is about to wait */
	int n;
	double rounds;
	pid_t burner;
	uint64_t slept[ROUNDS_MAX], burned[ROUNDS_MAX], ran[ROUNDS_MAX], kept[ROUNDS_MAX];
	int woken[ROUNDS_MAX], answered[ROUNDS_MAX];
} s;

/* Until the word is no longer v; 1 when that took a sleep. */
static int wait_for(_Atomic uint32_t *word, uint32_t v)
{
	int slept = 0;

	while (atomic_load(word) == v)
		slept |= !syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, v, NULL, NULL, 0);
	return slept;
}

static void post(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *burner(void *arg)
{
	uint64_t last;
	uint32_t i;

	prctl(PR_SET_NAME, "burner");
	s.burner = (pid_t)syscall(SYS_gettid);
	atomic_store(&s.waiting, 1);
	last = now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (i = 0; i < (uint32_t)s.n; i++) {
		uint64_t begin, end, clock;

		s.woken[i] = wait_for(&s.round, i);
		clock = now_ns(CLOCK_MONOTONIC);
		begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
		burn(s.rounds);
		end = now_ns(CLOCK_THREAD_CPUTIME_ID);
		clock = now_ns(CLOCK_MONOTONIC) - clock;
		s.burned[i] = end - begin;
		s.kept[i] = clock > s.burned[i] ? clock - s.burned[i] : 0;
		post(&s.burnt);
		s.ran[i] = end - last;
		last = end;
	}
	return arg;
}

int main(int argc, char **argv)
{
	struct timespec ten = { .tv_nsec = 10000000 };
	char line[64];
	pthread_t th;
	int i;

	s.n = argc > 1 ? atoi(argv[1]) : 20;
	if (s.n < 1 || s.n > ROUNDS_MAX)
		return 2;
	s.rounds = rounds_per_ns() * 5e6;
	prctl(PR_SET_NAME, "waker");
	pthread_create(&th, NULL, burner, NULL);
	while (!atomic_load(&s.waiting))
		sched_yield();
	printf("ready %d %d %d\n", getpid(), getpid(), s.burner);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	for (i = 0; i < s.n; i++) {
		uint64_t begin = now_ns(CLOCK_MONOTONIC);

		nanosleep(&ten, NULL);
		s.slept[i] = now_ns(CLOCK_MONOTONIC) - begin;
		post(&s.round);
		s.answered[i] = wait_for(&s.burnt, (uint32_t)i);
	}
	pthread_join(th, NULL);
	for (i = 0; i < s.n; i++)
		printf("round %d %llu %llu %d %d %llu %llu\n", i, (unsigned long long)s.slept[i],
		       (unsigned long long)s.burned[i], s.woken[i], s.answered[i],
		       (unsigned long long)s.ran[i], (unsigned long long)s.kept[i]);
	printf("done %d\n", s.n);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
