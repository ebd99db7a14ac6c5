// SPDX-License-Identifier: BSD-2-Clause
/* See address.h. */
#include "control/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "util/parse.h"
#include "util/strbuf.h"

static int refuse(const char *text, struct strbuf *why)
{
	strbuf_set_f(
		why,
		"--listen=%s: not an address with a port; write 127.0.0.1:6060, [::1]:6060 or none",
		text);
	return -EINVAL;
}

/* host is what stands before the last colon. */
static int parse_host(const char *host, in_port_t port, union address *a)
{
	char inner[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (!len || host[0] == '[') {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = port;
		if (!len)
			return 0;
		if (host[len - 1] != ']' || len - 2 >= sizeof(inner))
			return -EINVAL;
		memcpy(inner, host + 1, len - 2);
		inner[len - 2] = 0;
		return inet_pton(AF_INET6, inner, &a->in6.sin6_addr) == 1 ? 0 : -EINVAL;
	}
	a->in.sin_family = AF_INET;
	a->in.sin_port = port;
	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	return inet_pton(AF_INET, host, &a->in.sin_addr) == 1 ? 0 : -EINVAL;
}

int address_parse(const char *text, union address *a, struct strbuf *why)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	uint64_t port;

	memset(a, 0, sizeof(*a));
	if (!colon || (size_t)(colon - text) >= sizeof(host) || parse_u64(colon + 1, &port) ||
	    port > 65535)
		return refuse(text, why);
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = 0;
	return parse_host(host, htons((uint16_t)port), a) ? refuse(text, why) : 0;
}

socklen_t address_len(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

bool address_is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

void address_words(const union address *a, struct strbuf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (a->any.sa_family == AF_INET)
		strbuf_addf(out, "%s:%u", inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof(text)),
			    ntohs(a->in.sin_port));
	else
		strbuf_addf(out, "[%s]:%u",
			    inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof(text)),
			    ntohs(a->in6.sin6_port));
}
