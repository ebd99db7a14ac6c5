// SPDX-License-Identifier: BSD-2-Clause
/* See cgroup_mounts.h. */
#include "capture/cgroup_mounts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/procfs.h"
#include "util/xalloc.h"

#define OWN_GROUPS_MAX 16384 /* bytes of /proc/self/cgroup */

bool cgroup_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
		if (!strncmp(list, word, len) && (!list[len] || list[len] == ','))
			return true;
	return false;
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

/* The number of the hierarchy that has one of these controllers, by /proc/self/cgroup, whose lines
 * are ID:controllers:path. */
static uint32_t hierarchy_of(const char *own, const char *controllers)
{
	char text[OWN_GROUPS_MAX], list[256], *line, *save;
	unsigned id;

	snprintf(text, sizeof(text), "%s", own);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%u:%255[^:,]", &id, list) == 2 &&
		    cgroup_has_word(controllers, list))
			return id;
	}
	return CGROUP_NO_HIERARCHY;
}

/* A line of mountinfo: ID parent device root mountpoint options … - fstype source superoptions */
static bool read_line(struct cgroup_mount *m, char *line, const char *own)
{
	char *dash = strstr(line, " - "), group[PATH_MAX], point[PATH_MAX], fstype[32], opts[256];

	if (!dash || sscanf(line, "%*s %*s %*s %4095s %4095s", group, point) != 2 ||
	    sscanf(dash + 3, "%31s %*s %255s", fstype, opts) != 2)
		return false;
	*m = (struct cgroup_mount){ .v2 = !strcmp(fstype, "cgroup2") };
	if (!m->v2 && strcmp(fstype, "cgroup"))
		return false;
	m->hierarchy = m->v2 ? 0 : hierarchy_of(own, opts);
	unescape(group);
	unescape(point);
	m->group = xstrdup(group);
	m->point = xstrdup(point);
	m->controllers = xstrdup(opts);
	return true;
}

void cgroup_mounts_read(struct cgroup_mounts *mounts, const char *root)
{
	char path[PATH_MAX], own[OWN_GROUPS_MAX] = "", *line = NULL;
	struct cgroup_mount m;
	size_t cap = 0, room = 0, nv2 = 0, at;
	FILE *f;

	*mounts = (struct cgroup_mounts){ 0 };
	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	if (procfs_read(path, own, sizeof(own)) < 0)
		own[0] = 0;
	snprintf(path, sizeof(path), "%s/proc/self/mountinfo", root);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &cap, f) > 0) {
		if (!read_line(&m, line, own))
			continue;
		mounts->m = xgrow(mounts->m, mounts->cnt, &room, sizeof(*mounts->m));
		at = m.v2 ? nv2++ : mounts->cnt;
		memmove(&mounts->m[at + 1], &mounts->m[at],
			(mounts->cnt - at) * sizeof(*mounts->m));
		mounts->m[at] = m;
		mounts->cnt++;
	}
	free(line);
	fclose(f);
}

void cgroup_mounts_free(struct cgroup_mounts *mounts)
{
	size_t i;

	for (i = 0; i < mounts->cnt; i++) {
		free(mounts->m[i].group);
		free(mounts->m[i].point);
		free(mounts->m[i].controllers);
	}
	free(mounts->m);
	*mounts = (struct cgroup_mounts){ 0 };
}

const char *cgroup_mount_below(const struct cgroup_mount *m, const char *group)
{
	size_t len = strcmp(m->group, "/") ? strlen(m->group) : 0;
	const char *rest = group + len;

	if (strncmp(group, m->group, len) || (*rest && *rest != '/'))
		return NULL;
	if (!strncmp(rest, "/..", 3) && (!rest[3] || rest[3] == '/'))
		return NULL;
	return strcmp(rest, "/") ? rest : "";
}
