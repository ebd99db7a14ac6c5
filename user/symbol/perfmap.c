// SPDX-License-Identifier: BSD-2-Clause
/* See perfmap.h. */
#include "symbol/perfmap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/segs.h"
#include "symbol/strpool.h"
#include "util/xalloc.h"

struct perfmap {
	struct strpool names;
	const char **name; /* by line that counts */
	size_t cnt, cap;
	struct segs segs; /* ids are indices of name */
};

struct perfmap_lines {
	struct span *span;
	size_t cap;
};

/* A number in hexadecimal and the blanks behind it. */
static bool take_hex(const char **p, const char *end, uint64_t *v)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *s = *p, *d;

	if (end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	*p = s;
	for (*v = 0; s < end && *s && (d = strchr(digits, *s)); s++) {
		if (*v >> 60)
			return false;
		*v = *v << 4 | (uint64_t)(d - digits < 16 ? d - digits : d - digits - 6);
	}
	if (s == *p || s == end || *s != ' ')
		return false;
	while (s < end && *s == ' ')
		s++;
	*p = s;
	return true;
}

static void add_line(struct perfmap *m, struct perfmap_lines *l, const char *p, const char *end)
{
	uint64_t start, size;

	if (end > p && end[-1] == '\r')
		end--;
	if (!take_hex(&p, end, &start) || !take_hex(&p, end, &size) || p == end ||
	    memchr(p, '\0', (size_t)(end - p)) || start + size < start || m->cnt >= SEG_NONE)
		return;
	l->span = xgrow(l->span, m->cnt, &l->cap, sizeof(*l->span));
	m->name = xgrow(m->name, m->cnt, &m->cap, sizeof(*m->name));
	/* the rank is the line: the last one wins */
	l->span[m->cnt] = (struct span){ start, start + size, (uint32_t)m->cnt, (uint32_t)m->cnt };
	m->name[m->cnt++] = strpool_addn(&m->names, p, (size_t)(end - p));
}

struct perfmap *perfmap__new(const char *text, size_t len)
{
	struct perfmap *m = xcalloc(1, sizeof(*m));
	const char *end = text + len, *eol;
	struct perfmap_lines l = { 0 };

	for (; text < end; text = eol + 1) {
		eol = memchr(text, '\n', (size_t)(end - text));
		if (!eol) /* it is being written */
			break;
		add_line(m, &l, text, eol);
	}
	segs_build(&m->segs, l.span, m->cnt);
	free(l.span);
	return m;
}

void perfmap__free(struct perfmap *m)
{
	if (!m)
		return;
	strpool_free(&m->names);
	free(m->name);
	segs_free(&m->segs);
	free(m);
}

const char *perfmap__find(const struct perfmap *m, uint64_t addr)
{
	uint32_t id = segs_find(&m->segs, addr);

	return id == SEG_NONE ? NULL : m->name[id];
}
