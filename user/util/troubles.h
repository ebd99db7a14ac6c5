/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong beside the main thing, as sentences for the summary: each once, a bounded number
 * of them, from any thread. A zeroed struct troubles is a valid empty one.
 */
#ifndef CTRACE_UTIL_TROUBLES_H
#define CTRACE_UTIL_TROUBLES_H

#include <pthread.h>
#include <stddef.h>

#define TROUBLES_MAX 16 /* the first ones; what comes then is in the log alone */

struct troubles {
	pthread_mutex_t lock;
	char *text[TROUBLES_MAX];
	size_t cnt;
};

typedef void (*trouble_fn)(void *ctx, const char *sentence);

/* Keeps a sentence, a copy. */
void troubles_keep(struct troubles *t, const char *sentence);
__attribute__((format(printf, 2, 3))) void troubles_add(struct troubles *t, const char *fmt, ...);
void troubles_each(struct troubles *t, trouble_fn fn, void *ctx);
void troubles_free(struct troubles *t); /* and it is empty again */

#endif
