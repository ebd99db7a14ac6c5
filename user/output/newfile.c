// SPDX-License-Identifier: BSD-2-Clause
/* See newfile.h. */
#include "output/newfile.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "output/outfile.h"
#include "output/trailname.h"
#include "util/strbuf.h"
#include "util/worker.h"

#define MS 1000000
#define NAMES_TRIED 1000 /* when others write files of such names */

static int open_it(const struct newfile *n, const char *path, struct outfile **f,
		   struct strbuf *why)
{
	*f = n->replaces ? outfile__open(path, why) : outfile__create(path, why);
	return *f ? 0 : -errno;
}

static int fill(const struct newfile *n, struct outfile *f)
{
	int err;

	worker_may_end();
	err = n->room ? outfile__reserve(f, n->room) : 0;
	if (!err)
		err = outfile__write(f, n->data, n->len);
	worker_must_go_on();
	return err;
}

static bool is_taken(int err)
{
	return err == -EEXIST || err == -EWOULDBLOCK;
}

int newfile_make(struct newfile *n, struct outfile **f, struct strbuf *why)
{
	char path[PATH_MAX];
	unsigned tries;
	int err;

	for (tries = 0; tries < NAMES_TRIED; tries++, n->wall_ns += MS) {
		err = trailname(path, sizeof(path), n->base, n->wall_ns, 0);
		if (err) {
			strbuf_set_f(why, "cannot name a file after %s: %s", n->base,
				     strerror(-err));
			return err;
		}
		err = open_it(n, path, f, why);
		if (!err)
			err = fill(n, *f);
		if (!is_taken(err))
			break;
		if (*f)
			outfile__close(*f);
		*f = NULL;
	}
	if (is_taken(err))
		strbuf_set_f(why, "cannot name a file after %s: %u names from %s on are taken",
			     n->base, NAMES_TRIED, path);
	else if (!err)
		strbuf_reset(why);
	return err;
}
