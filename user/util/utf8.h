/* SPDX-License-Identifier: BSD-2-Clause */
/* What is a character and what only bytes. */
#ifndef CTRACE_UTIL_UTF8_H
#define CTRACE_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD "\xef\xbf\xbd" /* U+FFFD, for a byte that is none */

/* Bytes of the well-formed character that s begins with (Unicode 15, table 3-7); 0 when there is
 * none. len > 0. */
size_t utf8_char(const char *s, size_t len);
/* Copies text to out as valid UTF-8, at most max bytes, cut on a character's end. Returns the
 * length. */
size_t utf8_clean(char *out, size_t max, const char *text, size_t len);

/* The number of a well-formed character of so many bytes. */
uint32_t utf8_number(const char *s, size_t len);
/* Is that a control character, or one without a width, or one that turns a line's direction? They
 * do something to a terminal, or have its reader see what is not there. */
bool utf8_is_invisible(uint32_t c);

#endif
