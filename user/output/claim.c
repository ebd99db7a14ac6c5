// SPDX-License-Identifier: BSD-2-Clause
/* See claim.h. */
#include "output/claim.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/hash.h"
#include "util/invoker.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct place {
	const char *dir;
	struct stat st;
};

static int look_at(void *ctx, const struct invoker *who)
{
	struct place *p = ctx;

	(void)who;
	return stat(p->dir, &p->st) ? -errno : 0;
}

/* The directory of path, by whatever name. 0 or -errno. */
static int find_place(const char *path, const char *base, struct place *p)
{
	char *dir = xstrdup(base == path ? "." : path);
	int err;

	if (base != path)
		dir[base - path] = 0;
	p->dir = dir;
	err = invoker_do(look_at, p);
	free(dir);
	return err;
}

int claim_name(enum claim_kind kind, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	struct sockaddr_un name = { .sun_family = AF_UNIX }; /* abstract: it begins with a 0 */
	struct place p = { 0 };
	int fd, err, len;

	err = find_place(path, base, &p);
	if (err)
		return err;
	len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
		       "ctrace-bpf/%s/%jx:%jx/%016" PRIx64, kind == CLAIM_FILE ? "file" : "series",
		       (uintmax_t)p.st.st_dev, (uintmax_t)p.st.st_ino,
		       hash_bytes64(HASH_SEED, base, strlen(base)));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&name,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)))
		return fd;
	err = errno == EADDRINUSE ? -EWOULDBLOCK : -errno;
	close(fd);
	return err;
}

int claim_series(const char *path, int *fd, struct strbuf *why)
{
	*fd = claim_name(CLAIM_SERIES, path);
	if (*fd == -EWOULDBLOCK) {
		strbuf_set_f(
			why,
			"files that are named after %s are being written by another recorder; choose another name",
			path);
		*fd = -1;
		return -EWOULDBLOCK;
	}
	if (*fd < 0)
		*fd = -1;
	return 0;
}
