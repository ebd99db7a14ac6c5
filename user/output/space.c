// SPDX-License-Identifier: BSD-2-Clause
/* See space.h. */
#include "output/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "util/xalloc.h"

static int room_of(int failed, const struct statvfs *st, uint64_t *bytes)
{
	if (failed)
		return -errno;
	*bytes = (uint64_t)st->f_bavail * st->f_frsize;
	return 0;
}

int space_at(int fd, uint64_t *bytes)
{
	struct statvfs st;
	int failed = fstatvfs(fd, &st);

	return room_of(failed, &st, bytes);
}

int space_beside(const char *path, uint64_t *bytes)
{
	const char *slash = strrchr(path, '/');
	char *dir = xstrdup(slash ? path : ".");
	struct statvfs st;
	int failed;

	if (slash)
		dir[slash - path + 1] = 0;
	failed = statvfs(dir, &st);
	free(dir);
	return room_of(failed, &st, bytes);
}
