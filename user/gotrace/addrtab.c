// SPDX-License-Identifier: BSD-2-Clause
/* See addrtab.h. */
#include "gotrace/addrtab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotrace/pctab.h"
#include "gotrace/strtab.h"
#include "util/hash.h"
#include "util/xalloc.h"

uint32_t addrtab_id(struct addrtab *t, uint64_t addr)
{
	uint32_t hash = (uint32_t)hash_u64(addr), id;
	size_t at;

	for (at = idset_start(&t->ids, hash); (id = idset_next(&t->ids, hash, &at));)
		if (t->addr[id - 1] == addr)
			return id;
	t->addr = xgrow(t->addr, t->ids.cnt, &t->cap, sizeof(*t->addr));
	t->addr[t->ids.cnt] = addr;
	return idset_add(&t->ids, hash);
}

/* A frame as strings; one that has a serial is made once in a generation. */
static struct addr_frame make(struct addrtab *t, const struct sym_frame *f, struct pctab *pcs,
			      struct strtab *strings, struct arena *arena)
{
	uint64_t *slot = f->serial ? u64map_put(&t->by_serial, f->serial, NULL) : NULL;
	struct addr_frame made;

	if (slot && *slot)
		return t->seen[*slot - 1];
	made = (struct addr_frame){
		.func = strtab_text(strings, arena, f->func),
		.file = strtab_text(strings, arena, f->file),
		.line = f->line ? f->line : 1, /* readers want one */
	};
	made.pc = pctab_pc(pcs, strings, made.func, made.file, made.line);
	if (slot) {
		t->seen = xgrow(t->seen, t->nseen, &t->cap_seen, sizeof(*t->seen));
		t->seen[t->nseen++] = made;
		*slot = t->nseen;
	}
	return made;
}

/* Where there is nobody to ask. */
static size_t number_alone(uint64_t addr, char *text, size_t size, struct sym_frame *out)
{
	snprintf(text, size, "0x%llx", (unsigned long long)addr);
	*out = (struct sym_frame){ .func = text, .file = "" };
	return 1;
}

void addrtab_resolve(struct addrtab *t, const struct frame_resolver *r, struct pctab *pcs,
		     struct strtab *strings, struct arena *arena)
{
	const struct sym_frame *sym;
	struct sym_frame alone;
	char text[32];
	size_t i, k, n;

	if (r && r->resolve && r->prefetch && t->ids.cnt)
		r->prefetch(r->ctx, t->addr, t->ids.cnt);
	for (i = 0; i < t->ids.cnt; i++) {
		n = r && r->resolve ? r->resolve(r->ctx, t->addr[i], &sym) : 0;
		if (!n) {
			n = number_alone(t->addr[i], text, sizeof(text), &alone);
			sym = &alone;
		}
		t->span = xgrow(t->span, i, &t->cap_span, sizeof(*t->span));
		t->span[i] = (struct addr_span){ t->nframe, n };
		for (k = 0; k < n; k++) {
			t->frame = xgrow(t->frame, t->nframe, &t->cap_frame, sizeof(*t->frame));
			t->frame[t->nframe++] = make(t, &sym[k], pcs, strings, arena);
		}
	}
}

const struct addr_frame *addrtab_frames(const struct addrtab *t, uint32_t id, size_t *cnt)
{
	*cnt = t->span[id - 1].cnt;
	return &t->frame[t->span[id - 1].first];
}

void addrtab_reset(struct addrtab *t)
{
	idset_reset(&t->ids);
	u64map_free(&t->by_serial);
	t->nframe = t->nseen = 0;
}

void addrtab_free(struct addrtab *t)
{
	free(t->addr);
	idset_free(&t->ids);
	free(t->span);
	free(t->frame);
	free(t->seen);
	u64map_free(&t->by_serial);
	*t = (struct addrtab){ 0 };
}
