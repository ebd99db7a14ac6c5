// SPDX-License-Identifier: BSD-2-Clause
/* See scope.h. */
#include "capture/scope.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bpf/event.h"
#include "capture/container.h"
#include "capture/glob.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

/* ---- names ---- */

static int add_glob(struct scope *s, const char *option, const char *pattern, bool exclude,
		    struct strbuf *why)
{
	struct ct_glob *g = &s->glob[s->nglob];

	if (s->nglob == CT_GLOBS_MAX) {
		strbuf_set_f(why, "--%s %s: more than %u names; give fewer, with * in them", option,
			     pattern, CT_GLOBS_MAX);
		return -EINVAL;
	}
	if (glob_compile(g, pattern)) {
		strbuf_set_f(
			why,
			"--%s %s: no process has such a name: they have %u bytes at most; write '%.*s*'",
			option, pattern, EV_COMM_LEN - 1, EV_COMM_LEN - 1, pattern);
		return -EINVAL;
	}
	g->exclude = exclude;
	s->rule |= exclude ? CT_RULE_EXCLUDE : CT_RULE_COMM;
	s->nglob++;
	return 0;
}

static int bar(struct scope *s, uint64_t pid, struct strbuf *why)
{
	struct proc_info st;

	if (s->nbarred == CT_BARRED_MAX) {
		strbuf_set_f(why, "--exclude %llu: more than %u processes; exclude them by name",
			     (unsigned long long)pid, CT_BARRED_MAX);
		return -EINVAL;
	}
	if (pid > UINT32_MAX || procfs_status((uint32_t)pid, &st)) {
		strbuf_set_f(why, "--exclude %llu: no process with this pid",
			     (unsigned long long)pid);
		return -ENOENT;
	}
	s->barred[s->nbarred++] = st.tgid;
	s->rule |= CT_RULE_EXCLUDE;
	return 0;
}

static int add_names(struct scope *s, const struct scope_wishes *w, struct strbuf *why)
{
	uint64_t pid;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < w->ncomm; i++)
		err = add_glob(s, "comm", w->comm[i], false, why);
	for (i = 0; !err && i < w->nexclude; i++)
		err = parse_u64(w->exclude[i], &pid) ?
			      add_glob(s, "exclude", w->exclude[i], true, why) :
			      bar(s, pid, why);
	return err;
}

/* ---- users ---- */

static int add_user(struct scope *s, const char *name, struct strbuf *why)
{
	struct passwd pw, *found;
	char room[4096];
	uint64_t uid;

	if (s->nuid == CT_UIDS_MAX) {
		strbuf_set_f(why, "--uid %s: more than %u users; record all and exclude by name",
			     name, CT_UIDS_MAX);
		return -EINVAL;
	}
	if (!*name) {
		strbuf_set_f(why, "--uid: there is no user beside a comma; give names or numbers");
		return -EINVAL;
	}
	if (parse_u64(name, &uid)) {
		if (getpwnam_r(name, &pw, room, sizeof(room), &found) || !found) {
			strbuf_set_f(why, "--uid %s: no user has this name; give one, or a number",
				     name);
			return -ENOENT;
		}
		uid = pw.pw_uid;
	}
	if (uid >= UINT32_MAX) { /* that one means "no change" */
		strbuf_set_f(why, "--uid %s: users have smaller numbers", name);
		return -EINVAL;
	}
	s->uid[s->nuid++] = (uint32_t)uid;
	s->rule |= CT_RULE_UID;
	return 0;
}

/* Each may be a list. */
static int add_users(struct scope *s, const struct scope_wishes *w, struct strbuf *why)
{
	char *list, *at, *one;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < w->nuid; i++) {
		at = list = xstrdup(w->uid[i]);
		while (!err && (one = strsep(&at, ",")))
			err = add_user(s, one, why);
		free(list);
	}
	return err;
}

/* ---- all together ---- */

int scope_resolve(struct scope *s, const struct scope_wishes *w, struct strbuf *why)
{
	int err = 0;

	*s = (struct scope){
		.glob = xcalloc(CT_GLOBS_MAX, sizeof(*s->glob)),
		.kernel_threads = w->kernel_threads,
		.percent = w->percent,
	};
	if (w->cgroup)
		err = cgroup_find(&s->cgroup, "", w->cgroup, why);
	else if (w->container)
		err = container_find(&s->cgroup, "", w->container, why);
	if (!err)
		err = add_names(s, w, why);
	if (!err)
		err = add_users(s, w, why);
	if (w->cgroup || w->container)
		s->rule |= CT_RULE_CGROUP;
	if (w->percent && w->percent < 100)
		s->rule |= CT_RULE_SAMPLE;
	if (s->rule)
		s->rule |= CT_RULE_ON;
	return err;
}

void scope_free(struct scope *s)
{
	free(s->glob);
	s->glob = NULL;
}

/* A group that comes later under the same name is another. */
bool scope_vanished(const struct scope *s)
{
	struct stat st;

	if (!(s->rule & CT_RULE_CGROUP))
		return false;
	if (stat(s->cgroup.dir, &st))
		return errno == ENOENT || errno == ENODEV;
	return st.st_ino != s->cgroup.id;
}
