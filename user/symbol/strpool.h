/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings kept once each: equal texts have one address, until strpool_free(). */
#ifndef CTRACE_SYMBOL_STRPOOL_H
#define CTRACE_SYMBOL_STRPOOL_H

#include <stddef.h>

#include "util/arena.h"
#include "util/idset.h"

struct strpool {
	struct idset set;
	const char **text; /* by id - 1 */
	size_t cap;
	struct arena mem;
};

/* A zeroed struct strpool is a valid empty one. */
const char *strpool_add(struct strpool *p, const char *s);
const char *strpool_addn(struct strpool *p, const char *s, size_t len);
size_t strpool_bytes(const struct strpool *p); /* memory in use, about */
void strpool_free(struct strpool *p);	       /* as new */

#endif
