// SPDX-License-Identifier: BSD-2-Clause
/* See gopsfile.h. */
#include "gops/gopsfile.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rights/errand.h"
#include "util/env.h"
#include "util/fileio.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define PATIENCE 2 /* seconds for a home that does not answer */

struct gopsfile {
	struct strbuf dir, path;
	char name[16], port[16];
	uid_t uid; /* as whom it is written */
	gid_t gid;
};

/* ---- where ---- */

static const char *env_path(const char *name)
{
	const char *s = secure_getenv(name);

	return s && *s == '/' ? s : NULL;
}

/* Our own environment speaks for us alone. */
static void owners_dir(struct gopsfile *f)
{
	const char *config = f->uid == geteuid() ? env_path(ENV_XDG_CONFIG) : NULL;
	const char *home = f->uid == geteuid() ? env_path(ENV_HOME) : NULL;
	const struct passwd *pw = getpwuid(f->uid);

	if (!home && pw && *pw->pw_dir == '/')
		home = pw->pw_dir;
	if (config)
		strbuf_set_f(&f->dir, "%s/gops", config);
	else if (home)
		strbuf_set_f(&f->dir, "%s/.config/gops", home);
}

static int find_place(struct gopsfile *f, pid_t pid, struct strbuf *why)
{
	const char *dir = env_path(ENV_GOPS_CONFIG_DIR);
	const struct passwd *pw;
	uint32_t uid;
	int err = procfs_uid((uint32_t)pid, &uid);

	if (err) {
		strbuf_set_f(why, "no process with pid %d", pid);
		return -ESRCH;
	}
	f->uid = uid;
	pw = getpwuid(uid);
	f->gid = pw ? pw->pw_gid : (gid_t)-1;
	if (dir) {
		strbuf_set_f(&f->dir, "%s", dir);
		f->uid = ERRAND_US;
	} else if (pw || uid == geteuid()) {
		owners_dir(f);
	}
	if (!f->dir.len) {
		strbuf_set_f(
			why,
			"the owner of process %d, user %u, has no home where gops would look; set "
			"%s, for gops too",
			pid, uid, ENV_GOPS_CONFIG_DIR);
		return -ENOENT;
	}
	strbuf_set_f(&f->path, "%s/%s", f->dir.buf, f->name);
	return 0;
}

/* ---- as the owner, in a process of its own ---- */

static int make_dirs(const char *path)
{
	char *dir = xstrdup(path), *at = dir;
	int err = 0;

	while (!err && at) {
		at = strchr(at + 1, '/');
		if (at)
			*at = 0;
		/* configuration is one's own; what gops has in it is for all to read */
		if (mkdir(dir, at ? 0700 : 0755) && errno != EEXIST)
			err = -errno;
		if (at)
			*at = '/';
	}
	free(dir);
	return err;
}

/* What is in a port file; -EINVAL where that is none. */
static int read_port(int dir, const char *name, char *text, size_t sz)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	uint64_t port;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = !fstat(fd, &st) && S_ISREG(st.st_mode) ? read(fd, text, sz - 1) : -1;
	close(fd);
	if (n < 0)
		return -EINVAL;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return parse_u64(text, &port) || !port || port > UINT16_MAX ? -EINVAL : (int)port;
}

/* Asked of the kernel: an agent that is called and told nothing complains. */
static bool listened_on(const char *table, unsigned port)
{
	FILE *in = fopen(table, "re");
	unsigned local, state;
	bool found = false;
	char line[256];

	while (in && !found && fgets(line, sizeof(line), in))
		found = sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 &&
			local == port && state == TCP_LISTEN;
	if (in)
		fclose(in);
	return found;
}

/* What an agent that was killed has left is nobody's. */
static int clear_place(int dir, const char *name)
{
	char text[16];
	int port = read_port(dir, name, text, sizeof(text));

	if (port == -ENOENT)
		return 0;
	if (port < 0 || listened_on("/proc/net/tcp", (unsigned)port) ||
	    listened_on("/proc/net/tcp6", (unsigned)port))
		return -EEXIST;
	return unlinkat(dir, name, 0) ? -errno : 0;
}

static int write_file(void *ctx, int unused)
{
	struct gopsfile *f = ctx;
	int dir, fd, err = make_dirs(f->dir.buf);

	(void)unused;
	dir = err ? -1 : open(f->dir.buf, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err ? err : -errno;
	err = clear_place(dir, f->name);
	if (err)
		return err;
	fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	fchmod(fd, 0644);
	err = write_all(fd, f->port, strlen(f->port));
	if (err)
		unlinkat(dir, f->name, 0);
	return err;
}

static int remove_file(void *ctx, int unused)
{
	const struct gopsfile *f = ctx;
	int dir = open(f->dir.buf, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[16];

	(void)unused;
	if (dir < 0)
		return -errno;
	if (read_port(dir, f->name, text, sizeof(text)) < 0 || strcmp(text, f->port))
		return -EEXIST; /* another's by now */
	return unlinkat(dir, f->name, 0) ? -errno : 0;
}

/* ---- the object ---- */

static void forget(struct gopsfile *f)
{
	strbuf_free(&f->dir);
	strbuf_free(&f->path);
	free(f);
}

struct gopsfile *gopsfile__new(pid_t pid, uint16_t port, struct strbuf *why)
{
	struct gopsfile *f = xcalloc(1, sizeof(*f));
	int err;

	f->dir = f->path = STRBUF_INIT;
	snprintf(f->name, sizeof(f->name), "%d", pid);
	snprintf(f->port, sizeof(f->port), "%u", port);
	err = find_place(f, pid, why);
	if (err)
		goto fail;
	err = errand_do(f->uid, f->gid, PATIENCE, write_file, f);
	if (err == -EEXIST)
		strbuf_set_f(why, "process %d has an agent of gops already: %s", pid, f->path.buf);
	else if (err == -ETIMEDOUT)
		strbuf_set_f(why, "%s does not answer", f->dir.buf);
	else if (err)
		strbuf_set_f(why, "cannot write %s: %s", f->path.buf, strerror(-err));
	if (!err)
		return f;
fail:
	forget(f);
	errno = -err;
	return NULL;
}

void gopsfile__free(struct gopsfile *f)
{
	if (!f)
		return;
	errand_do(f->uid, f->gid, PATIENCE, remove_file, f);
	forget(f);
}

const char *gopsfile__path(const struct gopsfile *f)
{
	return f->path.buf;
}
