// SPDX-License-Identifier: BSD-2-Clause
/*
 * See cgroup.h. A hierarchy can be mounted at several places, each from some group downwards: the
 * root field of mountinfo says which. Paths there and in /proc/PID/cgroup are both told from the
 * root of our cgroup namespace; what lies above that begins with "/..", and its name is not to be
 * had.
 */
#include "capture/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/procfs.h"

#define CONTROLLER "memory" /* v1: the word in lists of controllers */

struct groups {
	char v2[PATH_MAX], v1[PATH_MAX]; /* of the process; "" where it is in none */
};

/* Is the word in a list that commas part? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
		if (!strncmp(list, word, len) && (!list[len] || list[len] == ','))
			return true;
	return false;
}

/* A line is ID:controllers:path; v2 has none of them. */
static bool read_groups(const char *root, uint32_t pid, struct groups *g)
{
	char path[PATH_MAX], text[16384], *line, *save, *list, *group;

	*g = (struct groups){ "", "" };
	snprintf(path, sizeof(path), "%s/proc/%u/cgroup", root, pid);
	if (procfs_read(path, text, sizeof(text)) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		list = strchr(line, ':');
		group = list ? strchr(list + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = 0;
		if (!*++list)
			snprintf(g->v2, sizeof(g->v2), "%s", group);
		else if (has_word(list, CONTROLLER))
			snprintf(g->v1, sizeof(g->v1), "%s", group);
	}
	return true;
}

/* mountinfo writes blanks and backslashes as \040 */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

/* The group below the mount's root, "" for that itself; NULL when the mount does not show it. */
static const char *below(const char *group, const char *mounted)
{
	size_t len = strcmp(mounted, "/") ? strlen(mounted) : 0;
	const char *rest = group + len;

	if (strncmp(group, mounted, len) || (*rest && *rest != '/'))
		return NULL;
	if (!strncmp(rest, "/..", 3) && (!rest[3] || rest[3] == '/'))
		return NULL;
	return strcmp(rest, "/") ? rest : "";
}

static uint64_t limit_of_file(const char *path)
{
	unsigned long long limit;
	char text[64];

	if (procfs_read(path, text, sizeof(text)) < 0 || sscanf(text, "%llu", &limit) != 1)
		return UINT64_MAX; /* "max", or no such file: a root, another controller */
	return limit;
}

/* From the group up to the mount's root. */
static uint64_t least_of(const char *root, const char *mount, const char *group, const char *file)
{
	char path[PATH_MAX], rest[PATH_MAX], *slash;
	uint64_t least = UINT64_MAX, limit;

	snprintf(rest, sizeof(rest), "%s", group);
	for (;;) {
		limit = UINT64_MAX;
		if (snprintf(path, sizeof(path), "%s%s%s/%s", root, mount, rest, file) < PATH_MAX)
			limit = limit_of_file(path);
		if (limit < least)
			least = limit;
		slash = strrchr(rest, '/');
		if (!slash)
			return least;
		*slash = 0;
	}
}

/* A line of mountinfo: ID parent device root mountpoint options … - fstype source superoptions */
static uint64_t least_of_mount(const char *root, char *line, const struct groups *g)
{
	char *dash = strstr(line, " - "), mounted[PATH_MAX], mount[PATH_MAX], fstype[32], opts[256];
	const char *group = NULL;
	bool v2;

	if (!dash || sscanf(line, "%*s %*s %*s %4095s %4095s", mounted, mount) != 2 ||
	    sscanf(dash + 3, "%31s %*s %255s", fstype, opts) != 2)
		return UINT64_MAX;
	unescape(mounted);
	unescape(mount);
	v2 = !strcmp(fstype, "cgroup2");
	if (v2 && g->v2[0])
		group = below(g->v2, mounted);
	else if (!strcmp(fstype, "cgroup") && g->v1[0] && has_word(opts, CONTROLLER))
		group = below(g->v1, mounted);
	return group ? least_of(root, mount, group, v2 ? "memory.max" : "memory.limit_in_bytes") :
		       UINT64_MAX;
}

uint64_t cgroup_memory_limit(const char *root, uint32_t pid)
{
	uint64_t least = UINT64_MAX, limit;
	char path[PATH_MAX], *line = NULL;
	struct groups g;
	size_t cap = 0;
	FILE *f;

	if (!read_groups(root, pid, &g))
		return least;
	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	f = fopen(path, "re");
	if (!f)
		return least;
	while (getline(&line, &cap, f) > 0) {
		limit = least_of_mount(root, line, &g);
		if (limit < least)
			least = limit;
	}
	free(line);
	fclose(f);
	return least;
}

uint64_t cgroup_binding_limit(uint32_t pid)
{
	uint64_t limit = cgroup_memory_limit("", pid);

	return limit < procfs_ram() ? limit : 0;
}
