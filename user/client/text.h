/* SPDX-License-Identifier: BSD-2-Clause */
/* A call as text, and what its answer says. Pure. */
#ifndef CTRACE_CLIENT_TEXT_H
#define CTRACE_CLIENT_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

#define CALL_ANSWER_MAX (16u << 20) /* bytes of an answer; a list of all processes is far below */

/* Appends the call; params as in client__call(). */
void call_write(struct strbuf *out, uint64_t id, const char *method, const json_t *params);

/*
 * The answer to the call with this id. 0 with *result; -EPROTO: it is an error, with its message in
 * why and its code in *code (where that is not NULL); -EBADMSG: it is no answer to this, with the
 * sentence.
 */
int call_read(const char *text, size_t len, uint64_t id, json_t **result, int *code,
	      struct strbuf *why);

/* For sentences: what came in place of an answer, up to its first line's end and not too much. */
void call_excerpt(struct strbuf *out, const char *text, size_t len);

#endif
