// SPDX-License-Identifier: BSD-2-Clause
/* The files of a recording: which are remembered, which go, and what is counted of one that stays. */
#include "helpers.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "disk.h"
#include "output/trail.h"
#include "util/log.h"

static char dir[TEMP_LEN];

static int setup(void **state)
{
	(void)state;
	unsetenv("SUDO_UID");
	return temp_dir(dir, "trail");
}

static int teardown(void **state)
{
	char cmd[96];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

/* Adds a file of so many bytes, in a directory of its own. */
static void add(struct trail *t, unsigned n, uint64_t bytes)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%u", dir, n);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%u/file", dir, n);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	trail_add(t, path, &(struct outfile_id){ st.st_dev, st.st_ino }, true);
	trail_grow(t, bytes);
}

static bool is_there(unsigned n)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/file", dir, n);
	return !access(path, F_OK);
}

static void the_oldest_goes(void **state)
{
	struct trail t = { 0 };
	unsigned n;

	(void)state;
	for (n = 1; n <= 4; n++)
		add(&t, n, 10 * n);
	assert_int_equal(trail_remove_oldest(&t), 10);
	assert_false(is_there(1));
	assert_int_equal(t.bytes, 90);
	trail_keep_newest(&t, 2);
	assert_int_equal(t.cnt, 2);
	assert_int_equal(t.bytes, 70);
	assert_int_equal(t.written, 4);
	assert_true(is_there(3) && is_there(4));
	trail_keep_newest(&t, 0);
	assert_int_equal(t.cnt, 0);
	assert_int_equal(t.bytes, 0);
	trail_free(&t);
}

static void how_many_have_enough(void **state)
{
	struct trail t = { 0 };
	unsigned n;

	(void)state;
	for (n = 1; n <= 4; n++)
		add(&t, n, 10);
	assert_int_equal(trail_enough(&t, 1, 1), 1);
	assert_int_equal(trail_enough(&t, 1, 10), 1);
	assert_int_equal(trail_enough(&t, 1, 11), 2);
	assert_int_equal(trail_enough(&t, 1, 30), 3);
	assert_int_equal(trail_enough(&t, 1, 31), 0); /* with the newest they would */
	assert_int_equal(trail_enough(&t, 0, 31), 4);
	assert_int_equal(trail_enough(&t, 4, 1), 0);
	assert_int_equal(trail_enough(&t, 5, 1), 0);
	trail_free(&t);
}

/* One that cannot be removed is there, and in the numbers; the next ones go in its place, and no
 * more of them than should. A mount point cannot be removed by root either. */
static void what_stays_is_counted(void **state)
{
	struct trail t = { 0 };
	char path[PATH_MAX];
	unsigned n;

	(void)state;
	if (!own_mounts())
		skip();
	for (n = 1; n <= 4; n++)
		add(&t, n, 10 * n);
	snprintf(path, sizeof(path), "%s/1", dir);
	assert_int_equal(mount(path, path, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(trail_remove_oldest(&t), 0);
	assert_true(is_there(1));
	assert_int_equal(t.bytes, 100);
	assert_int_equal(t.cnt, 4);
	assert_int_equal(trail_removable(&t), 3);
	assert_int_equal(trail_enough(&t, 0, 20), 1); /* that of the second one */
	trail_keep_newest(&t, 2);
	assert_true(is_there(1) && is_there(3) && is_there(4));
	assert_false(is_there(2));
	assert_int_equal(t.bytes, 80);
	assert_int_equal(t.cnt, 3);
	assert_string_equal(t.file[0].path + strlen(path) - 2, "/1/file");
	trail_free(&t);
	umount2(path, MNT_DETACH);
}

static void the_newest_are_remembered(void **state)
{
	struct outfile_id id = { 0 };
	struct trail t = { 0 };
	char path[32];
	unsigned n;

	(void)state;
	for (n = 1; n <= TRAIL_TOLD + 3; n++) {
		snprintf(path, sizeof(path), "none/%u", n);
		trail_add(&t, path, &id, false);
		trail_grow(&t, 10);
	}
	assert_int_equal(t.cnt, TRAIL_TOLD);
	assert_int_equal(t.written, TRAIL_TOLD + 3);
	assert_int_equal(t.bytes, 10 * (TRAIL_TOLD + 3));
	assert_string_equal(t.file[0].path, "none/4");
	trail_free(&t);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_oldest_goes),
		test(how_many_have_enough),
		test(what_stays_is_counted),
		test(the_newest_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
