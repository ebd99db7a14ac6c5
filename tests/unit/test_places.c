// SPDX-License-Identifier: BSD-2-Clause
/* The files that are probed in each process: found by process, and no slower where there are many. */
#include "annot/places.h"

#include <time.h>

#include "helpers.h"

static size_t count(const struct places *p, uint32_t pid)
{
	const struct place *pl;
	size_t n = 0;

	for (pl = places_of(p, pid); pl; pl = pl->sibling) {
		assert_int_equal(pl->pid, pid);
		n++;
	}
	return n;
}

static void drop_all(struct places *p)
{
	while (p->first)
		places_drop(p, p->first);
	assert_int_equal(p->by_file.cnt, 0);
	assert_int_equal(p->by_pid.cnt, 0);
	places_free(p);
}

static void one_for_each_file_of_a_process(void **state)
{
	struct places p = { 0 };
	struct place *a, *b;

	(void)state;
	assert_null(places_of(&p, 7));
	a = places_make(&p, 7, 1);
	assert_non_null(a);
	assert_null(places_make(&p, 7, 1));
	b = places_make(&p, 7, 2);
	assert_non_null(places_make(&p, 8, 1));
	assert_non_null(places_make(&p, 0, 1)); /* in all */
	assert_int_equal(count(&p, 7), 2);
	assert_int_equal(count(&p, 0), 1);
	assert_ptr_equal(places_of(&p, 7), b);
	places_drop(&p, b);
	assert_ptr_equal(places_of(&p, 7), a);
	assert_non_null(places_make(&p, 7, 2));
	drop_all(&p);
}

/* Whatever goes first, the others stay where they are. */
static void in_any_order(void **state)
{
	uint32_t has[50] = { 0 }, pid, i;
	struct places p = { 0 };
	struct place *pl;
	uint64_t seed = 5;

	(void)state;
	for (i = 0; i < 20000; i++) {
		pid = (uint32_t)(rnd(&seed) % COUNT(has));
		if (rnd(&seed) % 2) {
			has[pid] += places_make(&p, pid, 1 + rnd(&seed) % 9) != NULL;
			continue;
		}
		pl = places_of(&p, pid);
		while (pl && pl->sibling && rnd(&seed) % 2)
			pl = pl->sibling;
		has[pid] -= pl != NULL;
		if (pl)
			places_drop(&p, pl);
	}
	for (pid = 0; pid < COUNT(has); pid++)
		assert_int_equal(count(&p, pid), has[pid]);
	drop_all(&p);
}

#define MANY 100000

/* As many steps of a list for each would be five thousand millions, and take many seconds. */
static void many_take_no_longer_each(void **state)
{
	struct timespec begin, end;
	struct places p = { 0 };
	uint32_t pid;

	(void)state;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (pid = 1; pid <= MANY; pid++)
		places_make(&p, pid, 1);
	for (pid = 1; pid <= MANY; pid++) /* the oldest first */
		places_drop(&p, places_of(&p, pid));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_null(p.first);
	assert_true(end.tv_sec - begin.tv_sec < 2);
	drop_all(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_for_each_file_of_a_process),
		cmocka_unit_test(in_any_order),
		cmocka_unit_test(many_take_no_longer_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
