// SPDX-License-Identifier: BSD-2-Clause
/* See mapped.h. */
#include "space/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Takes over a descriptor that only names a file (O_PATH). map: which file it has to be; NULL: that
 * is certain. */
static int open_named(int named, const struct code_mapping *map)
{
	char path[32];
	struct stat st;
	int fd = -1, err = ENOENT;

	if (named < 0)
		return -1;
	/* file systems with devices of their own making (0:…) tell others to stat(2) */
	if (!fstat(named, &st) && S_ISREG(st.st_mode) &&
	    (!map || (st.st_ino == map->ino && (!major(map->dev) || st.st_dev == map->dev)))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", named);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		err = errno;
	}
	close(named);
	errno = err;
	return fd;
}

/* By its name, as the process sees it. */
static int open_in_root_of(uint32_t pid, const struct code_mapping *map)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	char path[32];
	int root, named;

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	named = (int)syscall(SYS_openat2, root, map->path, &how, sizeof(how));
	close(root);
	return open_named(named, map);
}

int mapped_open(uint32_t pid, const struct code_mapping *map)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", pid,
		 (unsigned long long)map->start, (unsigned long long)map->end);
	fd = open_named(open(path, O_PATH | O_CLOEXEC), NULL);
	if (fd < 0)
		fd = open_in_root_of(pid, map);
	if (fd < 0) { /* without the right to the former a deleted program is still to be had */
		snprintf(path, sizeof(path), "/proc/%u/exe", pid);
		fd = open_named(open(path, O_PATH | O_CLOEXEC), map);
	}
	if (fd < 0) /* the process is gone already */
		fd = open_named(open(map->path, O_PATH | O_CLOEXEC), map);
	return fd;
}

int mapped_root(uint32_t pid)
{
	struct stat st, own;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !stat("/", &own) && !fstat(fd, &st) && st.st_dev == own.st_dev &&
	    st.st_ino == own.st_ino) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool mapped_is_jitdump(const char *path)
{
	const char *base = strrchr(path, '/');
	size_t len = strlen(path);

	return base && !strncmp(base, "/jit-", 5) && !strcmp(path + len - 5, ".dump");
}
