// SPDX-License-Identifier: BSD-2-Clause
/* See outfile.h. */
#include "output/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "output/claim.h"
#include "output/trailname.h"
#include "util/fileio.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "output"

struct outfile {
	char *path;
	int fd;
	bool seekable; /* a regular file: can be cut back */
	bool nameless; /* gets its name with the first write */
	bool created;  /* by us, with its name: not left behind empty */
	int claim;     /* on its name while it has none; -1: none */
	bool fresh;    /* nobody else's file will do */
	bool lent;     /* to another process, which does not name it */
	uint64_t bytes;
};

#define WRITABLE (O_CLOEXEC | O_NOCTTY | O_NONBLOCK) /* and not waiting for who reads a FIFO */
#define STREAM_BUF (1u << 20)

/* ---- opening ---- */

#define LINKS_MAX 40
#define FOREIGN_LINK EMLINK /* which open(2) never gives */

/* The directory of a path from `dir` on, as a descriptor of its own, and the name in it. */
static int open_parent(int dir, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	char *name = xstrdup(slash ? path : ".");
	int fd;

	if (slash)
		name[slash - path + 1] = 0;
	*base = slash ? slash + 1 : path;
	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(name);
	return fd;
}

static bool is_on_proc(int fd)
{
	struct statfs st;

	return !fstatfs(fd, &st) && st.f_type == PROC_SUPER_MAGIC;
}

/*
 * A symbolic link leads where its maker wants: only the invoker's own and root's are followed. It
 * is held while its owner is looked at, and where it leads is read from what is held. False with
 * errno.
 */
static bool read_link(int dir, const char *name, const struct invoker *who, char *to)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;
	ssize_t n = -1;
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st))
		err = errno;
	else if (S_ISLNK(st.st_mode) && st.st_uid != who->uid && st.st_uid)
		err = FOREIGN_LINK;
	else
		n = readlinkat(fd, "", to, PATH_MAX);
	if (!err && n < 0)
		err = errno == ENOENT ? EAGAIN : errno; /* it is no link any more */
	else if (!err && n == PATH_MAX)
		err = ENAMETOOLONG;
	else if (!err)
		to[n] = 0;
	close(fd);
	errno = err;
	return !err;
}

/* -1 with errno. Links at the end of the path are followed one by one. */
static int open_existing(const char *path, int mode, const struct invoker *who)
{
	char to[2][PATH_MAX + 1] = { "", "" }; /* in turn: `name` is in the last one */
	const char *name = "", *from = path;
	int dir = AT_FDCWD, next, fd = -1, err = *path ? ELOOP : ENOENT, i;

	for (i = 0; i < LINKS_MAX && err == ELOOP; i++) {
		next = open_parent(dir, from, &name);
		err = next < 0 ? errno : 0;
		if (dir >= 0)
			close(dir);
		dir = next;
		if (err)
			break;
		if (!*name)
			name = "."; /* a directory, which nobody can write */
		fd = openat(dir, name, mode | WRITABLE | O_NOFOLLOW);
		err = fd < 0 ? errno : 0;
		if (err != ELOOP)
			break;
		if (!read_link(dir, name, who, to[i % 2])) {
			err = errno;
		} else if (is_on_proc(dir)) {
			/* it leads to an open file, not to a path; and nobody else can change it */
			fd = openat(dir, name, mode | WRITABLE);
			err = fd < 0 ? errno : 0;
		}
		from = to[i % 2];
	}
	if (dir >= 0)
		close(dir);
	errno = err;
	return fd;
}

/* The way to a file that has no name; needs /proc. */
static const char *proc_path(char *buf, size_t sz, int fd)
{
	snprintf(buf, sz, "/proc/self/fd/%d", fd);
	return buf;
}

