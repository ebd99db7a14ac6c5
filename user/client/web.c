// SPDX-License-Identifier: BSD-2-Clause
/* See web.h. */
#include "client/web.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/curl.h"
#include "client/text.h"
#include "util/strbuf.h"
#include "util/xalloc.h"
#include "version.h"

#define CONNECT_MAX 10L /* s */
#define POLL_MS 1000

struct web {
	struct curl_lib lib;
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers;
	char *url;
	char error[CURL_ERROR_SIZE];
	/* of the answer that comes */
	struct strbuf *in;
	size_t max;
	bool too_much;
};

static size_t take(char *data, size_t one, size_t cnt, void *ctx)
{
	struct web *w = ctx;

	if (w->in->len + one * cnt > w->max) {
		w->too_much = true;
		return 0;
	}
	strbuf_add(w->in, data, one * cnt);
	return one * cnt;
}

/* Is it this machine by name? */
static bool is_loopback(const char *host)
{
	size_t len = strlen(host);

	return !strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) ||
	       !strcmp(host, "[::1]") || (len > 10 && !strcasecmp(host + len - 10, ".localhost"));
}

/* Of a URL that is none -EINVAL with the sentence. */
static int look_at_url(struct web *w, bool *loopback, struct strbuf *why)
{
	CURLU *u = w->lib.url();
	char *host = NULL;
	int err = -EINVAL;

	if (w->lib.url_set(u, CURLUPART_URL, w->url, 0) ||
	    w->lib.url_get(u, CURLUPART_HOST, &host, 0) || !host) {
		strbuf_set_f(why, "%s is no URL; write http://HOST:PORT", w->url);
	} else {
		*loopback = is_loopback(host);
		err = 0;
	}
	if (host)
		w->lib.free(host);
	w->lib.url_cleanup(u);
	return err;
}

static void add_header(struct web *w, const char *line)
{
	struct curl_slist *more = w->lib.slist_append(w->headers, line);

	if (more)
		w->headers = more;
}

