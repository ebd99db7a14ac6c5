// SPDX-License-Identifier: BSD-2-Clause
/*
 * See outdir.h. What is there is looked at before it is opened, by a descriptor that reads and
 * writes nothing (O_PATH): no FIFO or device is touched. What is opened then has to be the same
 * file, which cannot become another one while we hold it.
 */
#include "rights/outdir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rights/caller.h"
#include "util/invoker.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct outdir {
	int fd; /* O_PATH */
	char *path;
};

struct outdir *outdir__new(const char *path, struct strbuf *why)
{
	struct outdir *d = xcalloc(1, sizeof(*d));
	int err;

	d->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	d->path = d->fd < 0 ? NULL : realpath(path, NULL);
	if (d->path)
		return d;
	err = errno;
	strbuf_set_f(why, "--output-dir=%s: %s", path, strerror(err));
	outdir__free(d);
	errno = err;
	return NULL;
}

void outdir__free(struct outdir *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	free(d->path);
	free(d);
}

const char *outdir__path(const struct outdir *d)
{
	return d->path;
}

/* ---- refusals, in Go's words ---- */

/* "open NAME: permission denied", and more where it needs to be said. */
__attribute__((format(printf, 4, 5))) static int refuse(int err, const char *name,
							struct strbuf *why, const char *fmt, ...)
{
	const char *words = strerror(-err);
	va_list ap;

	strbuf_set_f(why, "open %s: %c%s", name, tolower((unsigned char)words[0]), words + 1);
	va_start(ap, fmt);
	strbuf_addv(why, fmt, ap);
	va_end(ap);
	return err;
}

static int refuse_outside(const struct outdir *d, const char *name, struct strbuf *why)
{
	return refuse(-EACCES, name, why, ": files are written beneath %s and nowhere else",
		      d->path);
}

/* ---- names ---- */

/* A name in two parts. */
struct place {
	char dir[PATH_MAX]; /* beneath the directory; "" is that itself */
	const char *base;
	bool mine; /* in the directory itself: by our rights */
};

static bool goes_up(const char *path)
{
	size_t len;

	for (;; path += len + 1) {
		len = strcspn(path, "/");
		if (len == 2 && !memcmp(path, "..", 2))
			return true;
		if (!path[len])
			return false;
	}
}

static bool has_control(const char *name)
{
	for (; *name; name++)
		if (iscntrl((unsigned char)*name))
			return true;
	return false;
}

/* What follows the directory's own path; NULL: it is elsewhere. */
static const char *strip(const struct outdir *d, const char *name)
{
	size_t len = strlen(d->path);

	if (name[0] != '/')
		return name;
	if (len == 1) /* / itself */
		return name + strspn(name, "/");
	if (strncmp(name, d->path, len) || name[len] != '/')
		return NULL;
	return name + len + strspn(name + len, "/");
}

static int find_place(const struct outdir *d, const char *name, struct place *p, struct strbuf *why)
{
	const char *rest = strip(d, name), *slash;

	p->dir[0] = 0;
	p->base = "";
	p->mine = true;
	if (!*name)
		return refuse(-ENOENT, name, why, "%s", "");
	if (has_control(name))
		return refuse(-EINVAL, "that file", why,
			      ": there are control characters in its name");
	if (!strncmp(name, "~/", 2) || !strncmp(name, "~\\", 2) || !rest || goes_up(rest))
		return refuse_outside(d, name, why);
	while (!strncmp(rest, "./", 2))
		rest += 2 + strspn(rest + 2, "/");
	slash = strrchr(rest, '/');
	p->base = slash ? slash + 1 : rest;
	if (!*p->base || !strcmp(p->base, "."))
		return refuse(-EISDIR, name, why, "%s", "");
	if (strlen(rest) >= sizeof(p->dir))
		return refuse(-ENAMETOOLONG, name, why, "%s", "");
	snprintf(p->dir, sizeof(p->dir), "%.*s", slash ? (int)(slash - rest) : 0, rest);
	p->mine = !slash;
	return 0;
}

static int open_beneath(int dir, const char *path, uint64_t flags, mode_t mode)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.mode = mode,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The directory of a place, by the rights of who runs. */
static int open_dir(const struct outdir *d, const struct place *p)
{
	return p->mine ? fcntl(d->fd, F_DUPFD_CLOEXEC, 0) :
			 open_beneath(d->fd, p->dir, O_PATH | O_DIRECTORY, 0);
}

/* ---- files ---- */

/* By the caller's rights, unless it is he who runs. */
static int create(const struct outdir *d, const struct place *p, const struct caller *c)
{
	struct invoker who = { .other = !p->mine && !geteuid() && c->uid != 0,
			       .uid = c->uid,
			       .gid = c->gid };
	int fd = invoker_enter(&who), dir;

	if (!fd) {
		fd = dir = open_dir(d, p);
		if (dir >= 0) {
			fd = open_beneath(dir, p->base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
					  0600);
			close(dir);
		}
	}
	invoker_leave(&who);
	return fd;
}

