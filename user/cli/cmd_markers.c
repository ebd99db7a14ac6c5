// SPDX-License-Identifier: BSD-2-Clause
/*
 * ctrace-bpf markers: what a program, or all files that a process has mapped, have that a recording
 * can listen to. Files of a process are those that it sees, in its container too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/target.h"
#include "cli/cmd.h"
#include "cli/markers.h"
#include "cli/options.h"
#include "space/mapped.h"
#include "space/maps.h"
#include "unwind/elf.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "markers"

struct listing {
	const struct options *o;
	struct strbuf out;
	size_t nfile;  /* that were told of */
	size_t closed; /* that could not be opened */
	uint32_t pid;
	struct file_id {
		uint64_t dev, ino;
	} * seen;
	size_t nseen, cap_seen;
};

/* ---- one file ---- */

/* Tells of the file; of one that has nothing only when it was asked for by name. */
static void tell_file(struct listing *l, const char *path, int fd, bool named)
{
	struct strbuf why = STRBUF_INIT;
	struct markers m = { 0 };
	int err;

	err = markers_look(&m, fd, l->o->regions.v, l->o->regions.cnt, &why);
	if (!named && err && !m.cnt)
		strbuf_reset(&why); /* a library without symbols is nothing to speak of */
	if (m.cnt || named || why.len) {
		if (l->o->json) {
			strbuf_addstr(&l->out, l->nfile ? "," : "");
			markers_json(&l->out, path, &m, why.len ? why.buf : NULL);
		} else if (m.cnt || why.len) {
			markers_print(&l->out, path, &m, why.len ? why.buf : NULL);
		}
		l->nfile += m.cnt || why.len || l->o->json;
	}
	markers_free(&m);
	strbuf_free(&why);
}

static bool is_script(int fd)
{
	char head[2];

	return pread(fd, head, 2, 0) == 2 && head[0] == '#' && head[1] == '!';
}

static int check_elf(const char *path, int fd, struct strbuf *why)
{
	struct strbuf reason = STRBUF_INIT;
	struct unw_elf e;
	int err = unw_elf_open(&e, fd, NULL, 0, &reason);

	if (err && is_script(fd))
		strbuf_set_f(
			why,
			"%s: it is a script; its markers are those of the program that runs it",
			path);
	else if (err)
		strbuf_set_f(why, "%s: %s", path, reason.buf);
	unw_elf_close(&e);
	strbuf_free(&reason);
	return err;
}

static int list_binary(struct listing *l, const char *path, struct strbuf *why)
{
	struct stat st;
	int fd, code = EXIT_FAILED;

	fd = invoker_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		strbuf_set_f(why, "cannot open %s: %s", path, strerror(errno));
		return EXIT_FAILED;
	}
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		strbuf_set_f(why, "%s is a directory", path);
	} else if (!check_elf(path, fd, why)) {
		tell_file(l, path, fd, true);
		code = EXIT_FINE;
	}
	close(fd);
	return code;
}

/* ---- a process ---- */

static bool was_seen(struct listing *l, const struct code_mapping *m)
{
	size_t i;

	for (i = 0; i < l->nseen; i++)
		if (l->seen[i].dev == m->dev && l->seen[i].ino == m->ino)
			return true;
	l->seen = xgrow(l->seen, l->nseen, &l->cap_seen, sizeof(*l->seen));
	l->seen[l->nseen++] = (struct file_id){ m->dev, m->ino };
	return false;
}

static void tell_mapping(void *ctx, const struct code_mapping *m)
{
	struct listing *l = ctx;
	int fd;

	if (!m->ino || *m->path != '/' || was_seen(l, m))
		return;
	fd = mapped_open(l->pid, m);
	if (fd < 0) {
		log_notice("cannot open %s of process %u: %s", m->path, l->pid, strerror(errno));
		l->closed++;
		return;
	}
	tell_file(l, m->path, fd, false);
	close(fd);
}

static int list_process(struct listing *l, uint32_t pid, struct strbuf *why)
{
	struct target_set set;
	int n, err;

	err = target_resolve(&set, &pid, 1, why);
	if (err) {
		target_free(&set);
		return err == -EPERM ? EXIT_MACHINE : EXIT_FAILED;
	}
	l->pid = set.t[0].pid;
	target_free(&set);
	n = maps_read(l->pid, tell_mapping, l);
	if (n == -ESRCH || !n) {
		strbuf_set_f(why, "no process with pid %u", pid);
		return EXIT_FAILED;
	}
	if (n < 0) {
		strbuf_set_f(why, "cannot see what process %u has mapped: %s", pid, strerror(-n));
		return n == -EACCES || n == -EPERM ? EXIT_MACHINE : EXIT_FAILED;
	}
	return EXIT_FINE;
}

/* ---- the command ---- */

static enum exit_code list_all(const struct options *o, struct strbuf *why)
{
	struct listing l = { .o = o, .out = STRBUF_INIT };
	enum exit_code code = EXIT_FINE;
	size_t i;

	if (o->nrest)
		code = list_binary(&l, o->rest[0], why);
	for (i = 0; code == EXIT_FINE && i < o->npid; i++)
		code = list_process(&l, o->pid[i], why);
	if (code == EXIT_FINE && o->json)
		printf("{\"files\":[%s]}\n", l.out.buf);
	else if (code == EXIT_FINE && !l.nfile)
		log_notice("%s%s",
			   o->regions.cnt ? "nothing to listen to, and no function that matches" :
					    "nothing to listen to but functions; see --region",
			   l.closed ? ", in the files that could be opened" : "");
	else if (code == EXIT_FINE)
		fputs(l.out.buf, stdout);
	free(l.seen);
	strbuf_free(&l.out);
	return code;
}

static int check(const struct options *o, struct strbuf *why)
{
	if (o->nrest <= 1 && !o->nrest != !o->npid)
		return 0;
	strbuf_set_f(why, "markers takes one file, or -p PID; see ctrace-bpf markers --help");
	return -EINVAL;
}

const struct cmd cmd_markers = {
	.name = "markers",
	.synopsis = "markers [options] -p PID | FILE",
	.summary = "what a recording can listen to: annotations, markers, functions",
	.options = FOR_MARKERS,
	.words = OFFER_FILES,
	.check = check,
	.run = list_all,
};
