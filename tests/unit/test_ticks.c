// SPDX-License-Identifier: BSD-2-Clause
/*
 * Time on the wire: ticks in order are even and grow; late ones are odd, unique, behind the
 * stream's last event and inside the generation, whatever the order, the gaps and the broken times
 * of the records.
 */
#include "helpers.h"

#include "gotrace/ticks.h"

#define START 5000000ull

static void in_order(void **state)
{
	struct ticks t;

	(void)state;
	ticks_init(&t, START);
	assert_int_equal(ticks_next(&t, START), 1000);
	assert_int_equal(ticks_next(&t, START), 1002);
	assert_int_equal(ticks_next(&t, START + 1), 1004);
	assert_int_equal(ticks_next(&t, START + 100), 1100);
	assert_int_equal(ticks_next(&t, START + 103), 1102);
	assert_int_equal(ticks_next(&t, START + 50), 1104); /* time went back */
	assert_int_equal(ticks_next(&t, 0), 1106);
	ticks_free(&t);
}

/* an impossible time takes the clock far, but not to where readers cannot count */
static void far_away(void **state)
{
	struct ticks t;
	uint64_t a;

	(void)state;
	ticks_init(&t, START);
	a = ticks_next(&t, UINT64_MAX);
	assert_int_equal(a, (1ull << 53) + 1000);
	assert_int_equal(ticks_next(&t, START + 5), a + 2);
	assert_int_equal(ticks_late(&t, START + 5, a) & 1, 1);
	ticks_free(&t);
}

static void late(void **state)
{
	struct ticks t;

	(void)state;
	ticks_init(&t, START);
	ticks_next(&t, START);
	ticks_next(&t, START + 5000);
	assert_int_equal(ticks_late(&t, START + 100, 1000), 1101);
	assert_int_equal(ticks_late(&t, START + 101, 1000), 1105); /* that one is taken */
	assert_int_equal(ticks_late(&t, START + 100, 0), 1109);
	assert_int_equal(ticks_late(&t, START + 100, 2000), 2001); /* behind its stream */
	assert_int_equal(ticks_late(&t, START + 100, 2001), 2005);
	assert_int_equal(ticks_next(&t, START + 5000), 6002); /* the order is not touched */
	/* of now: what follows in order is greater */
	assert_int_equal(ticks_late(&t, START + 7000, 0), 8001);
	assert_int_equal(ticks_next(&t, START + 7000), 8002);
	ticks_free(&t);
}

/* a long syscall among short ones: its begin is out of the window by then, and still no other's */
static void older_than_the_window(void **state)
{
	const uint64_t later = START + 10000000;
	struct ticks t;

	(void)state;
	ticks_init(&t, START);
	ticks_next(&t, START);
	assert_int_equal(ticks_late(&t, START + 100, 0), 1101);
	assert_int_equal(ticks_late(&t, later, 0), 10001001);
	assert_int_equal(ticks_late(&t, START + 100, 0), 1103);
	assert_int_equal(ticks_late(&t, START + 102, 0), 1107);
	assert_int_equal(ticks_late(&t, START + 100, 1102), 1111);
	assert_int_equal(ticks_late(&t, START + 200, 1200), 1203); /* behind its stream */
	assert_int_equal(ticks_late(&t, later - 200000, 0), 9801001);
	assert_int_equal(ticks_late(&t, later - 200000, 0), 9801005);
	assert_int_equal(ticks_late(&t, later - 300000, 0), 9701003);
	ticks_free(&t);
}

