/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of the machine, for whoever asks the service: who asks again and again gets the
 * same list for a second, or for ten times as long as it took to make, so that the service has time
 * for others.
 */
#ifndef CTRACE_CONTROL_PROCESSES_H
#define CTRACE_CONTROL_PROCESSES_H

#include <jansson.h>

struct caller;
struct processes;

/* Forks: to be called while there is one thread. NULL with errno. */
struct processes *processes__new(void);
void processes__free(struct processes *p); /* NULL is fine */

/* Those that this caller may record, as process_json() tells them; a new array. pattern: only those
 * that it names, see process_matches(); NULL: all. NULL with errno. */
json_t *processes__list(struct processes *p, const struct caller *c, const char *pattern);

#endif
