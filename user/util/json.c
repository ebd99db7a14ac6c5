// SPDX-License-Identifier: BSD-2-Clause
/* See json.h. */
#include "util/json.h"

#include <string.h>

#include "util/strbuf.h"
#include "util/utf8.h"

void json_quote(struct strbuf *out, const char *s)
{
	size_t left = strlen(s), n;

	strbuf_addch(out, '"');
	for (; left; s += n, left -= n) {
		n = utf8_char(s, left);
		if (!n) {
			strbuf_addstr(out, UTF8_BAD);
			n = 1;
		} else if (*s == '"' || *s == '\\') {
			strbuf_addch(out, '\\');
			strbuf_addch(out, *s);
		} else if ((unsigned char)*s < 0x20) {
			strbuf_addf(out, "\\u%04x", (unsigned char)*s);
		} else {
			strbuf_add(out, s, n);
		}
	}
	strbuf_addch(out, '"');
}