static void set_up(struct web *w, const struct web_opts *opts, bool loopback)
{
	__typeof__(w->lib.easy_setopt) set = w->lib.easy_setopt;
	struct strbuf line = STRBUF_INIT;

	add_header(w, "Content-Type: application/json");
	add_header(w, "Accept: application/json");
	add_header(w, "Expect:"); /* nobody is asked whether a text may come */
	if (opts->token) {
		strbuf_addf(&line, "Authorization: Bearer %s", opts->token);
		add_header(w, line.buf);
		strbuf_free(&line);
	}
	set(w->easy, CURLOPT_URL, w->url);
	set(w->easy, CURLOPT_POST, 1L);
	set(w->easy, CURLOPT_HTTPHEADER, w->headers);
	set(w->easy, CURLOPT_USERAGENT, "ctrace-bpf/" CTRACE_VERSION);
	set(w->easy, CURLOPT_ERRORBUFFER, w->error);
	set(w->easy, CURLOPT_WRITEFUNCTION, take);
	set(w->easy, CURLOPT_WRITEDATA, w);
	set(w->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_MAX);
	set(w->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	set(w->easy, CURLOPT_NOSIGNAL, 1L);
	if (opts->tls_ca)
		set(w->easy, CURLOPT_CAINFO, opts->tls_ca);
	if (loopback)
		set(w->easy, CURLOPT_PROXY, "");
}

struct web *web__new(const struct web_opts *opts, struct strbuf *why)
{
	struct web *w = xcalloc(1, sizeof(*w));
	bool loopback;
	int err;

	w->url = xstrdup(opts->url);
	err = curl_load(&w->lib, why);
	if (!err)
		err = look_at_url(w, &loopback, why);
	if (!err) {
		w->easy = w->lib.easy_init();
		w->multi = w->lib.multi_init();
		err = w->easy && w->multi ? 0 : -ENOMEM;
		if (err)
			strbuf_set_f(why, "libcurl has no memory");
	}
	if (err) {
		web__free(w);
		errno = -err;
		return NULL;
	}
	set_up(w, opts, loopback);
	return w;
}

void web__free(struct web *w)
{
	if (!w)
		return;
	if (w->easy)
		w->lib.easy_cleanup(w->easy);
	if (w->multi)
		w->lib.multi_cleanup(w->multi);
	if (w->headers)
		w->lib.slist_free_all(w->headers);
	free(w->url);
	free(w);
}

/* ---- one post ---- */

/* Until it is done: 0 with *code; or until watch_fd is readable: -EINTR. */
static int run(struct web *w, int watch_fd, CURLcode *code)
{
	struct curl_waitfd watch = { .fd = watch_fd, .events = CURL_WAIT_POLLIN };
	int running = 1, left;
	CURLMsg *msg;

	for (;;) {
		if (w->lib.multi_perform(w->multi, &running))
			break;
		if (!running)
			break;
		watch.revents = 0;
		if (w->lib.multi_poll(w->multi, &watch, watch_fd >= 0, POLL_MS, NULL))
			break;
		if (watch.revents)
			return -EINTR;
	}
	*code = CURLE_FAILED_INIT; /* only where the library itself is broken */
	while ((msg = w->lib.multi_info_read(w->multi, &left)))
		if (msg->msg == CURLMSG_DONE)
			*code = msg->data.result;
	return 0;
}

static int explain(const struct web *w, CURLcode code, struct strbuf *why)
{
	const char *reason = *w->error ? w->error : w->lib.easy_strerror(code);

	switch (code) {
	case CURLE_COULDNT_CONNECT:
		strbuf_set_f(why, "no service at %s: %s; start it with ctrace-bpf serve", w->url,
			     reason);
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
		strbuf_set_f(
			why,
			"the certificate of %s is not trusted: %s; a private one is made known by --tls-ca FILE",
			w->url, reason);
		return -EACCES;
	case CURLE_SSL_CACERT_BADFILE:
		strbuf_set_f(why, "%s: --tls-ca is no file with certificates: %s", w->url, reason);
		return -EINVAL;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		strbuf_set_f(why, "the service at %s closed the connection without an answer",
			     w->url);
		return -EPIPE;
	default:
		strbuf_set_f(why, "cannot reach the service at %s: %s", w->url, reason);
		return -EIO;
	}
}

/* The server's own sentence is what helps. */
static int explain_status(const struct web *w, long status, struct strbuf *why)
{
	strbuf_set_f(why, "%s refused with %ld", w->url, status);
	if (w->in->len && *w->in->buf != '<') {
		strbuf_addstr(why, ": ");
		call_excerpt(why, w->in->buf, w->in->len);
	}
	if (status == 401)
		strbuf_addstr(why, "; give the token with --token-file");
	if (status >= 300 && status < 400)
		strbuf_addstr(why, "; it points elsewhere, and redirects are not followed");
	if (status == 404 || status == 405)
		strbuf_addstr(why, "; is it ctrace-bpf serve?");
	return status == 401 || status == 403 ? -EACCES : -EBADMSG;
}

/* Errors of JSON-RPC may come with any status. */
static bool is_json(struct web *w)
{
	char *type = NULL;

	w->lib.easy_getinfo(w->easy, CURLINFO_CONTENT_TYPE, &type);
	return type && !strncasecmp(type, "application/json", 16);
}

int web__post(struct web *w, const struct strbuf *text, int watch_fd, struct strbuf *in, size_t max,
	      struct strbuf *why)
{
	CURLcode code = CURLE_OK;
	long status = 0;
	int err;

	w->in = in;
	w->max = max;
	w->too_much = false;
	*w->error = 0;
	strbuf_reset(in);
	w->lib.easy_setopt(w->easy, CURLOPT_POSTFIELDS, text->buf);
	w->lib.easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE, (long)text->len);
	w->lib.multi_add_handle(w->multi, w->easy);
	err = run(w, watch_fd, &code);
	/* one that is not done is closed by this */
	w->lib.multi_remove_handle(w->multi, w->easy);
	if (err)
		return err;
	if (w->too_much) {
		strbuf_set_f(why, "the answer of %s is larger than %zu bytes", w->url, max);
		return -EMSGSIZE;
	}
	if (code != CURLE_OK)
		return explain(w, code, why);
	w->lib.easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 || is_json(w) ? 0 : explain_status(w, status, why);
}
