// SPDX-License-Identifier: BSD-2-Clause
/* See parse.h. */
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	double factor;
};

int parse_u64(const char *s, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (!isdigit((unsigned char)*s))
			return -EINVAL;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	*out = v;
	return 0;
}

/* digits with at most one point, then one of the units */
static int parse_with_unit(const char *s, const struct unit *units, uint64_t *out)
{
	size_t digits = strspn(s, "0123456789."), i;
	char number[32];
	double v;

	if (!digits || digits >= sizeof(number) || !isdigit((unsigned char)s[0]))
		return -EINVAL;
	memcpy(number, s, digits);
	number[digits] = 0;
	if (strchr(number, '.') != strrchr(number, '.'))
		return -EINVAL;
	v = strtod(number, NULL);
	for (i = 0; units[i].name; i++) {
		if (strcasecmp(s + digits, units[i].name))
			continue;
		v *= units[i].factor;
		if (!isfinite(v) || v > (double)(UINT64_MAX / 4))
			return -ERANGE;
		*out = (uint64_t)v;
		return 0;
	}
	return -EINVAL;
}

int parse_duration(const char *s, uint64_t *out_ns)
{
	static const struct unit units[] = {
		{ "", 1e9 },   { "s", 1e9 },	{ "ms", 1e6 },	 { "us", 1e3 }, { "ns", 1 },
		{ "m", 60e9 }, { "min", 60e9 }, { "h", 3600e9 }, { NULL, 0 },
	};

	return parse_with_unit(s, units, out_ns);
}

int parse_size(const char *s, uint64_t *out_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "K", 1024 },
		{ "KB", 1024 },
		{ "KiB", 1024 },
		{ "M", 1048576 },
		{ "MB", 1048576 },
		{ "MiB", 1048576 },
		{ "G", 1073741824 },
		{ "GB", 1073741824 },
		{ "GiB", 1073741824 },
		{ "T", 1099511627776 },
		{ "TB", 1099511627776 },
		{ "TiB", 1099511627776 },
		{ NULL, 0 },
	};

	return parse_with_unit(s, units, out_bytes);
}

char *format_size(char *buf, uint64_t bytes)
{
	static const char *const names[] = { "B", "kB", "MB", "GB", "TB" };
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1000 && i + 1 < sizeof(names) / sizeof(names[0])) {
		v /= 1000;
		i++;
	}
	snprintf(buf, 16, i ? "%.1f %s" : "%.0f %s", v, names[i]);
	return buf;
}
