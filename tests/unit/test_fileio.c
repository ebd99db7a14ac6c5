// SPDX-License-Identifier: BSD-2-Clause
/* Whole files: a regular one, an empty one, a pipe that is longer than its buffer, and what cannot
 * be read or written. */
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/fileio.h"

#define BIG (3u << 20) /* more than a pipe holds, and more than the first buffer */

static uint8_t big[BIG];

static void *feed(void *fd)
{
	int err = write_all(*(int *)fd, big, BIG);

	close(*(int *)fd);
	return (void *)(intptr_t)err;
}

static void loaded(int fd, const void *want, size_t len, bool mapped)
{
	struct strbuf why = STRBUF_INIT;
	struct file_bytes f;

	assert_int_equal(file_load(&f, fd, &why), 0);
	assert_int_equal(f.len, len);
	assert_int_equal(f.mapped, mapped);
	if (len)
		assert_memory_equal(f.data, want, len);
	assert_int_equal(why.len, 0);
	file_unload(&f);
	assert_null(f.data);
	strbuf_free(&why);
}

static void regular_file(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	loaded(fd, NULL, 0, false);
	assert_int_equal(write_all(fd, "abc", 3), 0);
	loaded(fd, "abc", 3, true); /* from its begin, wherever the position is */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	close(fd);
}

static void long_pipe(void **state)
{
	pthread_t t;
	void *err;
	int p[2];

	(void)state;
	for (size_t i = 0; i < BIG; i++)
		big[i] = (uint8_t)(i * 31 >> 3);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pthread_create(&t, NULL, feed, &p[1]), 0);
	loaded(p[0], big, BIG, false);
	pthread_join(t, &err);
	assert_null(err);
	close(p[0]);
}

static void cannot(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct file_bytes f;
	int p[2], dir = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(file_load(&f, dir, &why), -EISDIR);
	assert_string_equal(why.buf, "cannot read: Is a directory");
	file_unload(&f);
	strbuf_free(&why);
	close(dir);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(p), 0);
	close(p[0]);
	assert_int_equal(write_all(p[1], "abc", 3), -EPIPE);
	assert_int_equal(write_all(p[1], "", 0), 0);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regular_file),
		cmocka_unit_test(long_pipe),
		cmocka_unit_test(cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
