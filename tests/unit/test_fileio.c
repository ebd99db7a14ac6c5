// SPDX-License-Identifier: BSD-2-Clause
/* Whole files: a regular one, an empty one, and what cannot be read or written. */
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/fileio.h"

static void loaded(int fd, const void *want, size_t len)
{
	struct strbuf why = STRBUF_INIT;
	struct file_bytes f;

	assert_int_equal(file_load(&f, fd, &why), 0);
	assert_int_equal(f.len, len);
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
	loaded(fd, NULL, 0);
	assert_int_equal(write_all(fd, "abc", 3), 0);
	loaded(fd, "abc", 3); /* from its begin, wherever the position is */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	close(fd);
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
	close(dir);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(file_load(&f, p[0], &why), -EINVAL);
	assert_string_equal(why.buf, "cannot read: it is no regular file");
	file_unload(&f);
	strbuf_free(&why);
	close(p[0]);
	assert_int_equal(write_all(p[1], "abc", 3), -EPIPE);
	assert_int_equal(write_all(p[1], "", 0), 0);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regular_file),
		cmocka_unit_test(cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