/* A new file without a name. Some file systems do not have that, and who knows no /proc. */
static int open_nameless(const char *path)
{
	const char *base;
	char proc[40];
	struct stat st;
	int dir, fd = -1;

	dir = open_parent(AT_FDCWD, path, &base);
	if (dir < 0)
		return -1;
	if (*base && fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW)) /* else a link to nowhere */
		fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	close(dir);
	if (fd >= 0 && lstat(proc_path(proc, sizeof(proc), fd), &st)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What privileges_drop() leaves of root are its ids: capabilities do not count from here to the
 * other function, for this thread. False: they still do. */
static bool put_off_caps(cap_t *held)
{
	cap_t none = cap_get_proc();
	bool done;

	*held = cap_get_proc();
	done = *held && none && !cap_clear_flag(none, CAP_EFFECTIVE) && !cap_set_proc(none);
	cap_free(none);
	if (!done)
		cap_free(*held);
	return done;
}

static bool put_on_caps(cap_t held)
{
	bool done = !cap_set_proc(held);

	cap_free(held);
	return done;
}

/* The file gets its name after privileges_drop(), so it must be one that the ids alone may make. */
static int open_nameless_by_ids(const char *path)
{
	cap_t held;
	int fd = -1;

	if (put_off_caps(&held)) {
		fd = open_nameless(path);
		if (!put_on_caps(held) && fd >= 0) {
			close(fd);
			fd = -1;
		}
	}
	return fd;
}

static int open_to_write(void *ctx, const struct invoker *who)
{
	struct outfile *f = ctx;

	if (!f->fresh) {
		f->fd = open_existing(f->path, O_WRONLY, who);
		if (f->fd >= 0 || errno != ENOENT)
			return f->fd < 0 ? -errno : 0;
	}
	if (!f->lent)
		f->fd = open_nameless_by_ids(f->path);
	f->nameless = f->fd >= 0;
	if (f->fd < 0) {
		f->fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		f->created = f->fd >= 0;
	}
	if (f->fd < 0 && errno == EEXIST && !f->fresh) /* a link to nowhere, or just made */
		f->fd = open_existing(f->path, O_WRONLY, who);
	return f->fd < 0 ? -errno : 0;
}

static void close_claim(struct outfile *f)
{
	if (f->claim >= 0)
		close(f->claim);
	f->claim = -1;
}

static void explain_open(const char *path, int err, struct strbuf *why)
{
	struct invoker who = invoker_get();

	if (err == -FOREIGN_LINK)
		strbuf_set_f(why, "%s is a symbolic link of somebody else's; name the file itself",
			     path);
	else if (err == -ENXIO)
		strbuf_set_f(why, "cannot write %s: nobody reads that FIFO", path);
	else if (who.other && err == -EACCES)
		strbuf_set_f(why, "cannot write %s as user %u, who called sudo: %s", path, who.uid,
			     strerror(-err));
	else
		strbuf_set_f(why, "cannot write %s: %s", path, strerror(-err));
}

/* False when a recorder is writing it; a file system without locks is fine. */
static bool lock(int fd)
{
	return !flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK;
}

/* 0 or -errno, as the next. */
static int open_file(struct outfile *f, struct strbuf *why)
{
	int err = invoker_do(open_to_write, f);
	struct stat st;

	if (err) {
		explain_open(f->path, err, why);
		return err;
	}
	fcntl(f->fd, F_SETFL, fcntl(f->fd, F_GETFL) & ~O_NONBLOCK);
	if (fstat(f->fd, &st)) {
		err = -errno;
		strbuf_set_f(why, "cannot write %s: %s", f->path, strerror(-err));
		return err;
	}
	f->seekable = S_ISREG(st.st_mode);
	if (f->nameless)
		f->claim = claim_name(CLAIM_FILE, f->path);
	if (f->claim == -EWOULDBLOCK || (f->seekable && !lock(f->fd))) {
		f->created = false;
		strbuf_set_f(why, "%s is being written by another recorder; choose another file",
			     f->path);
		return -EWOULDBLOCK;
	}
	return 0;
}

static int open_stdout(struct outfile *f, struct strbuf *why)
{
	int mode = fcntl(STDOUT_FILENO, F_GETFL);

	if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY)
		strbuf_set_f(why, "standard output is closed: open it, or give -o FILE");
	else if (isatty(STDOUT_FILENO))
		strbuf_set_f(why,
			     "a trace is not for a terminal: redirect stdout, or give -o FILE");
	else
		f->fd = STDOUT_FILENO;
	return f->fd < 0 ? -EBADF : 0;
}

