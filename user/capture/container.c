// SPDX-License-Identifier: BSD-2-Clause
/* See container.h. */
#include "capture/container.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/cgroup_mounts.h"
#include "util/strbuf.h"

#define ID_LEN 64
#define PREFIX_MIN 6

struct search {
	const char *prefix;
	size_t len;
	uint32_t hierarchy;
	struct cgroup_place *place;		/* of the first one */
	char id[ID_LEN + 1], other[ID_LEN + 1]; /* that begin with it; "" none */
};

static bool is_hex(const char *s, size_t len)
{
	while (len && isxdigit((unsigned char)s[len - 1]))
		len--;
	return !len;
}

/* The id in a group's name; NULL: it is no container's. conmon is the process that looks after one,
 * outside of it. */
static const char *id_in(const char *name)
{
	const char *dash = strrchr(name, '-'), *id = dash ? dash + 1 : name, *rest;

	if (strstr(name, "conmon") || strlen(id) < ID_LEN || !is_hex(id, ID_LEN))
		return NULL;
	rest = id + ID_LEN;
	return !*rest || !strcmp(rest, ".scope") || !strcmp(rest, ".slice") ? id : NULL;
}

static bool look_at(void *ctx, const char *dir, const char *name)
{
	struct search *s = ctx;
	const char *id = id_in(name);

	if (!id || strncasecmp(id, s->prefix, s->len))
		return true;
	if (!s->id[0]) {
		if (cgroup_place_at(s->place, dir, s->hierarchy))
			memcpy(s->id, id, ID_LEN);
	} else if (strncmp(id, s->id, ID_LEN)) {
		memcpy(s->other, id, ID_LEN);
	}
	return !s->other[0];
}

static void look_in(struct search *s, const char *root, const struct cgroup_mount *m)
{
	char dir[PATH_MAX];

	if (m->hierarchy == CGROUP_NO_HIERARCHY ||
	    snprintf(dir, sizeof(dir), "%s%s", root, m->point) >= PATH_MAX)
		return;
	s->hierarchy = m->hierarchy;
	cgroup_walk(dir, look_at, s);
}

int container_find(struct cgroup_place *place, const char *root, const char *id, struct strbuf *why)
{
	struct search s = { .prefix = id, .len = strlen(id), .place = place };
	struct cgroup_mounts mounts;
	size_t i;

	if (s.len < PREFIX_MIN || s.len > ID_LEN || !is_hex(id, s.len)) {
		strbuf_set_f(
			why,
			"--container %s: not the id of a container; write the first six of its hex digits, or more, as docker ps shows them",
			id);
		return -EINVAL;
	}
	cgroup_mounts_read(&mounts, root);
	for (i = 0; !s.id[0] && i < mounts.cnt; i++)
		look_in(&s, root, &mounts.m[i]);
	cgroup_mounts_free(&mounts);
	if (!s.id[0]) {
		strbuf_set_f(
			why,
			"--container %s: no running container has such an id; see docker ps, podman ps or crictl ps",
			id);
		return -ENOENT;
	}
	if (s.other[0]) {
		strbuf_set_f(
			why,
			"--container %s: more than one container begins so, %.12s… and %.12s…; give more digits",
			id, s.id, s.other);
		return -ENOENT;
	}
	return 0;
}