/* Just made: the caller's, and nobody else's, whatever the directory passes on. */
static int give(int fd, const struct caller *c)
{
	if (!geteuid() && fchown(fd, c->uid, c->gid))
		return -errno;
	return fchmod(fd, 0600) ? -errno : 0;
}

/* What is there already: the caller's own, regular, of one name. */
static int check_file(const struct stat *st, const char *name, const struct caller *c,
		      struct strbuf *why)
{
	if (S_ISDIR(st->st_mode))
		return refuse(-EISDIR, name, why, "%s", "");
	if (S_ISLNK(st->st_mode))
		return refuse(-ELOOP, name, why, ": no symbolic link is followed");
	if (!S_ISREG(st->st_mode))
		return refuse(-EACCES, name, why, ": it is no regular file");
	if (st->st_uid != (geteuid() ? geteuid() : c->uid))
		return refuse(-EACCES, name, why, ": it belongs to somebody else");
	if (st->st_nlink != 1)
		return refuse(-EACCES, name, why, ": it has another name, too");
	return 0;
}

/* For writing, if it is that file yet. Nothing waits for the other end of a FIFO. */
static int open_same(int dir, const char *base, const struct stat *st)
{
	int fd = open_beneath(dir, base, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	struct stat is;

	if (fd < 0 || (!fstat(fd, &is) && is.st_dev == st->st_dev && is.st_ino == st->st_ino &&
		       is.st_nlink == 1))
		return fd;
	close(fd);
	return -EACCES;
}

static int open_there(const struct outdir *d, const struct place *p, const char *name,
		      const struct caller *c, struct strbuf *why)
{
	int dir = open_dir(d, p), fd, again;
	struct stat st;

	if (dir < 0)
		return refuse(dir, name, why, "%s", "");
	fd = open_beneath(dir, p->base, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st)) {
		again = refuse(fd < 0 ? fd : -errno, name, why, "%s", "");
	} else {
		again = check_file(&st, name, c, why);
		if (!again) {
			again = open_same(dir, p->base, &st);
			if (again < 0)
				refuse(again, name, why, "%s", "");
		}
	}
	if (fd >= 0)
		close(fd);
	close(dir);
	return again;
}

static int note(int fd, struct outdir_file *f)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	f->fd = fd;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return 0;
}

int outdir__open(struct outdir *d, const char *name, const struct caller *c, struct outdir_file *f,
		 struct strbuf *why)
{
	struct place p;
	int fd, err = find_place(d, name, &p, why);

	*f = (struct outdir_file){ .fd = -1 };
	if (err)
		return err;
	fd = create(d, &p, c);
	if (fd == -EEXIST) {
		fd = open_there(d, &p, name, c, why);
		if (fd < 0)
			return fd;
	} else if (fd == -ELOOP || fd == -EXDEV) {
		return refuse(-ELOOP, name, why, ": no symbolic link is followed");
	} else if (fd < 0) {
		return refuse(fd, name, why, "%s", "");
	} else {
		f->created = true;
	}
	err = note(fd, f);
	if (!err && f->created)
		err = give(fd, c);
	if (!err)
		return 0;
	if (f->created)
		outdir__undo(d, name, f);
	close(fd);
	f->fd = -1;
	return refuse(err, name, why, "%s", "");
}

/* Its directory, when its name is still that file's; else -1. */
static int find_again(const struct outdir *d, const char *name, const struct outdir_file *f,
		      struct place *p, struct stat *st)
{
	struct strbuf why = STRBUF_INIT;
	int dir = find_place(d, name, p, &why);

	strbuf_free(&why);
	if (!dir)
		dir = open_dir(d, p);
	if (dir < 0)
		return -1;
	if (!fstatat(dir, p->base, st, AT_SYMLINK_NOFOLLOW) && st->st_dev == f->dev &&
	    st->st_ino == f->ino)
		return dir;
	close(dir);
	return -1;
}

void outdir__undo(struct outdir *d, const char *name, const struct outdir_file *f)
{
	struct place p;
	struct stat st;
	int dir;

	if (!f->created)
		return;
	dir = find_again(d, name, f, &p, &st);
	if (dir < 0)
		return;
	if (!st.st_size)
		unlinkat(dir, p.base, 0);
	close(dir);
}

int outdir__bytes(const struct outdir *d, const char *name, const struct outdir_file *f,
		  uint64_t *bytes)
{
	struct place p;
	struct stat st;
	int dir = find_again(d, name, f, &p, &st);

	if (dir < 0)
		return -ENOENT;
	close(dir);
	*bytes = (uint64_t)st.st_size;
	return 0;
}
