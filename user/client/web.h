/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts by POST to a URL. Certificates are checked, redirects are not followed (a token must go
 * nowhere else), and for this machine itself no proxy is asked.
 */
#ifndef CTRACE_CLIENT_WEB_H
#define CTRACE_CLIENT_WEB_H

#include <stddef.h>

struct strbuf;
struct web;

struct web_opts {
	const char *url;
	const char *token;  /* NULL none */
	const char *tls_ca; /* NULL: the system's */
};

/* NULL with errno and the sentence in why: no libcurl, no URL. Nobody is asked yet. */
struct web *web__new(const struct web_opts *opts, struct strbuf *why);
void web__free(struct web *w); /* NULL is fine */

/*
 * Posts the text and waits for what comes, in `in`, at most max bytes. 0; -EINTR: watch_fd (-1:
 * none) is readable; -errno else with the sentence: nobody is there, he is not trusted, or the
 * status is not 200, with what he said to it.
 */
int web__post(struct web *w, const struct strbuf *text, int watch_fd, struct strbuf *in, size_t max,
	      struct strbuf *why);

#endif
