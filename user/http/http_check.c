// SPDX-License-Identifier: BSD-2-Clause
/* See http_check.h. */
#include "http/http_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "util/parse.h"
#include "util/strbuf.h"

#define NAME_SZ 256 /* no name of a host is longer, see RFC 1035 */

/* "HOST:PORT", "[::1]:PORT", either without the port. */
struct authority {
	char name[NAME_SZ]; /* without brackets */
	bool v6;	    /* it had them */
	uint64_t port;
};

static int read_port(const char *s, uint64_t unsaid, uint64_t *port)
{
	*port = unsaid;
	if (!*s)
		return 0;
	if (*s != ':')
		return -EINVAL;
	if (!s[1]) /* as RFC 3986 allows it */
		return 0;
	return parse_u64(s + 1, port) || *port > UINT16_MAX ? -EINVAL : 0;
}

static int read_authority(const char *s, uint64_t port_unsaid, struct authority *a)
{
	const char *from = s, *end;

	a->v6 = *s == '[';
	if (a->v6) {
		from = s + 1;
		end = strchr(from, ']');
	} else {
		end = from + strcspn(from, ":");
	}
	if (!end || end == from || (size_t)(end - from) >= sizeof(a->name))
		return -EINVAL;
	memcpy(a->name, from, (size_t)(end - from));
	a->name[end - from] = 0;
	if (!a->v6 && strpbrk(a->name, "@/\\ \t[]"))
		return -EINVAL;
	return read_port(end + a->v6, port_unsaid, &a->port);
}

/* The same address can be written in several ways. */
static bool same_name(const char *a, const char *b)
{
	struct in6_addr a6, b6;

	if (inet_pton(AF_INET6, a, &a6) == 1 && inet_pton(AF_INET6, b, &b6) == 1)
		return !memcmp(&a6, &b6, sizeof(a6));
	return !strcasecmp(a, b);
}

static bool is_address(const struct authority *a)
{
	struct in6_addr addr;

	return inet_pton(a->v6 ? AF_INET6 : AF_INET, a->name, &addr) == 1;
}

static bool is_ours(const struct http_names *n, const struct authority *a)
{
	if (n->any_name || (n->any_address && is_address(a)))
		return true;
	if (a->v6)
		return same_name(a->name, "::1") || (n->listen && same_name(a->name, n->listen));
	return same_name(a->name, "localhost") || same_name(a->name, "127.0.0.1") ||
	       (n->listen && same_name(a->name, n->listen)) ||
	       (n->self && same_name(a->name, n->self));
}

/* "http://HOST:PORT" of this very service, as the request's Host has it. */
static bool same_origin(const struct http_names *n, const struct authority *host,
			const char *origin)
{
	const char *scheme = n->tls ? "https://" : "http://";
	struct authority from;

	if (strncasecmp(origin, scheme, strlen(scheme)) ||
	    read_authority(origin + strlen(scheme), n->tls ? 443 : 80, &from))
		return false;
	return from.v6 == host->v6 && from.port == host->port && same_name(from.name, host->name);
}

int http_check(const struct http_names *names, const struct http_head *head, struct strbuf *why)
{
	struct authority host;

	if (head->hosts != 1 || !head->host ||
	    read_authority(head->host, names->tls ? 443 : 80, &host)) {
		strbuf_set_f(why, "the request does not say by one Host which service it means");
		return -EPERM;
	}
	if (!is_ours(names, &host)) {
		strbuf_set_f(
			why,
			"Host '%s' is no name of this service; use localhost, or the address of --listen",
			head->host);
		return -EPERM;
	}
	if (head->origin && !same_origin(names, &host, head->origin)) {
		strbuf_set_f(why, "a page of '%s' may not use this service", head->origin);
		return -EPERM;
	}
	if (head->site && strcasecmp(head->site, "same-origin") && strcasecmp(head->site, "none")) {
		strbuf_set_f(why,
			     "a page of another site may not use this service (Sec-Fetch-Site: %s)",
			     head->site);
		return -EPERM;
	}
	return 0;
}