static int open_to_mend(void *ctx, const struct invoker *who)
{
	int fd = open_existing(ctx, O_RDWR, who);

	return fd < 0 ? -errno : fd;
}

int outfile_open_in_place(const char *path, struct strbuf *why)
{
	int fd = invoker_do(open_to_mend, (void *)path);

	if (fd < 0) {
		explain_open(path, fd, why);
		return fd;
	}
	if (lock(fd))
		return fd;
	close(fd);
	strbuf_set_f(why, "%s is being written by a recorder; stop that one first", path);
	return -EWOULDBLOCK;
}

static struct outfile *open_path(const char *path, bool fresh, bool lent, struct strbuf *why)
{
	struct outfile *f = xcalloc(1, sizeof(*f));
	int err;

	f->path = xstrdup(path);
	f->fd = -1;
	f->claim = -1;
	f->fresh = fresh;
	f->lent = lent;
	err = fresh || strcmp(path, "-") ? open_file(f, why) : open_stdout(f, why);
	if (!err)
		return f;
	outfile__close(f);
	errno = -err;
	return NULL;
}

struct outfile *outfile__open(const char *path, struct strbuf *why)
{
	return open_path(path, false, false, why);
}

struct outfile *outfile__open_to_lend(const char *path, struct strbuf *why)
{
	return open_path(path, false, true, why);
}

void outfile__take_back(struct outfile *f)
{
	struct stat st;

	if (f->seekable && !fstat(f->fd, &st))
		f->bytes = (uint64_t)st.st_size;
}

struct outfile *outfile__create(const char *path, struct strbuf *why)
{
	return open_path(path, true, false, why);
}

static bool takes_bytes(int fd, const char *name, const struct stat *st, struct strbuf *why)
{
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY || mode & O_PATH)
		strbuf_set_f(why, "cannot write %s: it is not open for writing", name);
	else if (isatty(fd))
		strbuf_set_f(why, "a trace is not for a terminal: give a file, a pipe or a socket");
	else if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode) && !S_ISSOCK(st->st_mode) &&
		 !S_ISCHR(st->st_mode))
		strbuf_set_f(why, "cannot write %s: it is no file, pipe or socket", name);
	else
		return true;
	return false;
}

struct outfile *outfile__adopt(int fd, const char *name, struct strbuf *why)
{
	struct outfile *f = xcalloc(1, sizeof(*f));
	struct stat st;
	int err = 0;

	f->path = xstrdup(name);
	f->fd = fd;
	f->claim = -1;
	if (fstat(fd, &st)) {
		err = errno;
		strbuf_set_f(why, "cannot write %s: %s", name, strerror(err));
	} else if (!takes_bytes(fd, name, &st, why)) {
		err = EBADF;
	} else if (S_ISREG(st.st_mode) && !lock(fd)) {
		err = EWOULDBLOCK;
		strbuf_set_f(why, "%s is being written by another recorder; choose another file",
			     name);
	}
	f->seekable = !err && S_ISREG(st.st_mode) && strcmp(name, "-");
	if (!err)
		return f;
	outfile__close(f);
	errno = err;
	return NULL;
}

/* ---- more files ---- */

#define NO_PATTERN ENOTBLK /* which neither of the calls below gives */

static bool is_too_long(int dir, size_t len)
{
	long max = fpathconf(dir, _PC_NAME_MAX);

	return max > 0 && len > (size_t)max;
}

