// SPDX-License-Identifier: BSD-2-Clause
/* See invoker.h. Mutable globals: the groups meanwhile, and who was set. */
#include "util/invoker.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/env.h"
#include "util/parse.h"

#define GROUPS_MAX 256

static gid_t own_groups[GROUPS_MAX];
static int own_ngroups;

static struct invoker given;
static bool is_given;

void invoker_set(uid_t uid, gid_t gid)
{
	given = (struct invoker){ .uid = uid, .gid = gid };
	is_given = true;
}

static bool id_of(const char *env, uint32_t *id)
{
	const char *s = secure_getenv(env);
	uint64_t v;

	if (!s || parse_u64(s, &v) || v >= UINT32_MAX)
		return false;
	*id = (uint32_t)v;
	return true;
}

struct invoker invoker_get(void)
{
	struct invoker who = { .uid = geteuid(), .gid = getegid() };

	if (!who.uid && is_given) {
		who = given;
		who.other = who.uid != 0;
		return who;
	}
	if (!who.uid && id_of(ENV_SUDO_UID, &who.uid) && id_of(ENV_SUDO_GID, &who.gid))
		who.other = who.uid != 0;
	else
		who = (struct invoker){ .uid = geteuid(), .gid = getegid() };
	return who;
}

/* glibc's setgroups() changes all threads; the kernel's changes this one */
static int set_groups(int n, const gid_t *groups)
{
	return syscall(SYS_setgroups, n, groups) ? -errno : 0;
}

int invoker_enter(const struct invoker *who)
{
	gid_t groups[GROUPS_MAX];
	struct passwd *pw;
	int n = GROUPS_MAX, err;

	if (!who->other)
		return 0;
	own_ngroups = getgroups(GROUPS_MAX, own_groups);
	pw = getpwuid(who->uid);
	if (!pw || getgrouplist(pw->pw_name, who->gid, groups, &n) < 0) {
		groups[0] = who->gid;
		n = 1;
	}
	err = set_groups(n, groups);
	setfsgid(who->gid);
	setfsuid(who->uid); /* drops the capabilities that override file permissions */
	/* these two tell what was before, and nothing of an error */
	if (!err &&
	    ((gid_t)setfsgid(who->gid) != who->gid || (uid_t)setfsuid(who->uid) != who->uid))
		err = -EPERM;
	return err;
}

void invoker_leave(const struct invoker *who)
{
	if (!who->other)
		return;
	setfsuid(geteuid());
	setfsgid(getegid());
	if (own_ngroups >= 0)
		set_groups(own_ngroups, own_groups);
}

int invoker_become(const struct invoker *who)
{
	struct passwd *pw = getpwuid(who->uid);
	int err = pw ? initgroups(pw->pw_name, who->gid) : setgroups(1, &who->gid);

	if (err || setresgid(who->gid, who->gid, who->gid) ||
	    setresuid(who->uid, who->uid, who->uid))
		return -errno;
	return 0;
}

static void set_home(const struct passwd *pw)
{
	setenv("HOME", pw->pw_dir, 1);
	setenv("SHELL", pw->pw_shell[0] ? pw->pw_shell : "/bin/sh", 1);
	setenv("USER", pw->pw_name, 1);
	setenv("LOGNAME", pw->pw_name, 1);
}

/* All that it has set, or who asks whether sudo runs it would be told so. */
static void unset_sudo(void)
{
	char **from = environ, **to = environ;

	for (; *from; from++)
		if (strncmp(*from, ENV_SUDO, strlen(ENV_SUDO)) != 0)
			*to++ = *from;
	*to = NULL;
}

/* sudo gave us root's rights and root's home; the command has those of the user before it. */
static int leave_sudo(const struct invoker *who)
{
	int err = invoker_become(who);
	const struct passwd *pw;

	if (err)
		return err;
	pw = getpwuid(who->uid);
	if (pw)
		set_home(pw);
	unsetenv("MAIL"); /* root's */
	unset_sudo();
	return 0;
}

int invoker_become_at_home(void)
{
	struct invoker who = invoker_get();

	if (who.other)
		return leave_sudo(&who);
	who = (struct invoker){ .uid = getuid(), .gid = getgid() };
	if (setresgid(who.gid, who.gid, who.gid) || setresuid(who.uid, who.uid, who.uid))
		return -errno;
	return 0;
}

int invoker_do(invoker_fn fn, void *ctx)
{
	struct invoker who = invoker_get();
	int ret = invoker_enter(&who);

	if (!ret)
		ret = fn(ctx, &who);
	invoker_leave(&who);
	return ret;
}

struct open_args {
	const char *path;
	int flags, fd;
};

static int do_open(void *ctx, const struct invoker *who)
{
	struct open_args *a = ctx;

	(void)who;
	a->fd = open(a->path, a->flags);
	return a->fd < 0 ? -errno : 0;
}

int invoker_open(const char *path, int flags)
{
	struct open_args a = { path, flags, -1 };

	errno = -invoker_do(do_open, &a);
	return a.fd;
}
