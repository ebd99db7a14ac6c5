// SPDX-License-Identifier: BSD-2-Clause
/* See http_rpc.h. A client that goes away does not end what it asked for. */
#include "http/http_rpc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/http.h"
#include "http/http_parts.h"
#include "rpc/methods.h"
#include "http/request.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct http_rpc {
	struct request *request;
	struct rpc_text *text; /* NULL: all is answered */
};

/* "application/json; charset=utf-8" is that, too. */
static bool is_json(const char *type)
{
	static const char *const known[] = { "application/json", "application/json-rpc",
					     "application/jsonrequest" };
	size_t len, i;

	if (!type)
		return false;
	type += strspn(type, " \t");
	len = strcspn(type, "; \t");
	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (len == strlen(known[i]) && !strncasecmp(type, known[i], len))
			return true;
	return false;
}

static void on_done(void *ctx, const char *reply, size_t len)
{
	struct http_rpc *c = ctx;
	struct strbuf body = STRBUF_INIT;

	c->text = NULL;
	if (len) {
		strbuf_add(&body, reply, len);
		if (reply[len - 1] != '\n')
			strbuf_addch(&body, '\n');
	}
	request__add(c->request, "Content-Type", "application/json");
	request__add(c->request, "X-Content-Type-Options", "nosniff");
	request__answer(c->request, 200, body.buf, body.len);
	strbuf_free(&body);
}

static void on_over(void *ctx)
{
	struct http_rpc *c = ctx;

	if (c->text)
		rpc_text__let_go(c->text);
	free(c);
}

/* Is it a text at all? Else it is answered. */
static bool is_text(struct request *r)
{
	struct strbuf why = STRBUF_INIT;
	size_t len = request__body_asked(r);

	if (len > HTTP_BODY_MAX) {
		strbuf_set_f(&why, "content length too large (%zu>%zu)", len, HTTP_BODY_MAX);
		request__log(r, "%s", why.buf);
		request__error(r, 413, why.buf);
	} else if (!is_json(request__header(r, "Content-Type"))) {
		strbuf_set_f(&why, "invalid content type, only application/json is supported");
		request__error(r, 415, why.buf);
	}
	len = why.len;
	strbuf_free(&why);
	return !len;
}

void http_rpc(struct request *r)
{
	struct methods_service *service = request__opts(r)->service;
	struct rpc_peer peer = { .caller = *request__caller(r),
				 .methods = control_methods,
				 .service = service,
				 .done = on_done };
	struct http_rpc *c;
	const char *body;
	size_t len;

	if (!is_text(r))
		return;
	c = xcalloc(1, sizeof(*c));
	c->request = r;
	peer.ctx = c;
	request__on_over(r, on_over, c);
	body = request__body(r, &len);
	c->text = rpc_text__new(&peer, body, len);
}
