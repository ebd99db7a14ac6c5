// SPDX-License-Identifier: BSD-2-Clause
/* See maps.h. */
#include "space/maps.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define DELETED " (deleted)"

bool maps_tidy(char *path)
{
	size_t len = strlen(path), cut = strlen(DELETED);

	if (len > cut && !strcmp(path + len - cut, DELETED))
		path[len - cut] = 0;
	/* what the kernel puts there for probes, walks know by themselves */
	return strcmp(path, "[vsyscall]") != 0 && strncmp(path, "[uprobes", 8) != 0;
}

/* 7f3c…-7f3c… r-xp 00028000 08:01 1234                  /usr/lib/…/libc.so.6 */
bool maps_parse(char *line, struct code_mapping *m)
{
	unsigned major, minor;
	char perms[8];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64 " %n", &m->start,
		   &m->end, perms, &m->offset, &major, &minor, &m->ino, &at) < 7 ||
	    !at || perms[2] != 'x' || m->start >= m->end)
		return false;
	m->dev = makedev(major, minor);
	m->path = line + at;
	return maps_tidy(line + at);
}

static int read_file(const char *path, code_mapping_fn fn, void *ctx)
{
	struct code_mapping m;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int n = 0;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((len = getline(&line, &cap, f)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		if (!maps_parse(line, &m))
			continue;
		fn(ctx, &m);
		n++;
	}
	if (ferror(f) && !n)
		n = errno == ESRCH ? -ESRCH : -EIO;
	free(line);
	fclose(f);
	return n;
}

/* Of a process whose first thread has ended: that one has no memory any more, the others have. */
static int read_of_others(uint32_t pid, code_mapping_fn fn, void *ctx)
{
	char path[64];
	struct dirent *de;
	unsigned tid;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	d = opendir(path);
	while (d && n <= 0 && (de = readdir(d))) {
		tid = (unsigned)strtoul(de->d_name, NULL, 10);
		if (!tid || tid == pid)
			continue;
		snprintf(path, sizeof(path), "/proc/%u/task/%u/maps", pid, tid);
		n = read_file(path, fn, ctx);
	}
	if (d)
		closedir(d);
	return n;
}

int maps_read(uint32_t pid, code_mapping_fn fn, void *ctx)
{
	char path[32];
	int n;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	n = read_file(path, fn, ctx);
	return n ? n : read_of_others(pid, fn, ctx);
}

static void ignore(void *ctx, const struct code_mapping *m)
{
	(void)ctx;
	(void)m;
}

bool maps_has_code(uint32_t pid)
{
	return maps_read(pid, ignore, NULL) > 0;
}
