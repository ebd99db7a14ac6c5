/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who looks at processes: a process of its own, since what it reads, files of others and their
 * memory, may be of a file system that never answers. It is given up then (symbol/symzygote.h), and
 * the process that it was asked about is not asked about again.
 *
 * One thread asks at a time.
 */
#ifndef CTRACE_GOPS_LOOKER_H
#define CTRACE_GOPS_LOOKER_H

#include <stdbool.h>
#include <stdint.h>

#include "gops/runtime.h"

struct looker;
struct strbuf;

/* Forks: to be called while there is one thread. It has the rights to read what is the invoker's,
 * and with capabilities what is others'. NULL with errno. */
struct looker *looker__new(void);
void looker__free(struct looker *l); /* NULL is fine */

/* Is this one of its processes? */
bool looker__is(const struct looker *l, uint32_t pid);

/* A new listing: files are looked at once in each. budget_ns: all of its questions together take no
 * longer. */
void looker__begin(struct looker *l, uint64_t budget_ns);

/*
 * started: when, which with the pid says which process. command: its words, apart by NULs, are
 * added there; NULL: they are not asked for. 0 or -errno: -ETIMEDOUT what is to be read does not
 * answer, -EBUSY there was no time left.
 */
int looker__ask(struct looker *l, uint32_t pid, uint64_t started, struct runtime_told *out,
		struct strbuf *command);

#endif
