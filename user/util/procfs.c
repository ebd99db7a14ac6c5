// SPDX-License-Identifier: BSD-2-Clause
/* See procfs.h. */
#include "util/procfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000

ssize_t procfs_read(const char *path, char *buf, size_t sz)
{
	size_t len = 0;
	ssize_t n;
	int fd, err;

	buf[0] = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + len, sz - 1 - len);
		err = errno;
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < sz - 1);
	close(fd);
	if (n < 0)
		return -err;
	buf[len] = 0;
	return (ssize_t)len;
}

static uint32_t status_number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (uint32_t)strtoul(at + strlen(key), NULL, 10) : 0;
}

int procfs_status(uint32_t pid, struct proc_info *out)
{
	char path[64], text[4096];
	const char *open_paren, *close_paren;
	unsigned flags = 0;
	ssize_t n;

	*out = (struct proc_info){ 0 };
	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	n = procfs_read(path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	/* pid (comm) state ppid pgrp session tty tpgid flags; comm may hold anything */
	open_paren = strchr(text, '(');
	close_paren = strrchr(text, ')');
	if (!open_paren || !close_paren ||
	    sscanf(close_paren + 1, " %c %*d %*d %*d %*d %*d %u", &out->state, &flags) != 2)
		return -EIO;
	n = close_paren - open_paren - 1;
	memcpy(out->comm, open_paren + 1, n < 15 ? (size_t)n : 15);
	out->kthread = flags & PF_KTHREAD;
	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	n = procfs_read(path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	out->tgid = status_number(text, "\nTgid:");
	out->pid = status_number(text, "\nPid:");
	return 0;
}

uint32_t procfs_ns_pid(uint32_t pid)
{
	char path[64], text[4096];
	const char *at, *end;
	uint32_t nr = pid;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (procfs_read(path, text, sizeof(text)) < 0)
		return pid;
	at = strstr(text, "\nNSpid:"); /* one number for each namespace, the innermost last */
	end = at ? strchr(at + 1, '\n') : NULL;
	for (at = at ? at + 7 : NULL; at && end && at < end; at = strpbrk(at + 1, "\t\n"))
		if (isdigit((unsigned char)at[1]))
			nr = (uint32_t)strtoul(at + 1, NULL, 10);
	return nr ? nr : pid;
}

int procfs_uid(uint32_t pid, uint32_t *uid)
{
	char path[64], text[4096];
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	n = procfs_read(path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	at = strstr(text, "\nUid:"); /* real, effective, saved, of file systems */
	return at && sscanf(at + 5, "%*u %" SCNu32, uid) == 1 ? 0 : -EIO;
}

uint64_t procfs_rss(uint32_t pid)
{
	char path[64], text[256];
	unsigned long size, resident;

	snprintf(path, sizeof(path), "/proc/%u/statm", pid);
	if (procfs_read(path, text, sizeof(text)) < 0 ||
	    sscanf(text, "%lu %lu", &size, &resident) != 2)
		return 0;
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

int procfs_cpus(const char *path, void (*fn)(void *ctx, unsigned cpu), void *ctx)
{
	char text[4096], *at = text, *end;
	unsigned long first, last;
	ssize_t len;
	int n = 0;

	len = procfs_read(path, text, sizeof(text));
	if (len < 0)
		return (int)len;
	while (isdigit((unsigned char)*at)) {
		first = last = strtoul(at, &end, 10);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < 65536; first++, n++)
			if (fn)
				fn(ctx, (unsigned)first);
		at = *end == ',' ? end + 1 : end;
	}
	return n ? n : -EIO;
}

uint64_t procfs_ram(void)
{
	struct sysinfo si;

	return sysinfo(&si) ? 0 : (uint64_t)si.totalram * si.mem_unit;
}
