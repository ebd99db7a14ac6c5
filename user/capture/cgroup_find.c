// SPDX-License-Identifier: BSD-2-Clause
/* See cgroup_find.h. */
#include "capture/cgroup_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/cgroup_mounts.h"
#include "util/parse.h"
#include "util/strbuf.h"

#define DEPTH_MAX 64 /* of groups in groups */

bool cgroup_place_at(struct cgroup_place *place, const char *dir, uint32_t hierarchy)
{
	struct stat st;

	if (hierarchy == CGROUP_NO_HIERARCHY || strlen(dir) >= sizeof(place->dir) ||
	    stat(dir, &st) || !S_ISDIR(st.st_mode))
		return false;
	strcpy(place->dir, dir);
	place->id = st.st_ino;
	place->hierarchy = hierarchy;
	return true;
}

void cgroup_say_mounts(struct strbuf *out, const struct cgroup_mounts *mounts)
{
	size_t i;

	for (i = 0; i < mounts->cnt; i++)
		strbuf_addf(out, "%s%s%s", i ? ", " : "", mounts->m[i].point,
			    mounts->m[i].v2 ? " (v2)" : "");
}

/* ---- walking ---- */

static bool walk(char *dir, size_t len, unsigned depth,
		 bool (*fn)(void *ctx, const char *dir, const char *name), void *ctx)
{
	const char *name = strrchr(dir, '/');
	bool more = fn(ctx, dir, name ? name + 1 : dir);
	struct dirent *d;
	DIR *list;

	list = more && depth ? opendir(dir) : NULL;
	while (more && list && (d = readdir(list))) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.' ||
		    len + 1 + strlen(d->d_name) >= PATH_MAX)
			continue;
		sprintf(dir + len, "/%s", d->d_name);
		more = walk(dir, len + 1 + strlen(d->d_name), depth - 1, fn, ctx);
		dir[len] = 0;
	}
	if (list)
		closedir(list);
	return more;
}

void cgroup_walk(const char *dir, bool (*fn)(void *ctx, const char *dir, const char *name),
		 void *ctx)
{
	char path[PATH_MAX];

	if (strlen(dir) >= sizeof(path))
		return;
	strcpy(path, dir);
	walk(path, strlen(path), DEPTH_MAX, fn, ctx);
}

/* ---- by number ---- */

struct by_id {
	struct cgroup_place *place;
	uint64_t id;
	bool found;
};

static bool is_id(void *ctx, const char *dir, const char *name)
{
	struct by_id *by = ctx;

	(void)name;
	by->found = cgroup_place_at(by->place, dir, 0) && by->place->id == by->id;
	return !by->found;
}

static int find_id(struct cgroup_place *place, const char *root, const struct cgroup_mounts *mounts,
		   uint64_t id, struct strbuf *why)
{
	struct by_id by = { .place = place, .id = id };
	char dir[PATH_MAX];
	size_t i, nv2 = 0;

	for (i = 0; !by.found && i < mounts->cnt && mounts->m[i].v2; i++) {
		nv2++;
		if (snprintf(dir, sizeof(dir), "%s%s", root, mounts->m[i].point) < PATH_MAX)
			cgroup_walk(dir, is_id, &by);
	}
	if (by.found)
		return 0;
	if (nv2)
		strbuf_set_f(
			why,
			"--cgroup %llu: no control group of v2 has this number; see ls -di %s/*",
			(unsigned long long)id, mounts->m[0].point);
	else
		strbuf_set_f(
			why,
			"--cgroup %llu: only groups of v2 have numbers, and v2 is not mounted; give a path",
			(unsigned long long)id);
	return -ENOENT;
}

/* ---- by path ---- */

/* Does the path lie in the mount? */
static bool lies_in(const char *path, const char *point)
{
	size_t len = strlen(point);

	return !strncmp(path, point, len) && (!path[len] || path[len] == '/');
}

/* The mount that a directory lies in: the innermost one. */
static const struct cgroup_mount *mount_of(const struct cgroup_mounts *mounts, const char *path)
{
	const struct cgroup_mount *best = NULL;
	size_t i;

	for (i = 0; i < mounts->cnt; i++)
		if (lies_in(path, mounts->m[i].point) &&
		    (!best || strlen(mounts->m[i].point) > strlen(best->point)))
			best = &mounts->m[i];
	return best;
}

/* As the hierarchies name it. */
static bool find_name(struct cgroup_place *place, const char *root,
		      const struct cgroup_mounts *mounts, const char *name)
{
	char dir[PATH_MAX], group[PATH_MAX];
	const char *rest;
	size_t i;

	if (snprintf(group, sizeof(group), "%s%s", *name == '/' ? "" : "/", name) >= PATH_MAX)
		return false;
	for (i = 0; i < mounts->cnt; i++) {
		rest = cgroup_mount_below(&mounts->m[i], group);
		if (rest &&
		    snprintf(dir, sizeof(dir), "%s%s%s", root, mounts->m[i].point, rest) <
			    PATH_MAX &&
		    cgroup_place_at(place, dir, mounts->m[i].hierarchy))
			return true;
	}
	return false;
}

/* Slashes at the end are no part of a name; links are those that systems have for v1: cpu for
 * cpu,cpuacct. */
static void resolve(char *out, const char *root, const char *what)
{
	char full[PATH_MAX], *real = NULL;
	size_t len;

	if (*what == '/' && snprintf(full, sizeof(full), "%s%s", root, what) < PATH_MAX)
		real = realpath(full, NULL);
	snprintf(out, PATH_MAX, "%s",
		 real && strlen(real) > strlen(root) ? real + strlen(root) : what);
	free(real);
	for (len = strlen(out); len > 1 && out[len - 1] == '/'; len--)
		out[len - 1] = 0;
}

static int refuse(const char *root, const struct cgroup_mounts *mounts, const char *what,
		  const char *path, struct strbuf *why)
{
	char full[PATH_MAX];
	struct stat st;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= PATH_MAX || *path != '/' ||
	    stat(full, &st))
		strbuf_set_f(why, "--cgroup %s: no such control group in ", what);
	else if (mount_of(mounts, path))
		strbuf_set_f(why, "--cgroup %s: a file of a control group; give its directory, in ",
			     what);
	else
		strbuf_set_f(why, "--cgroup %s: not a control group; they are in ", what);
	cgroup_say_mounts(why, mounts);
	return -ENOENT;
}

static int find_path(struct cgroup_place *place, const char *root,
		     const struct cgroup_mounts *mounts, const char *what, struct strbuf *why)
{
	const struct cgroup_mount *in;
	char path[PATH_MAX], dir[PATH_MAX];

	resolve(path, root, what);
	in = *path == '/' ? mount_of(mounts, path) : NULL;
	if (in && snprintf(dir, sizeof(dir), "%s%s", root, path) < PATH_MAX &&
	    cgroup_place_at(place, dir, in->hierarchy))
		return 0;
	return find_name(place, root, mounts, path) ? 0 : refuse(root, mounts, what, path, why);
}

int cgroup_find(struct cgroup_place *place, const char *root, const char *what, struct strbuf *why)
{
	struct cgroup_mounts mounts;
	uint64_t id;
	int err;

	cgroup_mounts_read(&mounts, root);
	if (!mounts.cnt) {
		strbuf_set_f(why, "--cgroup %s: no control groups are mounted here", what);
		err = -ENOENT;
	} else if (!parse_u64(what, &id)) {
		err = find_id(place, root, &mounts, id, why);
	} else {
		err = find_path(place, root, &mounts, what, why);
	}
	cgroup_mounts_free(&mounts);
	return err;
}
