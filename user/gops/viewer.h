/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens a trace: `go tool trace`, by the first Go in PATH, or where it is most often installed,
 * that is new enough for it. It runs as who called us, never as root for somebody who called sudo.
 */
#ifndef CTRACE_GOPS_VIEWER_H
#define CTRACE_GOPS_VIEWER_H

#include <limits.h>

struct strbuf;

/* Which viewers there are, and how to get one. */
extern const char viewer_advice[];

/*
 * Becomes the viewer; returns only where that is not possible, with the sentence in why: -ENOENT
 * there is no Go, -ENOEXEC none that is new enough, or another -errno. minor: of the trace, as
 * tracefile_check() tells it. http: where it shall listen; NULL: as it likes. To be called while
 * there is one thread.
 */
int viewer_execute(const char *file, int minor, const char *http, struct strbuf *why);

/*
 * The Go that would be taken: its path. 0, or -errno as above. path_env: a list as in PATH, NULL
 * none; others: globs of programs to try then, NULL at the end.
 */
int viewer_find(char out[PATH_MAX], int minor, const char *path_env, const char *const *others,
		struct strbuf *why);

#endif
