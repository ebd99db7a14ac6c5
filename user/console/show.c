// SPDX-License-Identifier: BSD-2-Clause
/* See show.h. */
#include "console/show.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/strbuf.h"
#include "util/utf8.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct show {
	struct strbuf *out;
	bool colors;
};

static void colored(struct show *s, const char *color, const char *text)
{
	strbuf_addstr(s->out, s->colors ? color : "");
	strbuf_addstr(s->out, text);
	strbuf_addstr(s->out, s->colors ? PLAIN : "");
}

/* ---- strings ---- */

static void add_character(struct strbuf *out, const char *s, size_t len)
{
	static const char meant[] = "\b\f\n\r\t\v\"\\", letters[] = "bfnrtv\"\\";
	uint32_t c = utf8_number(s, len);
	const char *known = c && c < 0x80 ? strchr(meant, (char)c) : NULL;

	if (known)
		strbuf_addf(out, "\\%c", letters[known - meant]);
	else if (utf8_is_invisible(c))
		strbuf_addf(out, "\\u%04x", c);
	else
		strbuf_add(out, s, len);
}

static void add_quoted(struct strbuf *out, const char *s, size_t len)
{
	size_t n;

	strbuf_addch(out, '"');
	for (; len; s += n, len -= n) {
		n = utf8_char(s, len);
		if (n)
			add_character(out, s, n);
		else
			strbuf_addstr(out, UTF8_BAD), n = 1;
	}
	strbuf_addch(out, '"');
}

static void show_string(struct show *s, const char *text, size_t len)
{
	struct strbuf quoted = STRBUF_INIT;

	add_quoted(&quoted, text, len);
	colored(s, GREEN, quoted.buf);
	strbuf_free(&quoted);
}

/* A key needs quotes where it is no name. */
static void show_key(struct show *s, const char *key)
{
	size_t i, len = strlen(key);
	bool name = len && !isdigit((unsigned char)*key);

	for (i = 0; i < len && name; i++)
		name = isalnum((unsigned char)key[i]) || key[i] == '_' || key[i] == '$';
	if (name)
		strbuf_addstr(s->out, key);
	else
		add_quoted(s->out, key, len);
}

/* ---- numbers ---- */

/* 1e-7, where C writes 1e-07. */
static void shorten_exponent(char *text)
{
	char *digits = strchr(text, 'e');

	if (!digits)
		return;
	digits += digits[1] == '+' || digits[1] == '-' ? 2 : 1;
	memmove(digits, digits + strspn(digits, "0"), strlen(digits + strspn(digits, "0")) + 1);
}

/* The shortest that is read back as the same. */
static void show_real(struct show *s, double d)
{
	char text[40];
	int digits;

	for (digits = 1; digits < 18; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	if (fabs(d) >= 1e-6 && fabs(d) < 1e15 && strchr(text, 'e'))
		snprintf(text, sizeof(text), "%.*f", digits > 17 ? 17 : 0, d);
	shorten_exponent(text);
	colored(s, RED, text);
}

static void show_integer(struct show *s, json_int_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, v);
	colored(s, RED, text);
}

/* ---- what has parts ---- */

static void show_any(struct show *s, const json_t *v, unsigned level, bool in_array);

static void indent(struct show *s, unsigned level)
{
	strbuf_addf(s->out, "%*s", (int)(2 * level), "");
}

static void show_object(struct show *s, const json_t *object, unsigned level, bool in_array)
{
	size_t left = json_object_size(object);
	const char *key;
	json_t *v;

	if (!left) {
		strbuf_addstr(s->out, "{}");
		return;
	}
	strbuf_addstr(s->out, "{\n");
	json_object_foreach((json_t *)object, key, v) {
		indent(s, level + 1);
		show_key(s, key);
		strbuf_addstr(s->out, ": ");
		show_any(s, v, level + 1, false);
		strbuf_addstr(s->out, --left ? ",\n" : "\n");
	}
	indent(s, level - in_array);
	strbuf_addch(s->out, '}');
}

static void show_array(struct show *s, const json_t *array, unsigned level)
{
	const json_t *v;
	size_t i;

	strbuf_addch(s->out, '[');
	json_array_foreach((json_t *)array, i, v) {
		strbuf_addstr(s->out, i ? ", " : "");
		show_any(s, v, level + 1, true);
	}
	strbuf_addch(s->out, ']');
}

static void show_any(struct show *s, const json_t *v, unsigned level, bool in_array)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		show_object(s, v, level, in_array);
		break;
	case JSON_ARRAY:
		show_array(s, v, level);
		break;
	case JSON_STRING:
		show_string(s, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		show_integer(s, json_integer_value(v));
		break;
	case JSON_REAL:
		show_real(s, json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		colored(s, BOLD, json_is_true(v) ? "true" : "false");
		break;
	case JSON_NULL:
		colored(s, BOLD, "null");
		break;
	}
}

void show_value(struct strbuf *out, const json_t *v, bool colors)
{
	struct show s = { out, colors };

	show_any(&s, v, 0, false);
}
