/* SPDX-License-Identifier: BSD-2-Clause */
/* What `ps` and `tree` have in common: the processes that are meant, and how they are told. */
#ifndef CTRACE_CLI_PSLIST_H
#define CTRACE_CLI_PSLIST_H

#include "util/exitcode.h"

struct options;
struct process_set;
struct proclist;
struct strbuf;

/*
 * Makes what reads processes; NULL, with a notice, where it cannot be had: what they run on is not
 * told then. To be freed with proclist__free().
 */
struct proclist *pslist_open(void);

/* All processes, or those that the first word of the command line means: by print, or as JSON. The
 * exit status, and why. */
enum exit_code pslist_tell(const struct options *o, struct proclist *pl,
			   void (*print)(struct strbuf *out, const struct process_set *set),
			   struct strbuf *why);

#endif
