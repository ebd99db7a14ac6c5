// SPDX-License-Identifier: BSD-2-Clause
/* See glob.h. */
#include "capture/glob.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bpf/event.h"

_Static_assert(EV_COMM_LEN <= CT_GLOB_PLACES, "the places of a name are bits of a word");

/* Reads [set] into in. Returns what is behind it; NULL: it is none. */
static const char *read_set(const char *at, bool *in)
{
	bool not = at[1] == '!' || at[1] == '^';
	const char *s = at + 1 + not ;
	unsigned from, to;

	memset(in, 0, 256 * sizeof(*in));
	do { /* a ] that comes first is one of them */
		if (!*s)
			return NULL;
		from = to = (unsigned char)*s++;
		if (*s == '-' && s[1] && s[1] != ']') {
			to = (unsigned char)s[1];
			s += 2;
		}
		for (; from <= to; from++)
			in[from] = true;
	} while (*s != ']');
	for (from = 0; not &&from < 256; from++)
		in[from] = !in[from];
	return s + 1;
}

/* Reads what one byte of a name is to be. Returns what is behind it. */
static const char *read_one(const char *at, bool *in)
{
	const char *behind = *at == '[' ? read_set(at, in) : NULL;

	if (behind)
		return behind;
	memset(in, *at == '?', 256 * sizeof(*in));
	if (*at == '?')
		return at + 1;
	if (*at == '\\' && at[1])
		at++;
	in[(unsigned char)*at] = true;
	return at + 1;
}

int glob_compile(struct ct_glob *g, const char *pattern)
{
	unsigned place = 0, c;
	bool in[256];

	*g = (struct ct_glob){ 0 };
	while (*pattern) {
		if (*pattern == '*') {
			g->star |= 1u << place;
			pattern++;
			continue;
		}
		if (place == EV_COMM_LEN - 1)
			return -E2BIG;
		pattern = read_one(pattern, in);
		for (c = 0; c < 256; c++)
			if (in[c])
				g->accept[c] |= 1u << place;
		place++;
	}
	g->end = 1u << place;
	return 0;
}
