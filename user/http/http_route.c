// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who may ask at all, and who answers. Paths are those of Go's mux: one that is not clean, or lacks
 * its slash, leads to the one that is meant.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/http_parts.h"
#include "http/http_rpc.h"
#include "http/index.h"
#include "http/pprof.h"
#include "http/request.h"
#include "rights/token.h"

#define PPROF "/debug/pprof/"
#define PPROF_ALLOWED "GET, HEAD"

/* ---- may he? ---- */

static enum MHD_Result count_host(void *ctx, enum MHD_ValueKind kind, const char *key,
				  const char *value)
{
	(void)kind, (void)value;
	*(size_t *)ctx += !strcasecmp(key, "Host");
	return MHD_YES;
}

static bool comes_from_us(struct request *r, struct strbuf *why)
{
	const struct connection *c = r->con;
	struct http_head head = {
		.host = request__header(r, "Host"),
		.origin = request__header(r, "Origin"),
		.site = request__header(r, "Sec-Fetch-Site"),
	};

	MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, count_host, &head.hosts);
	return !http_check(c->is_local ? &c->http->local : &c->http->tcp, &head, why);
}

/* As a bearer shows it; a browser asks people for a name and a password, which is the token then. */
static bool shows_token(struct request *r, const struct token *token, const char *given)
{
	struct strbuf bearer = STRBUF_INIT;
	char *name, *password = NULL;
	bool right;

	if (strncasecmp(given, "Basic ", 6))
		return token__is(token, given);
	name = MHD_basic_auth_get_username_password(r->con->mhd, &password);
	strbuf_addf(&bearer, "Bearer %s", password ? password : "");
	right = token__is(token, bearer.buf);
	explicit_bzero(bearer.buf, bearer.len);
	strbuf_free(&bearer);
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
	free(name);
	return right;
}

/* What is shown counts alone, right or wrong. */
static unsigned find_caller(struct request *r, struct strbuf *why)
{
	const struct token *token = request__opts(r)->token;
	const char *given = request__header(r, "Authorization");

	if (token && given) {
		if (!shows_token(r, token, given)) {
			strbuf_set_f(why, "that is not the token");
			return 401;
		}
		r->caller = caller_with_token(r->caller);
		return 0;
	}
	if (r->caller.rank != CALLER_NOBODY)
		return 0;
	strbuf_set_f(why,
		     token ? "who asks is not known, and has no token" : "who asks is not known");
	return token ? 401 : 403;
}

static unsigned check(struct request *r, struct strbuf *why)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		r->con->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	if (r->con->too_many) {
		strbuf_set_f(why, "there are too many connections; ask again later");
		request__add(r, "Retry-After", "5");
		request__add(r, "Connection", "close");
		return 503;
	}
	if (strlen(r->target) > HTTP_TARGET_MAX) {
		strbuf_set_f(why, "the address is longer than %zu bytes", HTTP_TARGET_MAX);
		return 414;
	}
	if (info && info->header_size > HTTP_HEAD_MAX) {
		strbuf_set_f(why, "the header is longer than %zu bytes", HTTP_HEAD_MAX);
		return 431;
	}
	if (!comes_from_us(r, why))
		return 403;
	return find_caller(r, why);
}

bool http_admit(struct request *r)
{
	struct strbuf why = STRBUF_INIT;
	unsigned status = check(r, &why);

	if (status) {
		request__log(r, "refused: %s", why.buf);
		if (status == 401) {
			request__add(r, "WWW-Authenticate", "Bearer");
			request__add(r, "WWW-Authenticate",
				     "Basic realm=\"the token as password, any name\"");
		}
		request__error(r, status, why.buf);
	}
	strbuf_free(&why);
	return !status;
}

/* ---- who answers? ---- */

/* As html.EscapeString() of Go. */
static void add_escaped(struct strbuf *out, const char *s)
{
	static const struct {
		char c;
		const char *as;
	} special[] = { { '"', "&#34;" },
			{ '\'', "&#39;" },
			{ '&', "&amp;" },
			{ '<', "&lt;" },
			{ '>', "&gt;" } };
	size_t i;

	for (; *s; s++) {
		for (i = 0; i < sizeof(special) / sizeof(*special) && special[i].c != *s; i++)
			;
		if (i < sizeof(special) / sizeof(*special))
			strbuf_addstr(out, special[i].as);
		else
			strbuf_addch(out, *s);
	}
}

/* As http.Redirect() of Go, which explains itself to GET alone. */
static void redirect(struct request *r, const char *path)
{
	struct strbuf to = STRBUF_INIT, body = STRBUF_INIT;

	for (; *path; path++) {
		if (*path == '\\') /* browsers take it for a slash, and two of them for a host */
			strbuf_addstr(&to, "%5C");
		else
			strbuf_addch(&to, *path);
	}
	if (*request__query_text(r))
		strbuf_addf(&to, "?%s", request__query_text(r));
	request__add(r, "Location", to.buf);
	if (request__is_get(r)) {
		strbuf_addstr(&body, "<a href=\"");
		add_escaped(&body, to.buf);
		strbuf_addstr(&body, "\">Temporary Redirect</a>.\n\n");
		request__add(r, "Content-Type", "text/html; charset=utf-8");
	}
	request__answer(r, MHD_HTTP_TEMPORARY_REDIRECT, body.buf, body.len);
	strbuf_free(&body);
	strbuf_free(&to);
}

static void not_allowed(struct request *r, const char *allowed)
{
	request__add(r, "Allow", allowed);
	request__error(r, 405, "Method Not Allowed");
}

static void route_pprof(struct request *r, const char *name)
{
	if (!request__is_get(r))
		not_allowed(r, PPROF_ALLOWED);
	else if (*name)
		pprof_answer(r, name);
	else
		index_answer(r);
}

/* JSON-RPC is there by POST, a way to the page for people by GET. */
static void route_root(struct request *r)
{
	if (!strcmp(request__method(r), MHD_HTTP_METHOD_POST))
		http_rpc(r);
	else if (request__is_get(r))
		redirect(r, PPROF);
	else
		not_allowed(r, "POST");
}

void http_route(struct request *r)
{
	const char *path = r->path.buf;

	if (!r->query_text)
		request__error(r, 400, "400 Bad Request");
	else if (r->clean.len)
		redirect(r, r->clean.buf);
	else if (!strcmp(path, "/"))
		route_root(r);
	else if (!strncmp(path, PPROF, strlen(PPROF)))
		route_pprof(r, path + strlen(PPROF));
	else if (!strcmp(path, "/debug/pprof"))
		request__is_get(r) ? redirect(r, PPROF) : not_allowed(r, PPROF_ALLOWED);
	else
		request__error(r, 404, "404 page not found");
}
