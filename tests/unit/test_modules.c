// SPDX-License-Identifier: BSD-2-Clause
/* Numbers of files, where no stacks are walked: so there are neither tables nor a symbolizer. */
#include "helpers.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "space/modules.h"

static char dir[TEMP_LEN];
static uint32_t forgotten[8];
static size_t nforgotten;

static void note_forgotten(void *ctx, uint32_t module)
{
	(void)ctx;
	assert_true(nforgotten < 8);
	forgotten[nforgotten++] = module;
}

/* A copy of this program, which is an ELF file, at name; with `more` bytes behind it. */
static void make_file(const char *name, size_t more)
{
	int in = open("/proc/self/exe", O_RDONLY), out;
	char buf[65536];
	ssize_t n;

	out = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(write(out, buf, more), more);
	close(in);
	close(out);
}

/* A mapping of it, in this process. */
static struct code_mapping mapping_of(const char *name)
{
	static char path[TEMP_LEN + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	return (struct code_mapping){
		.start = 0x400000,
		.end = 0x401000,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.path = path,
	};
}

static uint32_t get(struct modules *m, const char *name)
{
	struct code_mapping map = mapping_of(name);
	uint64_t bias;

	return modules__get(m, (uint32_t)getpid(), &map, &bias);
}

static void a_file_has_one_number(void **state)
{
	struct modules *m = modules__new(NULL, NULL, NULL, 100);
	struct ev_module ev;
	uint32_t a, b;

	(void)state;
	make_file("a", 0);
	make_file("b", 0);
	a = get(m, "a");
	b = get(m, "b");
	assert_true(a && b && a != b);
	assert_int_equal(get(m, "a"), a);
	assert_int_equal(modules__stats(m).files, 2);
	assert_true(modules__take_news(m, &ev));
	assert_int_equal(ev.h.arg, a);
	assert_true(modules__take_news(m, &ev));
	assert_int_equal(ev.h.arg, b);
	assert_int_equal(modules__take_news(m, &ev), 0);
	modules__free(m);
}

/* While somebody maps it it is what it was; afterwards it is looked at. */
static void a_file_that_was_written_anew_is_another(void **state)
{
	struct modules *m = modules__new(NULL, NULL, NULL, 100);
	uint32_t a;

	(void)state;
	nforgotten = 0;
	modules__on_forget(m, note_forgotten, NULL);
	make_file("c", 0);
	a = get(m, "c");
	make_file("c", 4096);
	assert_int_equal(get(m, "c"), a);
	modules__put(m, a);
	modules__put(m, a);
	assert_int_equal(nforgotten, 0);
	assert_int_not_equal(get(m, "c"), a);
	assert_int_equal(nforgotten, 1);
	assert_int_equal(forgotten[0], a);
	modules__free(m);
}

static void a_number_is_not_given_again_at_once(void **state)
{
	struct modules *m = modules__new(NULL, NULL, NULL, 4);
	uint32_t a;
	int i;

	(void)state;
	make_file("d", 0);
	for (i = 0; i < 3; i++) {
		a = get(m, "d");
		assert_int_equal(a, i + 1);
		modules__put(m, a);
		make_file("d", 4096 * (size_t)(i + 1));
	}
	/* frames of the old ones may be on their way: there is none left */
	assert_int_equal(get(m, "d"), 0);
	assert_int_equal(modules__stats(m).no_number, 1);
	modules__free(m);
}

static int set_up(void **state)
{
	(void)state;
	return temp_dir(dir, "modules") || chdir(dir);
}

static int tear_down(void **state)
{
	const char *name[] = { "a", "b", "c", "d" };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		unlink(name[i]);
	return chdir("/") || rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_one_number),
		cmocka_unit_test(a_file_that_was_written_anew_is_another),
		cmocka_unit_test(a_number_is_not_given_again_at_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
