// SPDX-License-Identifier: BSD-2-Clause
/* See words.h. */
#include "console/words.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/strbuf.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#define EXACT_MAX 9007199254740992.0 /* whole numbers up to here are told apart in JavaScript */

struct reader {
	const char *line, *at; /* ends in a NUL */
	unsigned depth;
	const char *bad; /* where the error is */
	struct strbuf *why;
};

/* Remembers the first thing that is wrong. NULL, for those that return a value. */
__attribute__((format(printf, 3, 4))) static json_t *refuse(struct reader *r, const char *where,
							    const char *fmt, ...)
{
	va_list ap;

	if (r->bad)
		return NULL;
	r->bad = where;
	strbuf_reset(r->why);
	va_start(ap, fmt);
	strbuf_addv(r->why, fmt, ap);
	va_end(ap);
	return NULL;
}

static void skip_blanks(struct reader *r)
{
	for (;;) {
		r->at += strspn(r->at, " \t\r\n\v\f");
		if (r->at[0] != '/' || r->at[1] != '/')
			return;
		r->at += strlen(r->at);
	}
}

/* The character, and the blanks before it. */
static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static bool begins_name(char c)
{
	return isalpha((unsigned char)c) || c == '_' || c == '$';
}

static size_t name_len(const char *s)
{
	size_t n = 0;

	if (begins_name(*s))
		while (begins_name(s[n]) || isdigit((unsigned char)s[n]))
			n++;
	return n;
}

static char *copy(const char *s, size_t len)
{
	char *text = xmalloc(len + 1);

	memcpy(text, s, len);
	text[len] = 0;
	return text;
}

/* ---- strings ---- */

