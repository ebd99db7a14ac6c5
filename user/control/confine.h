/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the service gives up before it listens to anybody: capabilities that neither it nor a
 * recorder that it makes will need, for good (the bounding set, too), and to gain any by executing
 * something.
 */
#ifndef CTRACE_CONTROL_CONFINE_H
#define CTRACE_CONTROL_CONFINE_H

struct strbuf;

/* While there is one thread. Takes all descriptors that it may have. 0, or -errno with the reason
 * in why. */
int confine_service(struct strbuf *why);

#endif
