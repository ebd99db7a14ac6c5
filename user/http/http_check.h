/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does a request come from where it says? A page of another site can make a browser send requests
 * to us, with the rights of who sits before it: by a name of its own that leads to our address
 * (Host tells), or by a link or a form (Origin and Sec-Fetch-Site tell). Pure.
 */
#ifndef CTRACE_HTTP_HTTP_CHECK_H
#define CTRACE_HTTP_HTTP_CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

/* By which names we may be called: localhost, 127.0.0.1 and [::1] always. */
struct http_names {
	const char *listen; /* what --listen has before the port; NULL: nothing */
	const char *self;   /* the machine's own name; NULL: does not count */
	bool any_address;   /* we listen everywhere: each address is ours. No rebinding comes by an
			       address */
	bool any_name;	    /* a Unix socket, where no browser comes from */
	bool tls;
};

/* Header lines of a request; NULL: is not there. */
struct http_head {
	const char *host, *origin, *site; /* site: Sec-Fetch-Site */
	size_t hosts;			  /* so many lines Host */
};

/* 0, or -EPERM with the sentence in why. */
int http_check(const struct http_names *names, const struct http_head *head, struct strbuf *why);

#endif
