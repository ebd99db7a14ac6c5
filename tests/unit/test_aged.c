// SPDX-License-Identifier: BSD-2-Clause
/* Things that are found by number and scope, and by how long ago they were used. */
#include "helpers.h"

#include "model/aged.h"
#include "util/hash.h"

static struct aged_table t;
static struct aged_list young, old;

static int empty_again(void **state)
{
	(void)state;
	assert_int_equal(t.by_hash.cnt + young.cnt + old.cnt, 0);
	aged_free(&t);
	return 0;
}

static void are(const struct aged_list *l, size_t n, struct aged **want)
{
	const struct aged *a, *before = NULL;
	size_t i = 0;

	assert_int_equal(l->cnt, n);
	for (a = l->first; a; before = a, a = a->next) {
		assert_ptr_equal(a, want[i++]);
		assert_ptr_equal(a->prev, before);
	}
	assert_int_equal(i, n);
	assert_ptr_equal(l->last, before);
}
#define ARE(list, ...)                                                              \
	are(list, sizeof((struct aged *[]){ __VA_ARGS__ }) / sizeof(struct aged *), \
	    (struct aged *[]){ __VA_ARGS__ })

static void order_is_by_use(void **state)
{
	struct aged a = { .scope = 1, .id = 1 }, b = { .scope = 1, .id = 2 },
		    c = { .scope = 2, .id = 1 };

	(void)state;
	aged_add(&t, &young, &a);
	aged_add(&t, &young, &b);
	aged_add(&t, &young, &c);
	ARE(&young, &c, &b, &a);
	aged_use(&young, &a);
	ARE(&young, &a, &c, &b);
	aged_use(&young, &c);
	ARE(&young, &c, &a, &b);
	aged_use(&young, &c);
	ARE(&young, &c, &a, &b);
	aged_use(&old, &a); /* into another list */
	aged_use(&old, &b);
	ARE(&young, &c);
	ARE(&old, &b, &a);
	assert_ptr_equal(aged_find(&t, 1, 1), &a);
	assert_ptr_equal(aged_find(&t, 1, 2), &b);
	assert_ptr_equal(aged_find(&t, 2, 1), &c);
	assert_null(aged_find(&t, 2, 2));
	aged_del(&t, &b);
	ARE(&old, &a);
	assert_null(aged_find(&t, 1, 2));
	aged_del(&t, &c);
	aged_del(&t, &a);
}

/* Three whose hash is one, forgotten in each order. */
static void same_hash(void **state)
{
	static const int order[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct aged a[3];
	size_t i, k, j;

	(void)state;
	for (i = 0; i < COUNT(order); i++) {
		for (k = 0; k < 3; k++) {
			a[k] = (struct aged){ .id = k + 1, .scope = 7 - hash_u64(k + 1) };
			aged_add(&t, &young, &a[k]);
		}
		assert_int_equal(t.by_hash.cnt, 1);
		for (k = 0; k < 3; k++) {
			aged_del(&t, &a[order[i][k]]);
			for (j = 0; j < 3; j++) {
				bool gone = j == (size_t)order[i][0] ||
					    (k > 0 && j == (size_t)order[i][1]) || k == 2;

				assert_ptr_equal(aged_find(&t, a[j].scope, a[j].id),
						 gone ? NULL : &a[j]);
			}
		}
	}
}

#define HASH_IS_1 0xf1de83e168e9f0dcull

/* 0 is no hash: the one that would be 0 is 1, as another's is. */
static void hash_of_zero(void **state)
{
	struct aged a = { .id = 5, .scope = -hash_u64(5) };
	struct aged b = { .id = 5, .scope = HASH_IS_1 - hash_u64(5) };

	(void)state;
	assert_int_equal(hash_u64(HASH_IS_1), 1);
	aged_add(&t, &young, &a);
	assert_null(aged_find(&t, b.scope, 5));
	aged_add(&t, &young, &b);
	assert_int_equal(t.by_hash.cnt, 1);
	assert_ptr_equal(aged_find(&t, a.scope, 5), &a);
	assert_ptr_equal(aged_find(&t, b.scope, 5), &b);
	aged_del(&t, &a);
	aged_del(&t, &b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(order_is_by_use, empty_again),
		cmocka_unit_test_teardown(same_hash, empty_again),
		cmocka_unit_test_teardown(hash_of_zero, empty_again),
	};

	return cmocka_run_group_tests_name("aged", tests, NULL, NULL);
}
