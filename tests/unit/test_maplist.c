// SPDX-License-Identifier: BSD-2-Clause
/* The mappings of a process: what is mapped over others cuts them, and every module's count is
 * right at each moment, also against a plain model by the page. */
#include "helpers.h"

#include "space/maplist.h"

#define MODULES 8
#define PAGES 64

static long users[MODULES];

static void use(void *ctx, uint32_t module)
{
	(void)ctx;
	users[module]++;
}

static void put(void *ctx, uint32_t module)
{
	(void)ctx;
	assert_true(users[module] > 0);
	users[module]--;
}

static const struct maplist_hold hold = { use, put, NULL };

static struct unw_mapping map(uint64_t start, uint64_t end, uint32_t module)
{
	users[module]++;
	return (struct unw_mapping){ start, end, module * 0x1000ull, module, 0 };
}

/* "1:10-20 2:20-30", numbers in hex */
static void holds(const struct maplist *l, const char *want)
{
	struct strbuf b = STRBUF_INIT;
	size_t i;

	for (i = 0; i < l->cnt; i++)
		strbuf_addf(&b, "%s%u:%llx-%llx", i ? " " : "", l->m[i].module,
			    (unsigned long long)l->m[i].start, (unsigned long long)l->m[i].end);
	assert_string_equal(b.len ? b.buf : "", want);
	strbuf_free(&b);
}

static int reset(void **state)
{
	(void)state;
	memset(users, 0, sizeof(users));
	return 0;
}

static void in_order(void **state)
{
	struct maplist l = { 0 };

	(void)state;
	maplist_add(&l, map(0x30, 0x40, 3), &hold);
	maplist_add(&l, map(0x10, 0x20, 1), &hold);
	maplist_add(&l, map(0x20, 0x30, 2), &hold);
	holds(&l, "1:10-20 2:20-30 3:30-40");
	maplist_free(&l, &hold);
	assert_int_equal(users[1] + users[2] + users[3], 0);
}

static void over_others(void **state)
{
	struct maplist l = { 0 };

	(void)state;
	maplist_add(&l, map(0x10, 0x20, 1), &hold);
	maplist_add(&l, map(0x20, 0x30, 2), &hold);
	maplist_add(&l, map(0x30, 0x40, 3), &hold);
	maplist_add(&l, map(0x18, 0x38, 4), &hold);
	holds(&l, "1:10-18 4:18-38 3:38-40");
	assert_int_equal(users[2], 0);
	maplist_add(&l, map(0x18, 0x38, 5), &hold); /* exactly over it */
	holds(&l, "1:10-18 5:18-38 3:38-40");
	assert_int_equal(users[4], 0);
	maplist_free(&l, &hold);
}

static void in_the_midst(void **state)
{
	struct maplist l = { 0 };

	(void)state;
	maplist_add(&l, map(0x10, 0x80, 1), &hold);
	maplist_add(&l, map(0x30, 0x40, 2), &hold);
	holds(&l, "1:10-30 2:30-40 1:40-80");
	assert_int_equal(users[1], 2);
	maplist_free(&l, &hold);
	assert_int_equal(users[1], 0);
}

static void a_copy(void **state)
{
	struct maplist l = { 0 }, copy = { 0 };

	(void)state;
	maplist_add(&l, map(0x10, 0x20, 1), &hold);
	maplist_add(&l, map(0x40, 0x50, 1), &hold);
	maplist_add(&copy, map(0x20, 0x30, 2), &hold);
	maplist_copy(&copy, &l, &hold);
	maplist_clear(&l, &hold);
	holds(&l, "");
	holds(&copy, "1:10-20 1:40-50");
	assert_int_equal(users[1], 2);
	assert_int_equal(users[2], 0);
	maplist_free(&copy, &hold);
	maplist_free(&l, &hold);
}

static void at_random(void **state)
{
	uint32_t page[PAGES], start, end, module, p, seen;
	struct maplist l = { 0 };
	unsigned n, i;

	(void)state;
	memset(page, 0, sizeof(page));
	srand(7);
	for (n = 0; n < 20000; n++) {
		start = (uint32_t)rand() % PAGES;
		end = start + 1 + (uint32_t)rand() % (PAGES - start);
		module = 1 + (uint32_t)rand() % (MODULES - 1);
		for (p = start; p < end; p++)
			page[p] = module;
		maplist_add(&l, map(start, end, module), &hold);
		for (p = 0; p < PAGES; p++) {
			seen = 0;
			for (i = 0; i < l.cnt; i++)
				if (p >= l.m[i].start && p < l.m[i].end)
					seen = seen ? MODULES : l.m[i].module;
			assert_int_equal(seen, page[p]);
		}
		for (i = 1; i < l.cnt; i++)
			assert_true(l.m[i - 1].end <= l.m[i].start);
	}
	maplist_free(&l, &hold);
	for (module = 0; module < MODULES; module++)
		assert_int_equal(users[module], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_order, reset),
		cmocka_unit_test_setup(over_others, reset),
		cmocka_unit_test_setup(in_the_midst, reset),
		cmocka_unit_test_setup(a_copy, reset),
		cmocka_unit_test_setup(at_random, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
