// SPDX-License-Identifier: BSD-2-Clause
/* Names of kernel addresses from the text of kallsyms. */
#include <unistd.h>

#include "helpers.h"
#include "symbol/ksyms.h"

static const char text[] = "ffffffff81000000 T _text\n"
			   "ffffffff81000100 t schedule\n"
			   "ffffffff81000180 D some_data\n"
			   "ffffffff82000000 T _einittext\n"
			   "ffffffffc0000040 t bpf_prog_6deef7357e7b4530\t[bpf]\n";

static void check(struct ksyms *k, uint64_t addr, const char *want)
{
	const char *got = ksyms__name(k, addr);

	if (want) {
		assert_non_null(got);
		assert_string_equal(got, want);
	} else {
		assert_null(got);
	}
}

static void by_address(void **state)
{
	char path[] = "/tmp/ctrace-ksyms-XXXXXX";
	int fd = mkstemp(path);
	struct ksyms *k;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	k = ksyms__new_from(path);
	ksyms__ready(k);
	unlink(path);
	check(k, 0xffffffff80ffffff, NULL);
	check(k, 0xffffffff81000000, "_text");
	check(k, 0xffffffff810000ff, "_text");
	check(k, 0xffffffff81000190, "schedule"); /* data has no code */
	check(k, 0xffffffff82000010, "_einittext");
	check(k, 0xffffffff82100000, "_einittext");
	/* a module, or a program that is not in the list */
	check(k, 0xffffffff82100001, NULL);
	check(k, 0xffffffffc0000000, NULL);
	check(k, 0xffffffffc0000050, "bpf_prog_6deef7357e7b4530");
	check(k, UINT64_MAX, NULL);
	ksyms__free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_address),
	};

	return cmocka_run_group_tests_name("ksyms", tests, NULL, NULL);
}
