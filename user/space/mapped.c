// SPDX-License-Identifier: BSD-2-Clause
/* See mapped.h. */
#include "space/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
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

/* A process behind it answers, or another machine. (linux: include/uapi/linux/magic.h, fs) */
static bool may_not_answer(uint32_t type)
{
	static const uint32_t far[] = {
		0x65735546, /* fuse, virtiofs */
		0x6969,	    /* nfs */
		0xff534d42, /* cifs */
		0xfe534d42, /* smb2 */
		0x01021997, /* 9p */
		0x00c36400, /* ceph */
		0x5346414f, /* afs */
		0x73757245, /* coda */
		0x0bd00bd0, /* lustre */
		0xf15f,	    /* ecryptfs, on any of them */
	};
	size_t i;

	for (i = 0; i < sizeof(far) / sizeof(far[0]) && far[i] != type; i++)
		;
	return i < sizeof(far) / sizeof(far[0]);
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

/* What is known without a question to a file system, which may not answer. */
static bool is_dir(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

int mapped_root(uint32_t pid)
{
	const int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
	struct statx st, own;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !statx(AT_FDCWD, "/", flags, STATX_INO, &own) &&
	    !statx(fd, "", flags, STATX_INO, &st) && is_dir(&st, &own)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int mapped_keep(int fd)
{
	char path[32];
	struct statfs fs;
	int named;

	if (fd < 0 || (!fstatfs(fd, &fs) && !may_not_answer((uint32_t)fs.f_type)))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	named = open(path, O_PATH | O_CLOEXEC);
	close(fd);
	return named;
}

bool mapped_is_jitdump(const char *path)
{
	const char *base = strrchr(path, '/');
	size_t len = strlen(path);

	return base && !strncmp(base, "/jit-", 5) && !strcmp(path + len - 5, ".dump");
}
