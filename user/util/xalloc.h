/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation that ends the program when memory is gone. For everything whose size our own limits
 * bound; what an input could make large is bounded by its reader before it asks for memory here.
 */
#ifndef CTRACE_UTIL_XALLOC_H
#define CTRACE_UTIL_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t sz);
void *xcalloc(size_t cnt, size_t sz); /* zeroed */
void *xrealloc(void *p, size_t sz);
char *xstrdup(const char *s);

/*
 * Room for one more element in a growing array: doubles *cap (elements of `sz` bytes) when cnt ==
 * *cap. Returns the array, moved or not.
 */
void *xgrow(void *array, size_t cnt, size_t *cap, size_t sz);

#endif