static void not_before_the_generation(void **state)
{
	struct ticks t;
	uint64_t last, a, b;

	(void)state;
	ticks_init(&t, START);
	last = ticks_next(&t, START + 5000);
	ticks_new_gen(&t);
	a = ticks_late(&t, START + 10, 0);
	b = ticks_late(&t, START + 10, 0);
	assert_true(a > last);
	assert_true(b > a);
	assert_true(ticks_next(&t, START) > b);
	ticks_free(&t);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Dense records at random; all ticks of the trace differ, and each keeps what was promised. */
static void many_at_random(void **state)
{
	enum { N = 200000 };
	uint64_t *all = xcalloc(N, sizeof(*all)), seed = 77, now = START, after, gen_begin = 0, ts;
	struct ticks t;
	size_t i;

	(void)state;
	ticks_init(&t, START);
	for (i = 0; i < N; i++) {
		now += rnd(&seed) % 7;
		if (i % 20000 == 19999) {
			ticks_new_gen(&t);
			gen_begin = all[i - 1];
		}
		if (i % 20000 < 10 || i % 20000 > 19990 || rnd(&seed) % 4 == 0) {
			all[i] = ticks_next(&t, now);
			assert_int_equal(all[i] & 1, 0);
			continue;
		}
		after = rnd(&seed) % 3 ? 0 : all[i - 1];
		ts = now -
		     rnd(&seed) % (rnd(&seed) % 8 ? 3000 : 500000); /* some beyond the window */
		all[i] = ticks_late(&t, ts, after);
		assert_int_equal(all[i] & 1, 1);
		assert_true(all[i] > after);
		assert_true(all[i] + 1 > gen_begin || i < 20000);
	}
	qsort(all, N, sizeof(*all), by_value);
	for (i = 1; i < N; i++)
		assert_true(all[i - 1] != all[i]);
	free(all);
	ticks_free(&t);
}

/* the last late tick of a generation, ahead of all in order, against the first of the next */
static void unique_across_generations(void **state)
{
	struct ticks t;
	uint64_t a, b;

	(void)state;
	ticks_init(&t, START);
	ticks_next(&t, START);
	a = ticks_late(&t, START + 500, 0);
	ticks_new_gen(&t);
	b = ticks_late(&t, START + 500, 0);
	assert_true(b > a);
	ticks_free(&t);
}

/* a generation that begins long after the last event, as in a recording of a program that sleeps */
static void unique_after_a_pause(void **state)
{
	const uint64_t pause = 20000000000ull;
	struct ticks t;
	uint64_t a, b;

	(void)state;
	ticks_init(&t, START);
	ticks_next(&t, START);
	ticks_new_gen(&t);
	ticks_next(&t, START + pause);
	a = ticks_late(&t, START + pause - 500, 0);
	b = ticks_late(&t, START + pause - 500, 0);
	assert_true(a != b);
	ticks_free(&t);
}

/* Years of it, with a few days between two generations: order and uniqueness are kept, and all
 * ticks are numbers that a double tells apart. */
static void years(void **state)
{
	const uint64_t day = 24ull * 3600 * 1000000000;
	uint64_t now = START, last = 0, a, b, c, grain;
	struct ticks t;
	unsigned i;

	(void)state;
	ticks_init(&t, START);
	for (i = 0; i < 2000; i++, now += 3 * day) {
		ticks_new_gen(&t);
		a = ticks_next(&t, now);
		b = ticks_next(&t, now + 10000);
		c = ticks_late(&t, now + 5000, a);
		assert_true(a > last && c > a && c < b && ticks_late(&t, now + 5000, a) > c);
		last = ticks_late(&t, now + 20000, b);
		assert_true(last > b);
		grain = a > 1ull << 53 ? a >> 52 : 1;
		assert_in_range(a, now - START, now - START + 1000 + 2 * grain);
		assert_in_range(b - a, 10000 - 2 * grain, 10000 + 2 * grain);
		assert_true((uint64_t)(double)a == a && (uint64_t)(double)c == c);
		assert_true((uint64_t)(double)last == last);
	}
	assert_true(last > 1ull << 58);
	ticks_free(&t);
}

/* Broken times in each generation take it as far as it goes, and no farther. */
static void far_again_and_again(void **state)
{
	uint64_t last = 0, tick;
	struct ticks t;
	unsigned i;

	(void)state;
	ticks_init(&t, START);
	for (i = 0; i < 40; i++) {
		tick = ticks_next(&t, UINT64_MAX);
		assert_true(tick > last && tick < 1ull << 63);
		last = ticks_late(&t, UINT64_MAX, tick);
		assert_true(last > tick && last < 1ull << 63);
		ticks_new_gen(&t);
	}
	ticks_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(far_away),
		cmocka_unit_test(late),
		cmocka_unit_test(older_than_the_window),
		cmocka_unit_test(not_before_the_generation),
		cmocka_unit_test(many_at_random),
		cmocka_unit_test(unique_across_generations),
		cmocka_unit_test(unique_after_a_pause),
		cmocka_unit_test(years),
		cmocka_unit_test(far_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
