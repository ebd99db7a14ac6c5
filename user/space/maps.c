// SPDX-License-Identifier: BSD-2-Clause
/* See maps.h. */
#include "space/maps.h"

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
	return strcmp(path, "[vsyscall]") != 0 && strcmp(path, "[uprobes]") != 0;
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

int maps_read(uint32_t pid, code_mapping_fn fn, void *ctx)
{
	char file[32], *line = NULL;
	struct code_mapping m;
	size_t cap = 0;
	ssize_t len;
	int n = 0;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%u/maps", pid);
	f = fopen(file, "re");
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

static void ignore(void *ctx, const struct code_mapping *m)
{
	(void)ctx;
	(void)m;
}

bool maps_has_code(uint32_t pid)
{
	return maps_read(pid, ignore, NULL) > 0;
}
