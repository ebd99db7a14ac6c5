/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a file a Go execution trace? What else it may be is told, with the way to make one of it. */
#ifndef CTRACE_GOPS_TRACEFILE_H
#define CTRACE_GOPS_TRACEFILE_H

#include <stddef.h>

struct strbuf;

/* Bytes of a file's begin that are enough to tell. */
#define TRACEFILE_HEAD 64

/* 22 for a trace that Go 1.22 reads, and so on; or -EINVAL with the sentence in why. name: of the
 * file, for that. */
int tracefile_minor(const char *name, const char *head, size_t len, struct strbuf *why);

/* The same of a file, which is opened as the invoker. -errno where that is not possible. */
int tracefile_check(const char *path, struct strbuf *why);

#endif