static int may_make(void *ctx, const struct invoker *who)
{
	const char *path = ctx, *base;
	int dir = open_parent(AT_FDCWD, path, &base), err = 0;
	struct stat st;
	cap_t held;

	(void)who;
	if (dir < 0)
		return -errno;
	if (!*base || (!fstatat(dir, base, &st, 0) && !S_ISREG(st.st_mode)))
		err = -NO_PATTERN;
	else if (is_too_long(dir, strlen(base) + TRAILNAME_ADDS))
		err = -ENAMETOOLONG;
	else if (!put_off_caps(&held))
		err = -EPERM;
	else {
		/* of the ids that open(2) asks, not of the real ones */
		if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS))
			err = -errno;
		if (!put_on_caps(held) && !err)
			err = -EPERM;
	}
	close(dir);
	return err;
}

int outfile_check_more(const char *path, struct strbuf *why)
{
	int err = invoker_do(may_make, (void *)path);
	const char *slash = strrchr(path, '/');

	if (err == -NO_PATTERN)
		strbuf_set_f(
			why,
			"%s is no regular file, so its name is no pattern for files; choose another one",
			path);
	else if (err == -EACCES && !geteuid() && !invoker_get().other)
		strbuf_set_f(
			why,
			"cannot make files in %.*s later, when root's rights are given up; choose a directory of root's, or call it with sudo",
			slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
	else if (err)
		explain_open(path, err, why);
	return err;
}

int outfile__id(const struct outfile *f, struct outfile_id *id)
{
	struct stat st;

	if (fstat(f->fd, &st))
		return -errno;
	*id = (struct outfile_id){ st.st_dev, st.st_ino };
	return 0;
}

struct removal {
	const char *path;
	struct outfile_id id;
};

/* That file only: somebody may have moved another one there. */
static int remove_that(void *ctx, const struct invoker *who)
{
	const struct removal *r = ctx;
	struct stat st;

	(void)who;
	if (lstat(r->path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (st.st_dev != r->id.dev || st.st_ino != r->id.ino)
		return 0;
	return unlink(r->path) ? -errno : 0;
}

int outfile_remove(const char *path, const struct outfile_id *id)
{
	return invoker_do(remove_that, &(struct removal){ path, *id });
}

/* ---- two names ---- */

struct two_paths {
	const char *a, *b;
};

static int stat_path(const char *path, struct stat *st)
{
	return strcmp(path, "-") ? stat(path, st) : fstat(STDOUT_FILENO, st);
}

/* Both are not there yet: would they be made in one directory, with one name? */
static int will_be_same(const char *a, const char *b)
{
	const char *a_base, *b_base;
	int a_dir = open_parent(AT_FDCWD, a, &a_base), b_dir = open_parent(AT_FDCWD, b, &b_base);
	struct stat as, bs;
	bool same = a_dir >= 0 && b_dir >= 0 && !fstat(a_dir, &as) && !fstat(b_dir, &bs) &&
		    as.st_dev == bs.st_dev && as.st_ino == bs.st_ino && !strcmp(a_base, b_base);

	if (a_dir >= 0)
		close(a_dir);
	if (b_dir >= 0)
		close(b_dir);
	return same;
}

static int are_same(void *ctx, const struct invoker *who)
{
	const struct two_paths *p = ctx;
	int no_a, no_b;
	struct stat a, b;

	(void)who;
	if (!strcmp(p->a, p->b))
		return true;
	no_a = stat_path(p->a, &a);
	no_b = stat_path(p->b, &b);
	if (no_a && no_b)
		return will_be_same(p->a, p->b);
	return !no_a && !no_b && S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool outfile_same(const char *a, const char *b)
{
	return invoker_do(are_same, &(struct two_paths){ a, b }) == true;
}

/* ---- writing ---- */

static int give_name(void *ctx, const struct invoker *who)
{
	struct outfile *f = ctx;
	char proc[40];

	(void)who;
	if (linkat(AT_FDCWD, proc_path(proc, sizeof(proc), f->fd), AT_FDCWD, f->path,
		   AT_SYMLINK_FOLLOW))
		return -errno;
	f->nameless = false;
	return 0;
}

/* A file system that cannot tell is taken to have it. */
static int make_room(int fd, uint64_t len)
{
	int err;

	do
		err = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)len) ? -errno : 0;
	while (err == -EINTR);
	return err == -EOPNOTSUPP || err == -ENOSYS || err == -EINVAL ? 0 : err;
}

int outfile__reserve(struct outfile *f, uint64_t len)
{
	return f->seekable && !f->bytes ? make_room(f->fd, len) : 0;
}

int outfile__write(void *ctx, const void *data, size_t len)
{
	struct outfile *f = ctx;
	int err;

	if (f->seekable && !f->bytes) {
		/* what was there before goes only when there is room for what comes */
		err = make_room(f->fd, len);
		if (!err && (ftruncate(f->fd, 0) || lseek(f->fd, 0, SEEK_SET)))
			err = -errno;
		if (err)
			return err;
	}
	err = write_all(f->fd, data, len);
	if (!err && f->nameless)
		err = invoker_do(give_name, f);
	if (!err) {
		f->bytes += len;
		return 0;
	}
	if (f->seekable) {
		(void)!ftruncate(f->fd, (off_t)f->bytes);
		lseek(f->fd, (off_t)f->bytes, SEEK_SET);
	}
	return err;
}

static ssize_t stream_write(void *ctx, const char *data, size_t len)
{
	int err = outfile__write(ctx, data, len);

	if (!err)
		return (ssize_t)len;
	errno = -err;
	return 0;
}

FILE *outfile__stream(struct outfile *f)
{
	FILE *s = fopencookie(f, "w", (cookie_io_functions_t){ .write = stream_write });

	if (s)
		setvbuf(s, NULL, _IOFBF, STREAM_BUF);
	return s;
}

/* ---- the end ---- */

int outfile__finish(struct outfile *f)
{
	int fd = f->fd;

	close_claim(f);
	if (f->seekable && f->bytes &&
	    ftruncate(fd, (off_t)f->bytes)) /* a write may have been given up */
		return -errno;
	if (fd <= STDERR_FILENO)
		return 0;
	f->fd = -1;
	return close(fd) ? -errno : 0;
}

int outfile__close(struct outfile *f)
{
	struct outfile_id id;
	int err = 0;

	if (f->created && f->fd >= 0 && !f->bytes) {
		err = outfile__id(f, &id);
		if (!err)
			err = outfile_remove(f->path, &id);
	}
	if (err)
		log_error("%s is left empty, it cannot be removed: %s", f->path, strerror(-err));
	err = 0;
	if (f->fd >= 0)
		err = outfile__finish(f);
	close_claim(f);
	free(f->path);
	free(f);
	return err;
}

int outfile__fd(const struct outfile *f)
{
	return f->fd;
}

const char *outfile__path(const struct outfile *f)
{
	return f->path;
}

uint64_t outfile__bytes(const struct outfile *f)
{
	return f->bytes;
}

static const char *name_of(const struct outfile *f)
{
	return strcmp(f->path, "-") ? f->path : "standard output";
}

void outfile__explain(const struct outfile *f, int err, struct strbuf *why)
{
	char size[16];

	if (err == -EEXIST) {
		strbuf_set_f(why, "somebody else has made %s meanwhile; choose another file",
			     name_of(f));
		return;
	}
	if (err == -ECANCELED)
		strbuf_set_f(why, "given up writing %s: it does not take what was recorded",
			     name_of(f));
	else
		strbuf_set_f(why, "cannot write %s: %s", name_of(f), strerror(-err));
	if (f->bytes)
		strbuf_addf(why,
			    f->seekable ? "; it holds what was written before, %s" :
					  "; %s had gone there before",
			    format_size(size, f->bytes));
}
