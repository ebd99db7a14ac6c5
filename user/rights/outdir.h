/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory beneath which callers have files written. A name leads nowhere else: openat2(2)
 * with RESOLVE_BENEATH and without any symbolic link. A new file belongs to the caller and is his
 * alone (0600). One that is there must be a regular file of the caller's own without a second name:
 * it is taken as it is, and cut when the first bytes come. All else is refused.
 *
 * In the directory itself everybody may have files, whatever its own rights say: that is what it is
 * for. In directories beneath it each has his own rights alone.
 *
 * Reasons are worded as Go words them: "open go.trace: permission denied".
 */
#ifndef CTRACE_RIGHTS_OUTDIR_H
#define CTRACE_RIGHTS_OUTDIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct caller;
struct outdir;
struct strbuf;

/* path: the directory, which has to be there. NULL with errno and the reason in why. */
struct outdir *outdir__new(const char *path, struct strbuf *why);
void outdir__free(struct outdir *d);		  /* NULL is fine */
const char *outdir__path(const struct outdir *d); /* absolute */

/* A file that was opened for a caller. */
struct outdir_file {
	int fd;	      /* the caller's to close; for writing */
	bool created; /* it is new */
	dev_t dev;
	ino_t ino;
};

/*
 * name: relative, or absolute with the directory's path in front; it may lead into directories that
 * are there. 0, or -errno with the reason in why, which outlives nothing: nothing is left behind
 * then.
 */
int outdir__open(struct outdir *d, const char *name, const struct caller *c, struct outdir_file *f,
		 struct strbuf *why);
/* Nothing was written: removes it when it is new, still empty, and still that one. Does not close. */
void outdir__undo(struct outdir *d, const char *name, const struct outdir_file *f);
/* Bytes of that file now. 0, or -ENOENT where there is another one, or none, under its name. */
int outdir__bytes(const struct outdir *d, const char *name, const struct outdir_file *f,
		  uint64_t *bytes);

#endif
