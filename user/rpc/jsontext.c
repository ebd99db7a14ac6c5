// SPDX-License-Identifier: BSD-2-Clause
/* See jsontext.h. The checker knows the whole grammar; all else trusts that it was asked. */
#include "rpc/jsontext.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"
#include "util/xalloc.h"

/* ---- is it one? ---- */

struct reader {
	const char *p, *end;
	unsigned depth; /* how many more may be opened */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

static bool take(struct reader *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static int read_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n))
		return -EINVAL;
	r->p += n;
	return 0;
}

static int read_digits(struct reader *r)
{
	if (r->p == r->end || !is_digit(*r->p))
		return -EINVAL;
	while (r->p < r->end && is_digit(*r->p))
		r->p++;
	return 0;
}

static int read_number(struct reader *r)
{
	take(r, '-');
	if (!take(r, '0') && read_digits(r))
		return -EINVAL;
	if (take(r, '.') && read_digits(r))
		return -EINVAL;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			take(r, '-');
		return read_digits(r);
	}
	return 0;
}

static int read_escape(struct reader *r)
{
	int i;

	if (r->p == r->end)
		return -EINVAL;
	if (*r->p != 'u')
		return *r->p && strchr("\"\\/bfnrt", *r->p++) ? 0 : -EINVAL;
	r->p++;
	for (i = 0; i < 4; i++, r->p++)
		if (r->p == r->end || !isxdigit((unsigned char)*r->p))
			return -EINVAL;
	return 0;
}

static int read_string(struct reader *r)
{
	size_t n;

	if (!take(r, '"'))
		return -EINVAL;
	while (!take(r, '"')) {
		if (take(r, '\\')) {
			if (read_escape(r))
				return -EINVAL;
			continue;
		}
		if (r->p == r->end || (unsigned char)*r->p < 0x20)
			return -EINVAL;
		n = utf8_char(r->p, (size_t)(r->end - r->p));
		if (!n)
			return -EINVAL;
		r->p += n;
	}
	return 0;
}

static int read_value(struct reader *r);

static int read_items(struct reader *r, bool object, char close)
{
	int err;

	r->p = skip_blanks(r->p, r->end);
	if (take(r, close))
		return 0;
	for (;;) {
		r->p = skip_blanks(r->p, r->end);
		if (object) {
			if (read_string(r))
				return -EINVAL;
			r->p = skip_blanks(r->p, r->end);
			if (!take(r, ':'))
				return -EINVAL;
			r->p = skip_blanks(r->p, r->end);
		}
		err = read_value(r);
		if (err)
			return err;
		r->p = skip_blanks(r->p, r->end);
		if (take(r, close))
			return 0;
		if (!take(r, ','))
			return -EINVAL;
	}
}

/* Calls itself no deeper than r->depth was at first. */
static int read_value(struct reader *r)
{
	bool object;
	int err;

	if (r->p == r->end)
		return -EINVAL;
	switch (*r->p) {
	case '{':
	case '[':
		if (!r->depth)
			return -E2BIG;
		r->depth--;
		object = *r->p++ == '{';
		err = read_items(r, object, object ? '}' : ']');
		r->depth++;
		return err;
	case '"':
		return read_string(r);
	case 't':
		return read_word(r, "true");
	case 'f':
		return read_word(r, "false");
	case 'n':
		return read_word(r, "null");
	default:
		return read_number(r);
	}
}

int jsontext_check(const char *s, size_t len, unsigned depth, struct jsontext *value)
{
	struct reader r = { s, s + len, depth };
	const char *from;
	int err;

	from = r.p = skip_blanks(r.p, r.end);
	err = read_value(&r);
	if (err)
		return err;
	if (value)
		*value = (struct jsontext){ from, (size_t)(r.p - from) };
	return skip_blanks(r.p, r.end) == r.end ? 0 : -EINVAL;
}

/* ---- through what was checked ---- */

static const char *after_string(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

static const char *after_value(const char *p, const char *end)
{
	size_t open = 0;

	do {
		switch (*p) {
		case '"':
			p = after_string(p);
			continue;
		case '{':
		case '[':
			open++;
			break;
		case '}':
		case ']':
			open--;
			break;
		default: /* a word, a number, or what stands between values */
			if (open)
				break;
			while (p < end && !is_blank(*p) && !strchr(",]}", *p))
				p++;
			return p;
		}
		p++;
	} while (open);
	return p;
}

static bool is_separator(char c)
{
	return is_blank(c) || c == ',' || c == ':';
}

struct jsontext_walk jsontext_walk(struct jsontext of)
{
	struct jsontext_walk w = { of.s, of.s, false };

	if (of.len && (*of.s == '{' || *of.s == '[')) {
		w.object = *of.s == '{';
		w.p = of.s + 1;
		w.end = of.s + of.len - 1;
	}
	return w;
}

/* The end has a bracket behind it, so there is always one more byte to look at. */
static struct jsontext next_value(struct jsontext_walk *w)
{
	struct jsontext t;

	while (w->p < w->end && is_separator(*w->p))
		w->p++;
	t.s = w->p;
	w->p = after_value(w->p, w->end);
	t.len = (size_t)(w->p - t.s);
	return t;
}

bool jsontext_next(struct jsontext_walk *w, struct jsontext *name, struct jsontext *value)
{
	struct jsontext n = { 0 };

	while (w->p < w->end && is_separator(*w->p))
		w->p++;
	if (w->p == w->end)
		return false;
	if (w->object)
		n = next_value(w);
	if (name)
		*name = n;
	*value = next_value(w);
	return true;
}

char *jsontext_string(struct jsontext t)
{
	json_t *j = json_loadb(t.s, t.len, JSON_DECODE_ANY, NULL);
	char *s = json_is_string(j) ? xstrdup(json_string_value(j)) : NULL;

	json_decref(j);
	return s;
}

/* ---- one behind the other ---- */

enum jsontext_found jsontext_split(struct jsontext_split *sp, const char *s, size_t len,
				   size_t *from, size_t *used)
{
	size_t i = 0;

	*from = 0;
	if (!sp->len) {
		i = *from = (size_t)(skip_blanks(s, s + len) - s);
		if (i < len && s[i] != '{' && s[i] != '[') {
			*used = i;
			return JSONTEXT_NONE;
		}
	}
	for (; i < len; i++) {
		sp->len++;
		if (sp->escaped) {
			sp->escaped = false;
		} else if (sp->quoted) {
			sp->escaped = s[i] == '\\';
			sp->quoted = s[i] != '"';
		} else if (s[i] == '"') {
			sp->quoted = true;
		} else if (s[i] == '{' || s[i] == '[') {
			sp->open++;
		} else if ((s[i] == '}' || s[i] == ']') && !--sp->open) {
			*sp = (struct jsontext_split){ 0 };
			*used = i + 1;
			return JSONTEXT_WHOLE;
		}
	}
	*used = len;
	return JSONTEXT_MORE;
}
