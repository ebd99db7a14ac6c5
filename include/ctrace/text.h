/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for the texts of ctrace_logf(), for ctrace.h, which includes this file. Not of the
 * caller's stack, which may be that of a coroutine and small; nor of the thread's, which a library
 * that was loaded late would have to allocate. So there are some places for all, and who finds none
 * has a short one.
 */
#ifndef CTRACE_TEXT_H
#define CTRACE_TEXT_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CTRACE_BRIEF_ 64

struct ctrace_text_ {
	char *at;
	size_t size;
	uint32_t place; /* its bit; 0: it is the short one */
	char brief[CTRACE_BRIEF_];
};

/* Memory for a text, to be given back by ctrace_text_give_(). */
static CTRACE_ALONE_ void ctrace_text_take_(struct ctrace_text_ *text)
{
	uint32_t used = __atomic_load_n(&CTRACE_ROOM_.texts_used, __ATOMIC_RELAXED);

	while (~used) {
		text->place = ~used & (used + 1);
		if (!__atomic_compare_exchange_n(&CTRACE_ROOM_.texts_used, &used,
						 used | text->place, false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		text->at = CTRACE_ROOM_.texts[__builtin_ctz(text->place)];
		text->size = CTRACE_TEXT_SIZE_;
		return;
	}
	text->place = 0;
	text->at = text->brief;
	text->size = sizeof(text->brief);
}

static inline __attribute__((__unused__)) void ctrace_text_give_(const struct ctrace_text_ *text)
{
	__atomic_fetch_and(&CTRACE_ROOM_.texts_used, ~text->place, __ATOMIC_RELEASE);
}

/* As vsnprintf, and errno stays. A short text that was cut ends with an ellipsis. */
__attribute__((__format__(__printf__, 2, 0))) static CTRACE_ALONE_ bool
ctrace_text_print_(struct ctrace_text_ *text, const char *format, va_list args)
{
	/* by a pointer, which is there when the program is: to find a function takes stack */
	int (*volatile print)(char *, size_t, const char *, va_list) = vsnprintf;
	int error = errno, len = print(text->at, text->size, format, args);

	errno = error;
	if (!text->place && len >= CTRACE_BRIEF_)
		__builtin_memcpy(text->brief + CTRACE_BRIEF_ - 4, "\xe2\x80\xa6", 4);
	return len >= 0;
}

#endif
