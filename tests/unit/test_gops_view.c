// SPDX-License-Identifier: BSD-2-Clause
/* What is a trace and what is none, and which Go is taken to open one. */
#include "bpf/event.h" /* before <elf.h>, which has an EV_NONE too */

#include "unwind_make.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "gops/tracefile.h"
#include "gops/viewer.h"
#include "tree.h"

/* ---- files ---- */

static void is_none(const char *head, size_t len, const char *expected)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(tracefile_minor("F", head, len, &why), -EINVAL);
	assert_string_equal(why.buf, expected);
	strbuf_free(&why);
}
#define IS_NONE(head, expected) is_none(head, sizeof(head) - 1, expected)

static void traces(void **state)
{
	struct strbuf why = STRBUF_INIT;

	(void)state;
	assert_int_equal(tracefile_minor("F", "go 1.22 trace\0\0\0\1", 17, &why), 22);
	assert_int_equal(tracefile_minor("F", "go 1.26 trace\0\0\0", 16, &why), 26);
	strbuf_free(&why);
}

static void no_traces(void **state)
{
	(void)state;
	IS_NONE("", "F is empty");
	IS_NONE("hello", "F is no Go execution trace");
	IS_NONE("go 1.22 tr", "F is broken off in its first bytes");
	IS_NONE("go 1.22 traces\0\0", "F is no Go execution trace");
	IS_NONE("go 1.xx trace\0\0\0", "F is no Go execution trace");
	IS_NONE("go 1.21 trace\0\0\0",
		"F is a trace of Go 1.21: viewers of today read those of 1.22 and newer");
	IS_NONE("ctraceRW....",
		"F is a raw recording; make a trace of it with ctrace-bpf convert -o FILE");
	IS_NONE("\x1f\x8b\x08", "F is compressed; unpack it with gunzip");
	IS_NONE("\x28\xb5\x2f\xfd", "F is compressed; unpack it with unzstd");
}

static void is_refused(const char *path, int err, const char *expected)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(tracefile_check(path, &why), err);
	assert_non_null(strstr(why.buf, expected));
	strbuf_free(&why);
}

static void no_files(void **state)
{
	(void)state;
	is_refused("/nonexistent/file", -ENOENT, "cannot open /nonexistent/file: No such file");
	is_refused("/tmp", -EINVAL, "/tmp is a directory");
	is_refused("/dev/null", -EINVAL, "/dev/null is no file that a viewer could read twice");
	is_refused("/proc/self/exe", -EINVAL, "is no Go execution trace");
}

/* ---- the Go ---- */

static void put_bytes(const char *name, const void *data, size_t len, mode_t mode)
{
	char path[PATH_MAX];
	int fd;

	put(name, ""); /* and the directories */
	snprintf(path, sizeof(path), "%s%s", root, name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void put_go(const char *name, const char *version, mode_t mode)
{
	struct strbuf info = STRBUF_INIT, image = STRBUF_INIT;
	struct elf_make m = { 0 };

	strbuf_add(&info, "\xff Go buildinf:\x08\x02", 16);
	while (info.len < 32)
		strbuf_addch(&info, 0);
	strbuf_addch(&info, (char)strlen(version));
	strbuf_addstr(&info, version);
	elf_add(&m, ".go.buildinfo", info.buf, info.len, SHF_ALLOC);
	elf_write(&m, &image);
	put_bytes(name, image.buf, image.len, mode);
	strbuf_free(&info);
	strbuf_free(&image);
}

/* PATH with a % for the directory; NULL none. expected: below the directory, or a part of the
 * sentence. */
static void found(int minor, const char *path, int err, const char *expected)
{
	struct strbuf why = STRBUF_INIT, env = STRBUF_INIT;
	char out[PATH_MAX], glob[PATH_MAX];
	const char *const others[] = { glob, NULL };
	const char *at;

	for (at = path ? path : ""; *at; at++)
		if (*at == '%')
			strbuf_addstr(&env, root);
		else
			strbuf_addch(&env, *at);
	snprintf(glob, sizeof(glob), "%s/go-*/go", root);
	assert_int_equal(viewer_find(out, minor, path ? env.buf : NULL, others, &why), err);
	if (err)
		assert_non_null(strstr(why.buf, expected));
	else
		assert_string_equal(out + strlen(root), expected);
	strbuf_free(&why);
	strbuf_free(&env);
}

static void which_go(void **state)
{
	(void)state;
	found(23, NULL, -ENOENT, "no Go is here: go tool trace comes with Go 1.23");
	put_go("/a/go", "go1.19.8", 0755);
	put_go("/b/go", "go1.26.1", 0644); /* is not to be executed */
	found(23, "%/a:%/b", -ENOEXEC,
	      "/a/go is go1.19.8, the trace is for Go 1.23: go tool trace");
	put_go("/c/go", "go1.25.3", 0755);
	found(23, "%/nowhere:%/a:%/b:%/c", 0, "/c/go");
	found(26, "%/a:%/b:%/c", -ENOEXEC, "/a/go is go1.19.8");
	found(25, "%/c", 0, "/c/go");
	/* where it is installed most often: the newest */
	put_go("/go-1.19/go", "go1.19.8", 0755);
	put_go("/go-1.22/go", "go1.22.9", 0755);
	found(22, "%/a", 0, "/go-1.22/go");
	put_go("/go-1.23/go", "go1.23.1", 0755);
	found(22, "%/a", 0, "/go-1.23/go");
	found(22, "%/c", 0, "/c/go");
	/* a script does not say which one it calls; a relative directory is not looked into */
	put_bytes("/a/go", "#!/bin/sh\n", 10, 0755);
	found(26, "%/a", 0, "/a/go");
	assert_int_equal(chdir(root), 0);
	found(23, "a", 0, "/go-1.23/go");
	found(23, "", 0, "/go-1.23/go");
	assert_int_equal(chdir("/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces),
		cmocka_unit_test(no_traces),
		cmocka_unit_test(no_files),
		IN_TREE(which_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
