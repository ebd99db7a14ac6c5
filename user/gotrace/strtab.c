// SPDX-License-Identifier: BSD-2-Clause
/* See strtab.h. */
#include "gotrace/strtab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/hash.h"
#include "util/utf8.h"
#include "util/xalloc.h"

static bool is_plain(const char *text, size_t len)
{
	size_t i;

	if (len > GO_STRING_MAX)
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

uint32_t strtab_id(struct strtab *st, struct arena *a, const char *text, size_t len)
{
	char clean[GO_STRING_MAX], *copy;
	uint32_t hash, id;
	size_t at;

	if (!is_plain(text, len)) {
		len = utf8_clean(clean, sizeof(clean), text, len);
		text = clean;
	}
	if (!len)
		return 0;
	hash = hash_bytes(text, len);
	for (at = idset_start(&st->ids, hash); (id = idset_next(&st->ids, hash, &at));)
		if (st->ent[id - 1].len == len && !memcmp(st->ent[id - 1].text, text, len))
			return id;
	st->ent = xgrow(st->ent, st->ids.cnt, &st->cap, sizeof(*st->ent));
	copy = arena_alloc(a, len);
	memcpy(copy, text, len);
	st->ent[st->ids.cnt] = (struct strtab_entry){ copy, (uint32_t)len };
	return idset_add(&st->ids, hash);
}

uint32_t strtab_text(struct strtab *st, struct arena *a, const char *text)
{
	return text[0] ? strtab_id(st, a, text, strlen(text)) : strtab_id(st, a, "?", 1);
}

void strtab_reset(struct strtab *st)
{
	idset_reset(&st->ids);
}

void strtab_free(struct strtab *st)
{
	free(st->ent);
	idset_free(&st->ids);
	*st = (struct strtab){ 0 };
}
