// SPDX-License-Identifier: BSD-2-Clause
/* The BPF programs' count of lost records, with threads for what interrupts them. */
#include "helpers.h"

#include <pthread.h>

#include "bpf/drops.h"

#define THREADS 4
#define MET 20000	 /* how often a thread must meet others */
#define MOST 20000000ull /* … unless it is alone: drops of a thread */

static struct ev_cpu_stat stat;
static pthread_barrier_t begin;

/* Counts until others have counted at the same time often enough. *arg is how many. */
static void *lose(void *arg)
{
	uint64_t *n = arg, before, met = 0;

	pthread_barrier_wait(&begin);
	for (*n = 0; met < MET && *n < MOST; ++*n) {
		before = *(volatile __u64 *)&stat.lost;
		ct_drop(&stat, EV_SWITCH, 1 + *n);
		met += *(volatile __u64 *)&stat.lost != before + 1;
	}
	return NULL;
}

static void none_is_forgotten(void **state)
{
	uint64_t n[THREADS], sum = 0;
	pthread_t thread[THREADS];
	size_t i;

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip(); /* what interrupts a program is on its CPU, so a plain look is no race there */
#endif
	stat = (struct ev_cpu_stat){ 0 };
	pthread_barrier_init(&begin, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, lose, &n[i]), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		sum += n[i];
	}
	pthread_barrier_destroy(&begin);
	assert_int_equal(stat.lost, sum);
	assert_int_equal(stat.lost_kind[EV_SWITCH], sum);
	assert_true(stat.lost_since);
}

static void the_first_one_after_a_report_has_the_time(void **state)
{
	(void)state;
	stat = (struct ev_cpu_stat){ 0 };
	ct_drop(&stat, EV_MARK, 10);
	ct_drop(&stat, EV_MARK, 20);
	assert_int_equal(stat.lost_since, 10);
	stat.lost_ack = stat.lost;
	ct_drop(&stat, EV_KIND_MAX, 30); /* of no kind that is counted */
	ct_drop(&stat, EV_STACK, 40);
	assert_int_equal(stat.lost_since, 30);
	assert_int_equal(stat.lost, 4);
	assert_int_equal(stat.lost_kind[EV_MARK], 2);
	assert_int_equal(stat.lost_kind[EV_STACK], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_forgotten),
		cmocka_unit_test(the_first_one_after_a_report_has_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
