// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hash table: against a plain array under random puts and deletes, with keys that all want one
 * place and keys that wrap around the end, and with no memory of what was deleted.
 */
#include "helpers.h"

#include "util/hash.h"
#include "util/u64map.h"

static void empty(void **state)
{
	struct u64map m = { 0 };

	(void)state;
	assert_null(u64map_get(&m, 1));
	assert_null(u64map_get(&m, 0));
	u64map_del(&m, 1);
	u64map_del(&m, 0);
	assert_int_equal(m.cnt, 0);
	u64map_free(&m);
}

static void put_and_get(void **state)
{
	struct u64map m = { 0 };
	bool fresh = false;

	(void)state;
	*u64map_put(&m, 5, &fresh) = 50;
	assert_true(fresh);
	assert_int_equal(*u64map_put(&m, 5, &fresh), 50);
	assert_false(fresh);
	assert_int_equal(*u64map_put(&m, UINT64_MAX, NULL), 0);
	assert_int_equal(m.cnt, 2);
	assert_null(u64map_get(&m, 0));
	u64map_del(&m, 0);
	u64map_del(&m, 6);
	assert_int_equal(m.cnt, 2);
	u64map_del(&m, 5);
	assert_null(u64map_get(&m, 5));
	assert_int_equal(*u64map_put(&m, 5, &fresh), 0); /* not the old value */
	assert_true(fresh);
	u64map_free(&m);
	assert_int_equal(m.cap, 0);
}

/* fills keys with numbers whose first place in a table of 64 is one of the last two: runs that wrap
 */
static void crowded_keys(uint64_t *keys, size_t n)
{
	uint64_t k = 1;
	size_t i;

	for (i = 0; i < n; k++)
		if ((hash_u64(k) & 63) >= 62)
			keys[i++] = k;
}

static void against_array(const uint64_t *keys, size_t n, unsigned rounds)
{
	uint64_t *val = xcalloc(n, sizeof(*val)), seed = 88172645463325252ull, *p;
	struct u64map m = { 0 };
	size_t cnt = 0, i, j;

	for (unsigned r = 0; r < rounds; r++) {
		i = rnd(&seed) % n;
		if (rnd(&seed) & 1) {
			cnt += !val[i];
			*u64map_put(&m, keys[i], NULL) = val[i] = r + 1;
		} else {
			cnt -= !!val[i];
			val[i] = 0;
			u64map_del(&m, keys[i]);
		}
		assert_int_equal(m.cnt, cnt);
		for (j = 0; j < n; j += n < 64 ? 1 : n / 16) {
			p = u64map_get(&m, keys[j]);
			assert_int_equal(p ? *p : 0, val[j]);
		}
	}
	for (j = 0; j < n; j++) {
		p = u64map_get(&m, keys[j]);
		assert_int_equal(p ? *p : 0, val[j]);
	}
	assert_true(m.cnt * 4 <= m.cap * 3);
	u64map_free(&m);
	free(val);
}

static void crowded(void **state)
{
	uint64_t keys[24];

	(void)state;
	crowded_keys(keys, COUNT(keys));
	against_array(keys, COUNT(keys), 20000);
}

static void many(void **state)
{
	uint64_t *keys = xcalloc(20000, sizeof(*keys)), seed = 4;

	(void)state;
	for (size_t i = 0; i < 20000; i++) /* like thread keys: a serial above a tid */
		keys[i] = (i + 1) << 32 | (rnd(&seed) & 0x3fffff);
	against_array(keys, 20000, 100000);
	free(keys);
}

/* deletion leaves no traces: a table through which many keys pass stays small */
static void passing_through(void **state)
{
	struct u64map m = { 0 };

	(void)state;
	for (uint64_t k = 1; k < 200000; k++) {
		u64map_put(&m, k, NULL);
		if (k > 20)
			u64map_del(&m, k - 20);
	}
	assert_int_equal(m.cnt, 20);
	assert_int_equal(m.cap, 64);
	u64map_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),	   cmocka_unit_test(put_and_get),
		cmocka_unit_test(crowded),	   cmocka_unit_test(many),
		cmocka_unit_test(passing_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
