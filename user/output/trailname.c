// SPDX-License-Identifier: BSD-2-Clause
/* See trailname.h. */
#include "output/trailname.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS 1000000ull

/* Where the extension of a path begins: its end where there is none. A dot file has none. */
static const char *extension(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return dot && dot != name ? dot : name + strlen(name);
}

int trailname(char *out, size_t sz, const char *base, uint64_t wall_ns, unsigned nth)
{
	uint64_t ms = wall_ns / MS + nth;
	time_t sec = (time_t)(ms / 1000);
	const char *ext = extension(base);
	char moment[32];
	struct tm tm;
	int n;

	gmtime_r(&sec, &tm); /* 584 years are all that fits */
	strftime(moment, sizeof(moment), "%Y%m%dT%H%M%S", &tm);
	n = snprintf(out, sz, "%.*s-%s.%03uZ%s", (int)(ext - base), base, moment,
		     (unsigned)(ms % 1000), ext);
	return n < 0 || (size_t)n >= sz ? -ENAMETOOLONG : 0;
}
