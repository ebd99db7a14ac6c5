// SPDX-License-Identifier: BSD-2-Clause
/* See evword.h. */
#include "event/evword.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/parse.h"
#include "util/strbuf.h"

void evword_quote(struct strbuf *out, const void *text, size_t len)
{
	const unsigned char *p = text;

	strbuf_addch(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			strbuf_addf(out, "\\%c", p[i]);
		else if (p[i] < 0x20 || p[i] >= 0x7f)
			strbuf_addf(out, "\\x%02x", p[i]);
		else
			strbuf_addch(out, (char)p[i]);
	}
	strbuf_addch(out, '"');
}

static int unquote(char **p, struct evword *w, struct strbuf *why)
{
	char *in = *p, *out = *p;

	w->val = out;
	w->quoted = true;
	while (*in != '"') {
		if (!*in) {
			strbuf_set_f(why, "the text of '%s' does not end", w->key);
			return -EINVAL;
		}
		if (*in != '\\') {
			*out++ = *in++;
		} else if (in[1] == '"' || in[1] == '\\') {
			*out++ = in[1];
			in += 2;
		} else if (in[1] == 'x' && isxdigit((unsigned char)in[2]) &&
			   isxdigit((unsigned char)in[3])) {
			char hex[3] = { in[2], in[3], '\0' };

			*out++ = (char)strtoul(hex, NULL, 16);
			in += 4;
		} else {
			strbuf_set_f(why,
				     "the text of '%s' has an escape other than \\\" \\\\ \\xNN",
				     w->key);
			return -EINVAL;
		}
	}
	in++;
	if (*in && !isspace((unsigned char)*in)) {
		strbuf_set_f(why, "something follows the text of '%s' without a space", w->key);
		return -EINVAL;
	}
	w->len = (size_t)(out - w->val);
	*p = *in ? in + 1 : in;
	*out = '\0';
	return 0;
}

int evword_next(char **p, struct evword *w, struct strbuf *why)
{
	char *s = *p + strspn(*p, " \t\r\n"), *end;

	if (!*s) {
		*p = s;
		return 0;
	}
	*w = (struct evword){ .key = s };
	end = s + strcspn(s, "= \t\r\n");
	if (*end == '=') {
		*end++ = '\0';
		if (*end == '"') {
			*p = end + 1;
			return unquote(p, w, why) ? -EINVAL : 1;
		}
		w->val = end;
		end += strcspn(end, " \t\r\n");
		w->len = (size_t)(end - w->val);
	}
	*p = *end ? end + 1 : end;
	*end = '\0';
	return 1;
}

int evword_number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (parse_u64(s, &v) || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

int evword_hex(const char *s, const char *end, uint64_t *out)
{
	uint64_t v = 0;

	if (s == end || end - s > 16)
		return -EINVAL;
	for (; s < end; s++) {
		if (!isxdigit((unsigned char)*s))
			return -EINVAL;
		v = v << 4 |
		    (uint64_t)(isdigit((unsigned char)*s) ? *s - '0' : (*s | 0x20) - 'a' + 10);
	}
	*out = v;
	return 0;
}
