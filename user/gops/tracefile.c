// SPDX-License-Identifier: BSD-2-Clause
/* See tracefile.h. */
#include "gops/tracefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/evlog.h"
#include "event/evtext.h"
#include "util/invoker.h"
#include "util/strbuf.h"

#define HEADER_LEN 16 /* "go 1.22 trace\0\0\0" */
#define FIRST_MINOR 22

static bool begins(const char *head, size_t len, const char *with, size_t n)
{
	return len >= n && !memcmp(head, with, n);
}
#define BEGINS(text) begins(head, len, text, sizeof(text) - 1)

/* "go 1.NN trace" and zeros; 0: it is none. */
static int minor_of(const char *head, size_t len)
{
	int minor;

	if (len < HEADER_LEN || memcmp(head, "go 1.", 5) || memcmp(head + 7, " trace\0\0\0", 9) ||
	    head[5] < '0' || head[5] > '9' || head[6] < '0' || head[6] > '9')
		return 0;
	minor = 10 * (head[5] - '0') + head[6] - '0';
	return minor;
}

/* What it is instead, and the way out; NULL: nothing that we know. */
static const char *what_else(const char *head, size_t len)
{
	if (!len)
		return "is empty";
	if (BEGINS(EVLOG_MAGIC))
		return "is a raw recording; make a trace of it with ctrace-bpf convert -o FILE";
	if (BEGINS(EVTEXT_MAGIC))
		return "is a recording as text; make a trace of it with ctrace-bpf convert -o FILE";
	if (BEGINS("\x1f\x8b"))
		return "is compressed; unpack it with gunzip";
	if (BEGINS("\x28\xb5\x2f\xfd"))
		return "is compressed; unpack it with unzstd";
	if (BEGINS("go 1.") && len < HEADER_LEN)
		return "is broken off in its first bytes";
	return NULL;
}

int tracefile_minor(const char *name, const char *head, size_t len, struct strbuf *why)
{
	const char *what = what_else(head, len);
	int minor = minor_of(head, len);

	if (minor >= FIRST_MINOR)
		return minor;
	if (minor)
		strbuf_set_f(
			why,
			"%s is a trace of Go 1.%d: viewers of today read those of 1.%d and newer",
			name, minor, FIRST_MINOR);
	else if (what)
		strbuf_set_f(why, "%s %s", name, what);
	else
		strbuf_set_f(why, "%s is no Go execution trace", name);
	return -EINVAL;
}

int tracefile_check(const char *path, struct strbuf *why)
{
	char head[TRACEFILE_HEAD];
	struct stat st;
	ssize_t n = 0;
	int fd, err = 0;

	fd = invoker_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		strbuf_set_f(why, "cannot open %s: %s", path, strerror(-err));
	} else if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
		strbuf_set_f(
			why,
			S_ISDIR(st.st_mode) ?
				"%s is a directory" :
				"%s is no file that a viewer could read twice; save the trace first",
			path);
	} else {
		n = pread(fd, head, sizeof(head), 0);
		err = n < 0 ? -errno : 0;
		if (err)
			strbuf_set_f(why, "cannot read %s: %s", path, strerror(-err));
	}
	if (fd >= 0)
		close(fd);
	return err ? err : tracefile_minor(path, head, (size_t)n, why);
}
