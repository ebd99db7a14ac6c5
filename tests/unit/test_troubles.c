// SPDX-License-Identifier: BSD-2-Clause
#include "helpers.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "util/log.h"
#include "util/troubles.h"

struct heard {
	char text[TROUBLES_MAX + 1][64];
	size_t cnt;
};

static void hear(void *ctx, const char *sentence)
{
	struct heard *h = ctx;

	assert_true(h->cnt <= TROUBLES_MAX);
	snprintf(h->text[h->cnt++], sizeof(h->text[0]), "%s", sentence);
}

static void each_once_in_order(void **state)
{
	struct troubles t = { 0 };
	struct heard h = { 0 };

	(void)state;
	troubles_add(&t, "%s: %d", "a", 1);
	troubles_keep(&t, "b");
	troubles_add(&t, "a: %d", 1);
	troubles_each(&t, hear, &h);
	assert_int_equal(h.cnt, 2);
	assert_string_equal(h.text[0], "a: 1");
	assert_string_equal(h.text[1], "b");
	troubles_free(&t);
	h.cnt = 0;
	troubles_each(&t, hear, &h);
	assert_int_equal(h.cnt, 0);
}

static void the_first_ones(void **state)
{
	struct troubles t = { 0 };
	struct heard h = { 0 };
	int i;

	(void)state;
	for (i = 0; i < TROUBLES_MAX + 5; i++)
		troubles_add(&t, "%d", i);
	troubles_each(&t, hear, &h);
	assert_int_equal(h.cnt, TROUBLES_MAX);
	assert_string_equal(h.text[TROUBLES_MAX - 1], "15");
	troubles_free(&t);
}

static void names_do_nothing_to_the_terminal(void **state)
{
	struct troubles t = { 0 };
	struct heard h = { 0 };

	(void)state;
	troubles_add(&t, "/opt/h\033[31mx\n\177");
	troubles_each(&t, hear, &h);
	assert_string_equal(h.text[0], "/opt/h?[31mx??");
	troubles_free(&t);
}

static void *add_many(void *t)
{
	int i;

	for (i = 0; i < 1000; i++)
		troubles_add(t, "%d", i % 7);
	return NULL;
}

static void from_any_thread(void **state)
{
	struct troubles t = { 0 };
	struct heard h = { 0 };
	pthread_t th[4];
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&th[i], NULL, add_many, &t), 0);
	for (i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	troubles_each(&t, hear, &h);
	assert_int_equal(h.cnt, 7);
	troubles_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_once_in_order),
		cmocka_unit_test(the_first_ones),
		cmocka_unit_test(names_do_nothing_to_the_terminal),
		cmocka_unit_test(from_any_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