static void add_utf8(struct strbuf *out, uint32_t c)
{
	if (c < 0x80) {
		strbuf_addch(out, (char)c);
		return;
	}
	if (c < 0x800) {
		strbuf_addch(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			strbuf_addch(out, (char)(0xe0 | c >> 12));
		} else {
			strbuf_addch(out, (char)(0xf0 | c >> 18));
			strbuf_addch(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		strbuf_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	strbuf_addch(out, (char)(0x80 | (c & 0x3f)));
}

/* So many hexadecimal digits; -1: there are not. */
static int64_t hex_digits(const char *s, size_t cnt)
{
	char text[9];

	if (!cnt || cnt >= sizeof(text) || strspn(s, "0123456789abcdefABCDEF") < cnt)
		return -1;
	memcpy(text, s, cnt);
	text[cnt] = 0;
	return (int64_t)strtoul(text, NULL, 16);
}

/* \xHH, \uHHHH, \u{H…}; r->at is behind the letter. -1: it is none. */
static int64_t escaped_number(struct reader *r, char letter)
{
	size_t len = letter == 'x' ? 2 : 4;
	const char *digits = r->at;
	int64_t c;

	if (letter == 'u' && *digits == '{') {
		len = strcspn(++digits, "}");
		if (!digits[len])
			return -1;
		r->at = digits + len + 1;
		return hex_digits(digits, len);
	}
	c = hex_digits(digits, len);
	if (c >= 0)
		r->at += len;
	return c;
}

static void read_code_point(struct reader *r, char letter, struct strbuf *out)
{
	const char *begin = r->at - 2;
	int64_t c = escaped_number(r, letter), low;

	/* of what UTF-16 has two halves for, both are written */
	if (c >= 0xd800 && c < 0xdc00 && r->at[0] == '\\' && r->at[1] == 'u') {
		r->at += 2;
		low = escaped_number(r, 'u');
		c = low >= 0xdc00 && low < 0xe000 ?
			    0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) :
			    -1;
	}
	if (!c)
		refuse(r, begin, "no text can have a NUL in it");
	else if (c < 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		refuse(r, begin, "that is no character");
	else
		add_utf8(out, (uint32_t)c);
}

static void read_escape(struct reader *r, struct strbuf *out)
{
	static const char letters[] = "bfnrtv'\"\\/`", meant[] = "\b\f\n\r\t\v'\"\\/`";
	char letter = *r->at ? *r->at++ : 0;
	const char *known = letter ? strchr(letters, letter) : NULL;

	if (known)
		strbuf_addch(out, meant[known - letters]);
	else if (letter == 'x' || letter == 'u')
		read_code_point(r, letter, out);
	else if (letter == '0')
		refuse(r, r->at - 2, "no text can have a NUL in it");
	else if (letter)
		refuse(r, r->at - 2, "a backslash is written twice, \\\\, in a text");
}

/* r->at is on the quote. False: refused. */
static bool read_text(struct reader *r, struct strbuf *out)
{
	const char *begin = r->at;
	char quote = *r->at++;
	size_t n;

	while (*r->at && *r->at != quote && !r->bad) {
		n = utf8_char(r->at, strlen(r->at) < 4 ? strlen(r->at) : 4);
		if (!n) {
			refuse(r, r->at, "a byte that is no UTF-8");
		} else if (*r->at == '\\') {
			r->at++;
			read_escape(r, out);
		} else {
			strbuf_add(out, r->at, n);
			r->at += n;
		}
	}
	if (!r->bad && *r->at != quote)
		refuse(r, begin, "the text that begins here has no end: a %c is missing", quote);
	if (!r->bad)
		r->at++;
	return !r->bad;
}

static json_t *read_string(struct reader *r)
{
	struct strbuf text = STRBUF_INIT;
	json_t *v = NULL;

	if (read_text(r, &text))
		v = json_stringn(text.buf, text.len);
	strbuf_free(&text);
	return v;
}

/* ---- numbers ---- */

static json_t *hex_number(struct reader *r, const char *begin, bool minus)
{
	size_t n = strspn(r->at + 2, "0123456789abcdefABCDEF");
	unsigned long long v = strtoull(r->at + 2, NULL, 16);

	if (!n || n > 15)
		return refuse(r, begin, n ? "too large a number" : "no hexadecimal number");
	r->at += 2 + n;
	return json_integer(minus ? -(json_int_t)v : (json_int_t)v);
}

/* 5, 5.0 and 5e0 are one number, as in JavaScript. */
static json_t *number_of(const char *begin, const char *end)
{
	char *text = copy(begin, (size_t)(end - begin));
	bool whole = strspn(text, "+-0123456789") == strlen(text);
	json_t *v = NULL;
	long long n;
	double d;

	errno = 0;
	n = strtoll(text, NULL, 10);
	if (whole && !errno) {
		v = json_integer(n);
	} else {
		d = strtod(text, NULL);
		if (isfinite(d))
			v = d == floor(d) && fabs(d) < EXACT_MAX ? json_integer((json_int_t)d) :
								   json_real(d);
	}
	free(text);
	return v;
}

static json_t *read_number(struct reader *r)
{
	const char *begin = r->at, *digits, *exp;
	bool minus = *r->at == '-';
	json_t *v;
	size_t n;

	r->at += minus || *r->at == '+';
	digits = r->at;
	if (r->at[0] == '0' && (r->at[1] == 'x' || r->at[1] == 'X')) {
		v = hex_number(r, begin, minus);
	} else {
		r->at += n = strspn(r->at, "0123456789");
		if (n > 1 && *digits == '0')
			return refuse(r, begin, "a number does not begin with 0");
		if (*r->at == '.')
			n += strspn(++r->at, "0123456789"), r->at += strspn(r->at, "0123456789");
		if (!n)
			return refuse(r, begin, "no number");
		if (*r->at == 'e' || *r->at == 'E') {
			exp = r->at + 1;
			exp += *exp == '+' || *exp == '-';
			n = strspn(exp, "0123456789");
			r->at = n ? exp + n : r->at;
		}
		v = number_of(begin, r->at);
		if (!v)
			return refuse(r, begin, "too large a number");
	}
	if (v && (begins_name(*r->at) || *r->at == '.' || isdigit((unsigned char)*r->at))) {
		json_decref(v);
		return refuse(r, begin, "no number; a text needs quotes, as \"5s\"");
	}
	return v;
}

/* ---- the other values ---- */

static json_t *read_value(struct reader *r);

/* Behind a value comes a comma or the end. False: neither, or something was wrong before. */
static bool go_on(struct reader *r, char end, bool *more)
{
	*more = false;
	if (r->bad)
		return false;
	if (take(r, end))
		return true;
	if (!take(r, ',')) {
		refuse(r, r->at,
		       *r->at ? "a comma or a %c has to come here" : "a %c is missing here", end);
		return false;
	}
	*more = !take(r, end); /* a comma may stand behind the last one */
	return true;
}

/* Values up to `end`, which is taken; what opens them has been. */
static json_t *read_list(struct reader *r, char end)
{
	json_t *list = json_array(), *v;
	bool more = !take(r, end);

	while (more) {
		v = read_value(r);
		if (v)
			json_array_append_new(list, v);
		if (!go_on(r, end, &more)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The caller's to free; NULL: refused. */
static char *read_key(struct reader *r)
{
	struct strbuf text = STRBUF_INIT;
	char *key = NULL;
	size_t n;

	skip_blanks(r);
	n = name_len(r->at);
	if (n && r->at[n] == '-') {
		n = strcspn(r->at, ":,} \t");
		refuse(r, r->at, "a name with a - needs quotes here: \"%.*s\"",
		       n > 40 ? 40 : (int)n, r->at);
	} else if (n) {
		key = copy(r->at, n);
		r->at += n;
	} else if (*r->at == '"' || *r->at == '\'') {
		if (read_text(r, &text))
			key = xstrdup(text.buf);
	} else {
		refuse(r, r->at,
		       *r->at ? "a name has to come here, as in {pid: 42}" : "a } is missing here");
	}
	strbuf_free(&text);
	return key;
}

static json_t *read_object(struct reader *r)
{
	json_t *object = json_object(), *v;
	bool more = !take(r, '}');
	char *key;

	while (more) {
		v = NULL;
		key = read_key(r);
		if (key && !take(r, ':'))
			refuse(r, r->at, "a : has to come here, as in {pid: 42}");
		else if (key)
			v = read_value(r);
		if (v)
			json_object_set_new(object, key, v);
		free(key);
		if (!go_on(r, '}', &more)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *read_nested(struct reader *r)
{
	const char *begin = r->at;
	json_t *v;

	if (r->depth == WORDS_DEPTH_MAX)
		return refuse(r, begin, "too deep: %d in each other are all that is taken",
			      WORDS_DEPTH_MAX);
	r->depth++;
	v = *r->at++ == '[' ? read_list(r, ']') : read_object(r);
	r->depth--;
	return v;
}

static bool is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(s, word, len);
}

static json_t *read_word(struct reader *r)
{
	const char *s = r->at;
	size_t n = name_len(s);

	r->at += n;
	if (is_word(s, n, "true"))
		return json_true();
	if (is_word(s, n, "false"))
		return json_false();
	if (is_word(s, n, "null") || is_word(s, n, "undefined"))
		return json_null();
	n = strcspn(s, ",)]}: \t'\"");
	return refuse(r, s, "no value: a text needs quotes, as \"%.*s\"", n > 40 ? 40 : (int)n, s);
}

static json_t *read_value(struct reader *r)
{
	skip_blanks(r);
	switch (*r->at) {
	case 0:
		return refuse(r, r->at, "a value is missing here");
	case '"':
	case '\'':
		return read_string(r);
	case '[':
	case '{':
		return read_nested(r);
	case '+':
	case '-':
	case '.':
	case '0' ... '9':
		return read_number(r);
	default:
		if (begins_name(*r->at) || *r->at == '/' || *r->at == '~')
			return read_word(r);
		return refuse(
			r, r->at,
			"no value: that is a text in quotes, a number, true, false, null, […] or {…}");
	}
}

/* ---- the line ---- */

/* debug, debug.goTrace, debug_goTrace */
static void read_path(struct reader *r, struct words *w)
{
	const char *begin, *under;
	size_t n;

	skip_blanks(r);
	begin = r->at;
	n = name_len(begin);
	if (!n) {
		refuse(r, begin,
		       "a call has to come here, as debug.goTrace(\"go.trace\", 5); help lists them");
		return;
	}
	r->at += n;
	under = memchr(begin, '_', n);
	if (!take(r, '.')) {
		if (under && under > begin && under + 1 < begin + n) {
			w->space = copy(begin, (size_t)(under - begin));
			w->name = copy(under + 1, n - (size_t)(under - begin) - 1);
		} else {
			w->space = copy(begin, n);
		}
		return;
	}
	w->space = copy(begin, n);
	skip_blanks(r);
	n = name_len(r->at);
	if (!n) {
		refuse(r, r->at, "the name of a method is missing here; %s lists them", w->space);
		return;
	}
	w->name = copy(r->at, n);
	r->at += n;
	skip_blanks(r);
	if (*r->at == '.')
		refuse(r, r->at, "there is nothing below a method");
}

static bool is_exit(const struct words *w)
{
	return !w->name && (!strcmp(w->space, "exit") || !strcmp(w->space, "quit"));
}

static bool is_help(const struct words *w)
{
	return !w->name && !strcmp(w->space, "help");
}

static void read_call(struct reader *r, struct words *w, const char *begin)
{
	w->kind = WORDS_CALL;
	w->args = read_list(r, ')');
	if (!r->bad && !w->name && !is_exit(w) && !is_help(w))
		refuse(r, begin,
		       "%s is no method; they are called by namespace and name, as debug.stopGoTrace()",
		       w->space);
}

/* help and exit are no methods, with or without (). */
static void read_own_word(struct reader *r, struct words *w)
{
	bool help = is_help(w);

	if (!help && !is_exit(w))
		return;
	if (w->args && json_array_size(w->args)) {
		refuse(r, r->line, "%s takes nothing in ()%s", w->space,
		       help ? "; write help debug" : "");
		return;
	}
	free(w->space);
	w->space = NULL;
	json_decref(w->args);
	w->args = NULL;
	w->kind = help ? WORDS_HELP : WORDS_EXIT;
	skip_blanks(r);
	if (help && begins_name(*r->at))
		read_path(r, w);
}

static void read_line(struct reader *r, struct words *w)
{
	const char *begin;

	skip_blanks(r);
	begin = r->at;
	if (!*begin || *begin == ';')
		goto end;
	read_path(r, w);
	if (r->bad)
		return;
	w->kind = WORDS_NAME;
	if (take(r, '('))
		read_call(r, w, begin);
	if (!r->bad)
		read_own_word(r, w);
end:
	while (!r->bad && take(r, ';'))
		;
	skip_blanks(r);
	if (!r->bad && *r->at)
		refuse(r, r->at,
		       w->kind == WORDS_NAME ? "arguments stand in (), apart by commas" :
					       "nothing can come behind it; one call is one line");
}

int words_parse(struct words *w, const char *line, size_t *at, struct strbuf *why)
{
	struct reader r = { .line = line, .at = line, .why = why };

	*w = (struct words){ 0 };
	if (strlen(line) > WORDS_LINE_MAX)
		refuse(&r, line, "longer than %u bytes", WORDS_LINE_MAX);
	else
		read_line(&r, w);
	*at = r.bad ? (size_t)(r.bad - line) : 0;
	return r.bad ? -EINVAL : 0;
}

void words_free(struct words *w)
{
	free(w->space);
	free(w->name);
	json_decref(w->args);
	*w = (struct words){ 0 };
}
