// SPDX-License-Identifier: BSD-2-Clause
/* See query.h. */
#include "http/query.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/strbuf.h"
#include "util/xalloc.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends len bytes of s without its escapes; false where one is none, or is a NUL. */
static bool unescape(struct strbuf *out, const char *s, size_t len, bool plus_is_space)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%') {
			int high = i + 2 < len ? hex(s[i + 1]) : -1;
			int low = i + 2 < len ? hex(s[i + 2]) : -1;

			if (high < 0 || low < 0 || !(high | low))
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		strbuf_addch(out, c);
	}
	return true;
}

/* ---- pairs ---- */

static void add_pair(struct query *q, const char *s, size_t len)
{
	const char *eq = memchr(s, '=', len);
	size_t key_len = eq ? (size_t)(eq - s) : len;
	struct strbuf key = STRBUF_INIT, value = STRBUF_INIT;

	if (len && !memchr(s, ';', len) && unescape(&key, s, key_len, true) &&
	    (!eq || unescape(&value, eq + 1, len - key_len - 1, true))) {
		q->v = xgrow(q->v, q->cnt, &q->cap, sizeof(*q->v));
		q->v[q->cnt++] = (struct query_pair){ xstrdup(key.buf), xstrdup(value.buf) };
	}
	strbuf_free(&key);
	strbuf_free(&value);
}

void query_parse(struct query *q, const char *text)
{
	*q = (struct query){ 0 };
	for (;;) {
		size_t len = strcspn(text, "&");

		add_pair(q, text, len);
		if (!text[len])
			return;
		text += len + 1;
	}
}

void query_free(struct query *q)
{
	size_t i;

	for (i = 0; i < q->cnt; i++) {
		free(q->v[i].key);
		free(q->v[i].value);
	}
	free(q->v);
	*q = (struct query){ 0 };
}

const char *query_get(const struct query *q, const char *key)
{
	size_t i;

	for (i = 0; i < q->cnt; i++)
		if (!strcmp(q->v[i].key, key))
			return q->v[i].value;
	return "";
}

/* ---- seconds ---- */

static const char *skip_digits(const char *s, int (*is)(int), bool *some)
{
	for (; is((unsigned char)*s); s++)
		*some = true;
	return s;
}

/* What strtod() takes is more than ParseFloat does: blanks before it, NAN(x), hexadecimal ones
 * without an exponent. */
static bool is_float(const char *s)
{
	bool some = false, some_exp = false, is_hex;

	s += *s == '+' || *s == '-';
	if (!strcasecmp(s, "inf") || !strcasecmp(s, "infinity"))
		return true;
	is_hex = s[0] == '0' && (s[1] | 0x20) == 'x';
	if (is_hex)
		s += 2;
	s = skip_digits(s, is_hex ? isxdigit : isdigit, &some);
	if (*s == '.')
		s = skip_digits(s + 1, is_hex ? isxdigit : isdigit, &some);
	if (!some)
		return false;
	if ((*s | 0x20) == (is_hex ? 'p' : 'e')) {
		s++;
		s += *s == '+' || *s == '-';
		s = skip_digits(s, isdigit, &some_exp);
		return some_exp && !*s;
	}
	return !is_hex && !*s;
}

double query_seconds(const struct query *q)
{
	const char *text = query_get(q, "seconds");
	double sec;

	if (!is_float(text))
		return 1;
	errno = 0;
	sec = strtod(text, NULL);
	if (sec <= 0 || (errno == ERANGE &&
			 isinf(sec))) /* ParseFloat refuses what is too large to be a number */
		return 1;
	return sec;
}

/* ---- the path ---- */

/* As path.Clean() in Go, but a slash at the end stays. */
static void clean_path(struct strbuf *out, const char *s, size_t len)
{
	size_t at = 0;

	strbuf_reset(out);
	while (at < len) {
		size_t n;

		at += s[at] == '/';
		for (n = 0; at + n < len && s[at + n] != '/'; n++)
			;
		if (n == 2 && !memcmp(s + at, "..", 2)) {
			while (out->len && out->buf[out->len - 1] != '/')
				out->buf[--out->len] = 0;
			if (out->len)
				out->buf[--out->len] = 0;
		} else if (n && !(n == 1 && s[at] == '.')) {
			strbuf_addch(out, '/');
			strbuf_add(out, s + at, n);
		}
		at += n;
	}
	if (!out->len || s[len - 1] == '/')
		strbuf_addch(out, '/');
}

/* Behind "http://host", where that is there. */
static const char *path_of(const char *target)
{
	const char *path;

	if (*target == '/')
		return target;
	if (!strncasecmp(target, "http://", 7))
		path = target + 7;
	else if (!strncasecmp(target, "https://", 8))
		path = target + 8;
	else
		return NULL;
	path += strcspn(path, "/?");
	return *path == '/' ? path : NULL;
}

const char *target_split(const char *target, struct strbuf *path, struct strbuf *clean)
{
	const char *s = path_of(target);
	size_t len;

	if (!s)
		return NULL;
	len = strcspn(s, "?");
	strbuf_reset(path);
	if (!unescape(path, s, len, false))
		return NULL;
	clean_path(clean, s, len);
	if (clean->len == len && !memcmp(clean->buf, s, len))
		strbuf_reset(clean);
	return s[len] ? s + len + 1 : s + len;
}
