/* SPDX-License-Identifier: BSD-2-Clause */
/* The Unix socket of a client: texts that end in a newline, with descriptors beside them. No call
 * blocks. */
#ifndef CTRACE_CLIENT_SOCK_H
#define CTRACE_CLIENT_SOCK_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

#define SOCK_FDS_MAX 4

/* The connected descriptor, or -errno with the sentence in why. */
int sock_connect(const char *path, struct strbuf *why);

/*
 * Sends what is left of text from *at on, which grows, and the descriptors with its first byte. 0:
 * all is sent; -EAGAIN: wait until it is writable, and again; -errno else.
 */
int sock_send(int fd, const struct strbuf *text, size_t *at, const int *pass, size_t npass);

/*
 * Reads on until there is a line in `in`. 0: there is, *len bytes without its newline; -EAGAIN:
 * wait until it is readable, and again; -EPIPE: the other side closed, what came last was no whole
 * line; -EMSGSIZE: it is longer than max.
 */
int sock_line(int fd, struct strbuf *in, size_t max, size_t *len);
/* That line is done with. */
void sock_line_done(struct strbuf *in, size_t len);

/* Did the other side close it, or does it speak unasked? For one that has nothing outstanding. */
bool sock_is_stale(int fd);

#endif
