// SPDX-License-Identifier: BSD-2-Clause
/* Who may make a file under a name: one at a time, by whatever way the directory is reached. */
#include "helpers.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output/claim.h"
#include "util/strbuf.h"

static char dir[TEMP_LEN], path[96], via[128], link_to[96];

static int setup(void **state)
{
	(void)state;
	unsetenv("SUDO_UID"); /* as who we are */
	if (temp_dir(dir, "claim"))
		return -1;
	snprintf(path, sizeof(path), "%s/trace", dir);
	snprintf(link_to, sizeof(link_to), "%s.link", dir);
	snprintf(via, sizeof(via), "%s/./trace", link_to);
	return symlink(dir, link_to);
}

static int teardown(void **state)
{
	(void)state;
	unlink(link_to);
	return rmdir(dir);
}

static void one_at_a_time(void **state)
{
	int first = claim_name(CLAIM_FILE, path);

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(claim_name(CLAIM_FILE, path), -EWOULDBLOCK);
	assert_int_equal(claim_name(CLAIM_FILE, via), -EWOULDBLOCK);
	close(first);
	first = claim_name(CLAIM_FILE, via);
	assert_true(first >= 0);
	close(first);
}

static void other_names_are_free(void **state)
{
	char other[128];
	int fd[4], i;

	(void)state;
	snprintf(other, sizeof(other), "%s2", path);
	fd[0] = claim_name(CLAIM_FILE, path);
	fd[1] = claim_name(CLAIM_SERIES, path);
	fd[2] = claim_name(CLAIM_FILE, other);
	snprintf(other, sizeof(other), "%s/../trace", dir);
	fd[3] = claim_name(CLAIM_FILE, other);
	for (i = 0; i < 4; i++) {
		assert_true(fd[i] >= 0);
		close(fd[i]);
	}
}

/* A path without a slash is of the directory that we are in. */
static void working_directory(void **state)
{
	char was[4096];
	int fd;

	(void)state;
	assert_non_null(getcwd(was, sizeof(was)));
	assert_int_equal(chdir(dir), 0);
	fd = claim_name(CLAIM_FILE, "trace");
	assert_true(fd >= 0);
	assert_int_equal(claim_name(CLAIM_FILE, path), -EWOULDBLOCK);
	close(fd);
	assert_int_equal(chdir(was), 0);
}

static void death_frees_it(void **state)
{
	int held[2], fd, status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(held), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		byte = claim_name(CLAIM_SERIES, path) >= 0;
		(void)!write(held[1], &byte, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(held[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	assert_int_equal(claim_name(CLAIM_SERIES, path), -EWOULDBLOCK);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd = claim_name(CLAIM_SERIES, path);
	assert_true(fd >= 0);
	close(fd);
	close(held[0]);
	close(held[1]);
}

static void a_series_is_refused_in_words(void **state)
{
	struct strbuf why = STRBUF_INIT;
	char want[256];
	int fd, second = 7;

	(void)state;
	assert_int_equal(claim_series(path, &fd, &why), 0);
	assert_true(fd >= 0);
	assert_int_equal(claim_series(via, &second, &why), -EWOULDBLOCK);
	assert_int_equal(second, -1);
	snprintf(
		want, sizeof(want),
		"files that are named after %s are being written by another recorder; choose another name",
		via);
	assert_string_equal(why.buf, want);
	close(fd);
	strbuf_free(&why);
}

static void what_cannot_be_known_is_no_refusal(void **state)
{
	struct strbuf why = STRBUF_INIT;
	int fd = 7;

	(void)state;
	assert_int_equal(claim_name(CLAIM_FILE, "/nonexistent/trace"), -ENOENT);
	assert_int_equal(claim_series("/nonexistent/trace", &fd, &why), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(why.len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_at_a_time),
		TEST(other_names_are_free),
		TEST(working_directory),
		TEST(death_frees_it),
		TEST(a_series_is_refused_in_words),
		TEST(what_cannot_be_known_is_no_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
