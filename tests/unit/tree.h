/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A made-up root directory, with files in it that stand for the kernel's: each test has its own.
 */
#ifndef CTRACE_TESTS_TREE_H
#define CTRACE_TESTS_TREE_H

#include "helpers.h"

#include <ftw.h>
#include <sys/stat.h>

static char root[TEMP_LEN];

/* A file below the root, with the directories that lead to it. */
static UNUSED void put(const char *path, const char *text)
{
	char full[512], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(full, 0755) && errno != EEXIST)
			fail_msg("%s: %s", full, strerror(errno));
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int tree_begin(void **state)
{
	(void)state;
	return temp_dir(root, "tree");
}

static int take_away(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static int tree_done(void **state)
{
	(void)state;
	return nftw(root, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

#define IN_TREE(fn) cmocka_unit_test_setup_teardown(fn, tree_begin, tree_done)

/* ---- control groups ---- */

#define MOUNTS(text) put("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" text)
#define V2(root, at) \
	"30 22 0:26 " root " " at " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1(root, at, ctl) "31 22 0:27 " root " " at " rw,nosuid - cgroup cgroup rw," ctl "\n"

#endif
