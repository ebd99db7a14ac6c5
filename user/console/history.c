// SPDX-License-Identifier: BSD-2-Clause
/* See history.h. */
#include "console/history.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/env.h"
#include "util/fileio.h"
#include "util/invoker.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define NAME "ctrace-bpf/history"
#define LONGEST 4096	     /* bytes of a line that is kept */
#define FILE_MAX (16u << 20) /* it is not ours if it has more */

/* Under sudo the environment is partly root's, so the user's entry is asked. */
void history_path(struct strbuf *out)
{
	struct invoker who = invoker_get();
	const char *state = who.other ? NULL : secure_getenv(ENV_XDG_STATE);
	const char *home = who.other ? NULL : secure_getenv(ENV_HOME);
	struct passwd *pw;

	strbuf_reset(out);
	if (state && *state == '/') {
		strbuf_addf(out, "%s/" NAME, state);
		return;
	}
	if (!home || *home != '/') {
		pw = getpwuid(who.uid);
		home = pw ? pw->pw_dir : NULL;
	}
	if (home && *home == '/' && home[1])
		strbuf_addf(out, "%s/.local/state/" NAME, home);
}

/* ---- as the user ---- */

struct work {
	const char *path;
	const char *line; /* to add */
	struct strbuf *text;
};

static int open_own(const char *path, int flags)
{
	struct stat st;
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600), err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		err = -EINVAL;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int do_read(void *ctx, const struct invoker *who)
{
	int fd = open_own(((struct work *)ctx)->path, O_RDONLY);
	struct strbuf *text = ((struct work *)ctx)->text;
	char piece[65536];
	ssize_t n;

	(void)who;
	if (fd < 0)
		return fd;
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		strbuf_add(text, piece, (size_t)n);
	close(fd);
	return 0;
}

/* The directories that lead there, 0700 as the specification of XDG has it. */
static void make_dirs(const char *path)
{
	char *dir = xstrdup(path), *at;

	for (at = strchr(dir + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		mkdir(dir, 0700); /* what it cannot make is told by the open() */
		*at = '/';
	}
	free(dir);
}

static int do_add(void *ctx, const struct invoker *who)
{
	const struct work *w = ctx;
	struct strbuf line = STRBUF_INIT;
	int fd = open_own(w->path, O_WRONLY | O_APPEND | O_CREAT), err;

	(void)who;
	if (fd == -ENOENT) {
		make_dirs(w->path);
		fd = open_own(w->path, O_WRONLY | O_APPEND | O_CREAT);
	}
	if (fd < 0)
		return fd;
	strbuf_addf(&line, "%s\n", w->line);
	err = write_all(fd, line.buf, line.len);
	strbuf_free(&line);
	close(fd);
	return err;
}

/* Puts the text in place of the file, at once. */
static int do_replace(void *ctx, const struct invoker *who)
{
	const struct work *w = ctx;
	struct strbuf temp = STRBUF_INIT;
	int fd, err;

	(void)who;
	strbuf_addf(&temp, "%s.XXXXXX", w->path);
	fd = mkostemp(temp.buf, O_CLOEXEC);
	err = fd < 0 ? -errno : write_all(fd, w->text->buf, w->text->len);
	if (!err && rename(temp.buf, w->path))
		err = -errno;
	if (fd >= 0 && err)
		unlink(temp.buf);
	if (fd >= 0)
		close(fd);
	strbuf_free(&temp);
	return err;
}

/* ---- lines ---- */

static size_t count_lines(const struct strbuf *text)
{
	size_t n = 0, i;

	for (i = 0; i < text->len; i++)
		n += text->buf[i] == '\n';
	return n;
}

void history_read(const char *path, void (*tell)(void *ctx, const char *line), void *ctx)
{
	struct strbuf text = STRBUF_INIT, kept = STRBUF_INIT;
	struct work w = { .path = path, .text = &text };
	size_t cnt, skip;
	char *at, *end;

	invoker_do(do_read, &w);
	cnt = count_lines(&text);
	skip = cnt > HISTORY_KEPT ? cnt - HISTORY_KEPT : 0;
	for (at = text.buf; (end = strchr(at, '\n')); at = end + 1) {
		if (skip) {
			skip--;
			continue;
		}
		*end = 0;
		if (*at && end - at < LONGEST)
			tell(ctx, at);
		strbuf_addf(&kept, "%s\n", at);
	}
	if (cnt >= 2 * HISTORY_KEPT) {
		w.text = &kept;
		invoker_do(do_replace, &w);
	}
	strbuf_free(&kept);
	strbuf_free(&text);
}

int history_add(const char *path, const char *line)
{
	struct work w = { .path = path, .line = line };

	return *path && *line && strlen(line) < LONGEST && !strchr(line, '\n') ?
		       invoker_do(do_add, &w) :
		       0;
}
