/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes as gops prints them: a table, or a tree. Pure: a listing in, a text out. */
#ifndef CTRACE_GOPS_PSTABLE_H
#define CTRACE_GOPS_PSTABLE_H

#include "gops/proclist.h"

/* PID PPID NAME[*] VERSION PATH, a line each, columns as wide as they have to be. */
void pstable_print(struct strbuf *out, const struct process_set *set);

/* Children below their parents; below "..." those whose parents are not in the set, each below its
 * parent's number. Of those that are very deep, … stands for their children. */
void pstree_print(struct strbuf *out, const struct process_set *set);

/* Has its name, its program's path or what it runs on this in it, whatever the letters' case; or is
 * the name one that a glob matches? */
bool process_matches(const struct process *p, const char *pattern);

/* Keeps those that match. */
void process_set_filter(struct process_set *set, const char *pattern);

#endif
