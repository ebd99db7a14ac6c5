// SPDX-License-Identifier: BSD-2-Clause
/* See troubles.h. */
#include "util/troubles.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/xalloc.h"

#define LOG_TAG "trouble"

/* It may have names that somebody else gave, and is for a terminal. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void troubles_keep(struct troubles *t, const char *text)
{
	char sentence[1024];
	size_t i;

	snprintf(sentence, sizeof(sentence), "%s", text);
	make_plain(sentence);
	pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->cnt && strcmp(t->text[i], sentence); i++)
		;
	if (i == t->cnt)
		log_info("%s", sentence);
	if (i == t->cnt && i < TROUBLES_MAX)
		t->text[t->cnt++] = xstrdup(sentence);
	pthread_mutex_unlock(&t->lock);
}

void troubles_add(struct troubles *t, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	troubles_keep(t, text);
}

void troubles_each(struct troubles *t, trouble_fn fn, void *ctx)
{
	size_t i;

	pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->cnt; i++)
		fn(ctx, t->text[i]);
	pthread_mutex_unlock(&t->lock);
}

void troubles_free(struct troubles *t)
{
	while (t->cnt)
		free(t->text[--t->cnt]);
}
