// SPDX-License-Identifier: BSD-2-Clause
/* See text.h. */
#include "client/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/harmless.h"
#include "util/strbuf.h"
#include "util/utf8.h"

#define EXCERPT_MAX 200

void call_write(struct strbuf *out, uint64_t id, const char *method, const json_t *params)
{
	json_t *call = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", (json_int_t)id,
				 "method", method, "params",
				 params ? json_deep_copy(params) : json_array());
	char *text = json_dumps(call, JSON_COMPACT);

	strbuf_addstr(out, text ? text : "");
	free(text);
	json_decref(call);
}

void call_excerpt(struct strbuf *out, const char *text, size_t len)
{
	char clean[EXCERPT_MAX + 1];
	size_t n = 0, i;

	while (n < len && (unsigned char)text[n] >= ' ' && text[n] != 0x7f)
		n++;
	i = utf8_clean(clean, EXCERPT_MAX, text, n);
	clean[i] = 0;
	add_harmless(out, clean);
	if (i < n)
		strbuf_addstr(out, "…");
}

static int no_answer(const char *text, size_t len, const char *what, struct strbuf *why)
{
	strbuf_set_f(why, "what came is %s: ", what);
	call_excerpt(why, text, len);
	return -EBADMSG;
}

/* The message is the service's and may have any character. */
static void set_message(struct strbuf *why, const json_t *error)
{
	const char *s = json_string_value(json_object_get(error, "message"));
	struct strbuf line = STRBUF_INIT;

	for (; s && *s; s++)
		strbuf_addch(&line, isspace((unsigned char)*s) ? ' ' : *s);
	strbuf_reset(why);
	add_harmless(why, line.buf);
	strbuf_free(&line);
	if (!why->len)
		strbuf_set_f(why, "the service answered an error without a message");
}

int call_read(const char *text, size_t len, uint64_t id, json_t **result, int *code,
	      struct strbuf *why)
{
	json_t *answer = json_loadb(text, len, 0, NULL), *error, *its_id, *value;
	int err = 0;

	if (!json_is_object(answer)) {
		json_decref(answer);
		return no_answer(text, len, "not JSON-RPC", why);
	}
	error = json_object_get(answer, "error");
	its_id = json_object_get(answer, "id");
	value = json_object_get(answer, "result");
	if (json_is_object(error)) { /* its id is null where the call could not even be read */
		set_message(why, error);
		if (code)
			*code = (int)json_integer_value(json_object_get(error, "code"));
		err = -EPROTO;
	} else if (!value) {
		err = no_answer(text, len, "neither a result nor an error", why);
	} else if (!json_is_integer(its_id) || (uint64_t)json_integer_value(its_id) != id) {
		err = no_answer(text, len, "the answer to something else", why);
	} else {
		*result = json_incref(value);
	}
	json_decref(answer);
	return err;
}
