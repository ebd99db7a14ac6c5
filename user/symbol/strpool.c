// SPDX-License-Identifier: BSD-2-Clause
/* See strpool.h. */
#include "symbol/strpool.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/xalloc.h"

const char *strpool_addn(struct strpool *p, const char *s, size_t len)
{
	uint32_t hash = hash_bytes(s, len), id;
	size_t at = idset_start(&p->set, hash);
	char *copy;

	while ((id = idset_next(&p->set, hash, &at)))
		if (!strncmp(p->text[id - 1], s, len) && !p->text[id - 1][len])
			return p->text[id - 1];
	copy = arena_alloc(&p->mem, len + 1);
	memcpy(copy, s, len);
	copy[len] = '\0';
	p->text = xgrow(p->text, p->set.cnt, &p->cap, sizeof(*p->text));
	p->text[p->set.cnt] = copy;
	idset_add(&p->set, hash);
	return copy;
}

const char *strpool_add(struct strpool *p, const char *s)
{
	return strpool_addn(p, s, strlen(s));
}

size_t strpool_bytes(const struct strpool *p)
{
	return p->mem.total + p->set.cnt * (sizeof(*p->text) + 12);
}

void strpool_free(struct strpool *p)
{
	idset_free(&p->set);
	free(p->text);
	arena_free(&p->mem);
	*p = (struct strpool){ 0 };
}
