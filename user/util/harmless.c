// SPDX-License-Identifier: BSD-2-Clause
/* See harmless.h. */
#include "util/harmless.h"

#include <string.h>

#include "util/strbuf.h"
#include "util/utf8.h"

void add_harmless(struct strbuf *out, const char *text)
{
	size_t left = strlen(text), n;

	for (; left; text += n, left -= n) {
		n = utf8_char(text, left);
		if (!n || utf8_is_invisible(utf8_number(text, n))) {
			strbuf_addch(out, '?');
			n = n ? n : 1;
		} else {
			strbuf_add(out, text, n);
		}
	}
}
