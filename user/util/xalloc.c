// SPDX-License-Identifier: BSD-2-Clause
/* See xalloc.h. */
#include "util/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (!p) {
		fputs("ctrace-bpf: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t sz)
{
	return must(malloc(sz ? sz : 1));
}

void *xcalloc(size_t cnt, size_t sz)
{
	return must(calloc(cnt ? cnt : 1, sz ? sz : 1));
}

void *xrealloc(void *p, size_t sz)
{
	return must(realloc(p, sz ? sz : 1));
}

char *xstrdup(const char *s)
{
	return must(strdup(s));
}

void *xgrow(void *array, size_t cnt, size_t *cap, size_t sz)
{
	if (cnt < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 16;
	return must(reallocarray(array, *cap, sz));
}
