// SPDX-License-Identifier: BSD-2-Clause
/* See index.h. Its script and its style run because they carry a number that is new in each answer,
 * and nothing else does. */
#include "http/index.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "http/request.h"
#include "util/strbuf.h"

#define PLACE "@NONCE@" /* in the page */

static const char page[] = {
#include "index_html.h"
};

static int make_nonce(char out[33])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[16];
	size_t i;

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return -1;
	for (i = 0; i < sizeof(raw); i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[32] = 0;
	return 0;
}

static void fill(struct strbuf *out, const char *nonce)
{
	const char *from = page, *at;

	for (; (at = strstr(from, PLACE)); from = at + strlen(PLACE)) {
		strbuf_add(out, from, (size_t)(at - from));
		strbuf_addstr(out, nonce);
	}
	strbuf_addstr(out, from);
}

void index_answer(struct request *r)
{
	struct strbuf body = STRBUF_INIT, policy = STRBUF_INIT;
	char nonce[33];

	if (make_nonce(nonce)) {
		request__error(r, 500, "there are no random numbers yet");
		return;
	}
	fill(&body, nonce);
	strbuf_addf(
		&policy,
		"default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; "
		"form-action 'self'; base-uri 'none'; img-src data:; frame-ancestors 'none'",
		nonce, nonce);
	request__add(r, "Content-Type", "text/html; charset=utf-8");
	request__add(r, "X-Content-Type-Options", "nosniff");
	request__add(r, "Content-Security-Policy", policy.buf);
	request__add(r, "X-Frame-Options", "DENY");
	request__add(r, "Referrer-Policy", "no-referrer");
	request__add(r, "Cache-Control", "no-store");
	request__answer(r, 200, body.buf, body.len);
	strbuf_free(&policy);
	strbuf_free(&body);
}
