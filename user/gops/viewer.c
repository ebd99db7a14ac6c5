// SPDX-License-Identifier: BSD-2-Clause
/* See viewer.h. */
#include "gops/viewer.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gops/facts.h"
#include "util/env.h"
#include "util/invoker.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

const char viewer_advice[] =
	"go tool trace comes with Go 1.23 or newer (https://go.dev/dl), gotraceui is a program of its own "
	"(https://github.com/dominikh/gotraceui); the file can be opened on any machine, it needs nothing else";

/* Where Go's own installer, Debian and Fedora have it: sudo(8) does not look there. */
static const char *const usual[] = { "/usr/local/go/bin/go", "/usr/lib/go-*/bin/go",
				     "/usr/lib/golang/bin/go", "/snap/bin/go", NULL };

/* ---- which Go ---- */

struct search {
	int minor;	    /* that is needed */
	char old[PATH_MAX]; /* the first that is not new enough; "" none */
	char old_is[FACTS_VERSION_MAX];
};

/* "go1.26.1"; 0: it is not told. */
static int minor_of(const char *version)
{
	return strncmp(version, "go1.", 4) ? 0 : atoi(version + 4);
}

/* One that does not say its version, as a script, is taken at its word. */
static bool fits(struct search *s, const char *path)
{
	struct facts f = { 0 };
	struct stat st;
	int fd;

	if (access(path, X_OK) || stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		facts_read(&f, fd);
		close(fd);
	}
	if (!minor_of(f.go) || minor_of(f.go) >= s->minor)
		return true;
	if (!*s->old) {
		snprintf(s->old, sizeof(s->old), "%s", path);
		memcpy(s->old_is, f.go, sizeof(s->old_is));
	}
	return false;
}

static bool find_in_path(struct search *s, const char *path_env, char out[PATH_MAX])
{
	char *dirs = xstrdup(path_env ? path_env : ""), *at = dirs, *dir;
	bool found = false;

	/* a relative directory is none: we go elsewhere before we execute */
	while (!found && (dir = strsep(&at, ":")))
		found = *dir == '/' && snprintf(out, PATH_MAX, "%s/go", dir) < PATH_MAX &&
			fits(s, out);
	free(dirs);
	return found;
}

/* Of several the last one: by name, as Debian has them, the newest. */
static bool find_by_glob(struct search *s, const char *pattern, char out[PATH_MAX])
{
	bool found = false;
	glob_t g = { 0 };
	size_t i;

	if (!glob(pattern, 0, NULL, &g))
		for (i = g.gl_pathc; i && !found; i--)
			found = snprintf(out, PATH_MAX, "%s", g.gl_pathv[i - 1]) < PATH_MAX &&
				fits(s, out);
	globfree(&g);
	return found;
}

int viewer_find(char out[PATH_MAX], int minor, const char *path_env, const char *const *others,
		struct strbuf *why)
{
	struct search s = { .minor = minor };

	if (find_in_path(&s, path_env, out))
		return 0;
	for (; *others; others++)
		if (find_by_glob(&s, *others, out))
			return 0;
	if (*s.old) {
		strbuf_set_f(why, "%s is %s, the trace is for Go 1.%d: %s", s.old, s.old_is, minor,
			     viewer_advice);
		return -ENOEXEC;
	}
	strbuf_set_f(why, "no Go is here: %s", viewer_advice);
	return -ENOENT;
}

/* ---- it is executed ---- */

/* Elsewhere than in this directory, whose go.mod might ask for another Go. */
static int execute(const char *go, const char *file, const char *http)
{
	char *args[6] = { (char *)(uintptr_t) "go", (char *)(uintptr_t) "tool",
			  (char *)(uintptr_t) "trace" };
	struct strbuf flag = STRBUF_INIT;
	size_t n = 3;
	int err;

	if (http) {
		strbuf_addf(&flag, "-http=%s", http);
		args[n++] = flag.buf;
	}
	args[n] = (char *)(uintptr_t)file;
	if (chdir("/"))
		return -errno;
	fflush(NULL);
	execv(go, args);
	err = -errno;
	strbuf_free(&flag);
	return err;
}

int viewer_execute(const char *file, int minor, const char *http, struct strbuf *why)
{
	char go[PATH_MAX], whole[PATH_MAX];
	int err;

	err = invoker_become_at_home();
	if (err) {
		strbuf_set_f(why, "cannot become the user who called sudo: %s", strerror(-err));
		return err;
	}
	err = viewer_find(go, minor, getenv(ENV_PATH), usual, why);
	if (err)
		return err;
	if (!realpath(file, whole)) {
		err = -errno;
		strbuf_set_f(why, "cannot open %s: %s", file, strerror(-err));
		return err;
	}
	err = execute(go, whole, http);
	strbuf_set_f(why, "cannot run %s: %s", go, strerror(-err));
	return err;
}
