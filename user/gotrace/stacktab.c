// SPDX-License-Identifier: BSD-2-Clause
/* See stacktab.h. */
#include "gotrace/stacktab.h"

#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/hash.h"
#include "util/xalloc.h"

uint32_t stacktab_id(struct stacktab *st, struct arena *a, const uint32_t *frame, size_t cnt)
{
	uint32_t cut[STACK_HANDLES_MAX], *copy, hash, id;
	struct stacktab_entry *e;
	uint64_t h = cnt;
	size_t i, at;

	if (!cnt)
		return 0;
	if (cnt > STACK_HANDLES_MAX) {
		memcpy(cut, frame, sizeof(cut));
		cut[STACK_HANDLES_MAX - 1] = frame[cnt - 1];
		frame = cut;
		cnt = STACK_HANDLES_MAX;
	}
	for (i = 0; i < cnt; i++)
		h = hash_u64(h + frame[i]);
	hash = (uint32_t)h;
	for (at = idset_start(&st->ids, hash); (id = idset_next(&st->ids, hash, &at));) {
		e = &st->ent[id - 1];
		if (e->cnt == cnt && !memcmp(e->frame, frame, cnt * sizeof(*frame)))
			return id;
	}
	st->ent = xgrow(st->ent, st->ids.cnt, &st->cap, sizeof(*st->ent));
	copy = arena_alloc(a, cnt * sizeof(*frame));
	memcpy(copy, frame, cnt * sizeof(*frame));
	st->ent[st->ids.cnt] = (struct stacktab_entry){ copy, (uint32_t)cnt };
	return idset_add(&st->ids, hash);
}

void stacktab_reset(struct stacktab *st)
{
	idset_reset(&st->ids);
}

void stacktab_free(struct stacktab *st)
{
	free(st->ent);
	idset_free(&st->ids);
	*st = (struct stacktab){ 0 };
}
