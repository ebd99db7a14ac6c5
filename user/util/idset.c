// SPDX-License-Identifier: BSD-2-Clause
/* See idset.h. */
#include "util/idset.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static void place(struct idset *s, uint32_t id)
{
	size_t mask = s->nslot - 1, j = s->hash[id - 1] & mask;

	while (s->slot[j])
		j = (j + 1) & mask;
	s->slot[j] = id;
}

static void grow(struct idset *s)
{
	uint32_t id;

	free(s->slot);
	s->nslot = s->nslot ? s->nslot * 2 : 64;
	s->slot = xcalloc(s->nslot, sizeof(*s->slot));
	for (id = 1; id <= s->cnt; id++)
		place(s, id);
}

uint32_t idset_add(struct idset *s, uint32_t hash)
{
	s->hash = xgrow(s->hash, s->cnt, &s->cap, sizeof(*s->hash));
	if ((s->cnt + 1) * 2 > s->nslot)
		grow(s);
	s->hash[s->cnt++] = hash;
	place(s, (uint32_t)s->cnt);
	return (uint32_t)s->cnt;
}

void idset_reset(struct idset *s)
{
	if (s->cnt)
		memset(s->slot, 0, s->nslot * sizeof(*s->slot));
	s->cnt = 0;
}

void idset_free(struct idset *s)
{
	free(s->slot);
	free(s->hash);
	*s = (struct idset){ 0 };
}
