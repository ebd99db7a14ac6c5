// SPDX-License-Identifier: BSD-2-Clause
/* How much memory the rings get: the default, a share of what was asked for, too little, too much. */
#include "helpers.h"

#include "capture/rings.h"

#define K (1ull << 10)
#define M (1ull << 20)
#define G (1ull << 30)

static void gives(uint64_t total, unsigned online, uint64_t ram, uint64_t want)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(ring_size(total, online, ram, &why), want);
	assert_int_equal(why.len, 0);
	strbuf_free(&why);
}

static void refuses(uint64_t total, unsigned online, uint64_t ram, const char *want)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(ring_size(total, online, ram, &why), 0);
	assert_string_equal(why.buf, want);
	strbuf_free(&why);
}

static void by_default(void **state)
{
	(void)state;
	gives(0, 1, 64 * G, 16 * M);
	gives(0, 128, 64 * G, 16 * M); /* exactly 1/32 */
	gives(0, 129, 64 * G, 8 * M);
	gives(0, 2, 512 * M, 8 * M);
	gives(0, 2, 1 * G, 16 * M);
	gives(0, 4096, 1 * G, 64 * K); /* never below the least */
	gives(0, 2, 0, 64 * K);
}

static void a_share(void **state)
{
	(void)state;
	gives(64 * M, 2, 8 * G, 32 * M);
	gives(64 * M, 3, 8 * G, 32 * M); /* rounded up to a power of two */
	gives(64 * M + 1, 2, 8 * G, 64 * M);
	gives(128 * K, 2, 8 * G, 64 * K);
	gives(1 * G, 1, 8 * G, 1 * G);
	gives(1 * G, 2, 2 * G, 512 * M); /* half of the machine */
}

static void too_small(void **state)
{
	(void)state;
	refuses(1, 1, 8 * G, "--buffer: too small; 1 CPUs need at least 64K");
	refuses(128 * K - 1, 2, 8 * G, "--buffer: too small; 2 CPUs need at least 128K");
	refuses(1 * M, 64, 8 * G, "--buffer: too small; 64 CPUs need at least 4096K");
}

static void too_large(void **state)
{
	(void)state;
	refuses(1 * G + 1, 1, 64 * G,
		"--buffer: too large; half of this machine's memory is 32768M");
	refuses(1 * G, 2, 1 * G, "--buffer: too large; half of this machine's memory is 512M");
	refuses(UINT64_MAX / 4, 1, 8 * G,
		"--buffer: too large; half of this machine's memory is 4096M");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default),
		cmocka_unit_test(a_share),
		cmocka_unit_test(too_small),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
