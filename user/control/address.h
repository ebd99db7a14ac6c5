/* SPDX-License-Identifier: BSD-2-Clause */
/* Where HTTP is served: 127.0.0.1:6060, [::1]:6060, localhost:6060. Names are not looked up. */
#ifndef CTRACE_CONTROL_ADDRESS_H
#define CTRACE_CONTROL_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct strbuf;

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* :6060 is every address of the machine. 0, or -EINVAL with the reason in why. */
int address_parse(const char *text, union address *a, struct strbuf *why);
socklen_t address_len(const union address *a);
bool address_is_loopback(const union address *a);
void address_words(const union address *a, struct strbuf *out); /* as it is parsed */

#endif
