// SPDX-License-Identifier: BSD-2-Clause
/* See jitfind.h. */
#include "symbol/jitfind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/debugfile.h"

int jitfind_dump(uint32_t pid, uint32_t ns_pid, int root_fd)
{
	char name[64], maps[64], *line = NULL, *path;
	size_t cap = 0;
	int fd = -1;
	ssize_t n;
	FILE *f;

	snprintf(maps, sizeof(maps), "/proc/%u/maps", pid);
	snprintf(name, sizeof(name), "/jit-%u.dump\n", ns_pid);
	f = fopen(maps, "re");
	if (!f)
		return -1;
	while (fd < 0 && (n = getline(&line, &cap, f)) > 0) {
		path = strchr(line, '/');
		if (!path || (size_t)n < strlen(name) || strcmp(line + n - strlen(name), name) != 0)
			continue;
		line[n - 1] = '\0';
		fd = open_in_root(root_fd, path);
	}
	free(line);
	fclose(f);
	return fd;
}
