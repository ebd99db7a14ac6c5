// SPDX-License-Identifier: BSD-2-Clause
/* See utf8.h. */
#include "util/utf8.h"

#include <string.h>

size_t utf8_char(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0; /* overlong */
	else if (s[0] == 0xed)
		hi = 0x9f; /* surrogates */
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f; /* above U+10FFFF */
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t utf8_clean(char *out, size_t max, const char *text, size_t len)
{
	size_t i = 0, o = 0, n;

	while (i < len) {
		n = utf8_char(text + i, len - i);
		if (o + (n ? n : 3) > max)
			break;
		if (n) {
			memcpy(out + o, text + i, n);
			o += n;
			i += n;
		} else {
			memcpy(out + o, UTF8_BAD, 3);
			o += 3;
			i++;
		}
	}
	return o;
}

uint32_t utf8_number(const char *s, size_t len)
{
	uint32_t c = (unsigned char)s[0] & (len == 1 ? 0x7f : 0xff >> (len + 1));
	size_t i;

	for (i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

bool utf8_is_invisible(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}
