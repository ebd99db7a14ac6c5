// SPDX-License-Identifier: BSD-2-Clause
/* See outfile.h. */
#include "output/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fileio.h"
#include "util/invoker.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct outfile {
	char *path;
	int fd;
	bool seekable; /* a regular file: can be cut back */
	bool created;  /* by us: not left behind empty */
	uint64_t bytes;
};

/* A symbolic link leads where its maker wants: only the invoker's own is followed. */
static bool is_foreign_link(const char *path, const struct invoker *who)
{
	struct stat st;

	return !lstat(path, &st) && S_ISLNK(st.st_mode) && st.st_uid != who->uid && st.st_uid;
}

static int open_as_invoker(const char *path, bool *created)
{
	struct invoker who = invoker_get();
	int fd, err;

	invoker_enter(&who);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
	*created = fd >= 0;
	if (fd < 0 && errno == EEXIST) {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
		if (fd < 0 && errno == ELOOP && !is_foreign_link(path, &who))
			fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	}
	err = errno;
	invoker_leave(&who);
	errno = err;
	return fd;
}

static bool open_file(struct outfile *f, struct strbuf *why)
{
	struct invoker who = invoker_get();
	struct stat st;

	f->fd = open_as_invoker(f->path, &f->created);
	if (f->fd < 0) {
		if (errno == ELOOP)
			strbuf_set_f(why, "%s is a symbolic link of somebody else's", f->path);
		else if (errno == ENXIO)
			strbuf_set_f(why, "cannot write %s: nobody reads that FIFO", f->path);
		else if (who.other && errno == EACCES)
			strbuf_set_f(why, "cannot write %s as user %u, who called sudo: %s",
				     f->path, who.uid, strerror(errno));
		else
			strbuf_set_f(why, "cannot write %s: %s", f->path, strerror(errno));
		return false;
	}
	fcntl(f->fd, F_SETFL, fcntl(f->fd, F_GETFL) & ~O_NONBLOCK);
	if (fstat(f->fd, &st)) {
		strbuf_set_f(why, "cannot write %s: %s", f->path, strerror(errno));
		return false;
	}
	f->seekable = S_ISREG(st.st_mode);
	if (f->seekable && flock(f->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		f->created = false;
		strbuf_set_f(why, "%s is being written by another recorder; choose another -o FILE",
			     f->path);
		return false;
	}
	return true;
}

struct outfile *outfile__open(const char *path, struct strbuf *why)
{
	struct outfile *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(path);
	f->fd = -1;
	if (!strcmp(path, "-")) {
		f->fd = STDOUT_FILENO;
		if (!isatty(f->fd))
			return f;
		strbuf_set_f(why,
			     "a trace is not for a terminal: redirect stdout, or give -o FILE");
		f->fd = -1;
	} else if (open_file(f, why)) {
		return f;
	}
	outfile__close(f);
	return NULL;
}

int outfile__write(void *ctx, const void *data, size_t len)
{
	struct outfile *f = ctx;
	int err;

	if (f->seekable && !f->bytes) {
		/* what was there before goes only when there is room for what comes */
		if (fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)len) && errno == ENOSPC)
			return -ENOSPC;
		if (ftruncate(f->fd, 0))
			return -errno;
	}
	err = write_all(f->fd, data, len);
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

/* Is the name still that of our file? Somebody may have moved another one there. */
static bool is_still_ours(const struct outfile *f)
{
	struct stat a, b;

	return !fstat(f->fd, &a) && !lstat(f->path, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int outfile__finish(struct outfile *f)
{
	int fd = f->fd;

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
	struct invoker who = invoker_get();
	int err = 0;

	if (f->created && f->fd >= 0 && !f->bytes && is_still_ours(f)) {
		invoker_enter(&who);
		unlink(f->path);
		invoker_leave(&who);
	}
	if (f->fd >= 0)
		err = outfile__finish(f);
	free(f->path);
	free(f);
	return err;
}

void outfile__keep(struct outfile *f, uint64_t bytes)
{
	f->bytes = bytes;
	if (f->seekable)
		(void)!ftruncate(f->fd, (off_t)bytes);
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
