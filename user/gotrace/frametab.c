// SPDX-License-Identifier: BSD-2-Clause
/* See frametab.h. Texts are interned by a strtab, so that a frame is three numbers to compare. */
#include "gotrace/frametab.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gotrace/strtab.h"
#include "util/arena.h"
#include "util/hash.h"
#include "util/xalloc.h"

struct entry {
	struct frame f;
	uint32_t func, file; /* text ids */
};

struct frametab {
	pthread_mutex_t lock;
	struct strtab texts;
	const char **cstr; /* NUL-terminated copies, by text id */
	size_t ncstr, cap_cstr;
	struct arena arena;
	struct entry *ent; /* handle - 1 is the index */
	size_t cap;
	struct idset ids;
};

struct frametab *frametab__new(void)
{
	struct frametab *ft = xcalloc(1, sizeof(*ft));

	pthread_mutex_init(&ft->lock, NULL);
	return ft;
}

void frametab__free(struct frametab *ft)
{
	if (!ft)
		return;
	pthread_mutex_destroy(&ft->lock);
	strtab_free(&ft->texts);
	arena_free(&ft->arena);
	free(ft->cstr);
	free(ft->ent);
	idset_free(&ft->ids);
	free(ft);
}

static uint32_t text_id(struct frametab *ft, const char *text)
{
	uint32_t id = strtab_id(&ft->texts, &ft->arena, text, strlen(text));
	const struct strtab_entry *e;
	char *copy;

	if (!id)
		return text_id(ft, "?");
	if (id > ft->ncstr) {
		e = &ft->texts.ent[id - 1];
		copy = arena_alloc(&ft->arena, e->len + 1);
		memcpy(copy, e->text, e->len);
		copy[e->len] = 0;
		ft->cstr = xgrow(ft->cstr, ft->ncstr, &ft->cap_cstr, sizeof(*ft->cstr));
		ft->cstr[ft->ncstr++] = copy;
	}
	return id;
}

static uint32_t find_or_add(struct frametab *ft, uint32_t func, uint32_t file, uint32_t line)
{
	uint32_t hash = (uint32_t)hash_u64(hash_u64((uint64_t)func << 32 | file) + line), id;
	struct entry *e;
	size_t at;

	for (at = idset_start(&ft->ids, hash); (id = idset_next(&ft->ids, hash, &at));) {
		e = &ft->ent[id - 1];
		if (e->func == func && e->file == file && e->f.line == line)
			return id;
	}
	ft->ent = xgrow(ft->ent, ft->ids.cnt, &ft->cap, sizeof(*ft->ent));
	ft->ent[ft->ids.cnt] = (struct entry){
		.f = { ft->cstr[func - 1], ft->cstr[file - 1], line },
		.func = func,
		.file = file,
	};
	return idset_add(&ft->ids, hash);
}

uint32_t frametab__id(struct frametab *ft, const char *func, const char *file, uint32_t line)
{
	uint32_t id, func_id, file_id;

	pthread_mutex_lock(&ft->lock);
	func_id = text_id(ft, func);
	file_id = text_id(ft, file);
	id = find_or_add(ft, func_id, file_id, line ? line : 1);
	pthread_mutex_unlock(&ft->lock);
	return id;
}

struct frame frametab__get(struct frametab *ft, uint32_t id)
{
	struct frame f;

	pthread_mutex_lock(&ft->lock);
	f = ft->ent[id - 1].f;
	pthread_mutex_unlock(&ft->lock);
	return f;
}

uint64_t frame_pc_text(const struct strtab *st, uint32_t func_id, uint32_t file_id, uint32_t line)
{
	const struct strtab_entry *func = &st->ent[func_id - 1], *file = &st->ent[file_id - 1];
	uint64_t h = hash_bytes64(HASH_SEED, func->text, func->len);

	h = hash_bytes64(h, "", 1);
	h = hash_bytes64(h, file->text, file->len);
	h = hash_u64(h + line);
	return FRAME_PC_TEXT | (h & (FRAME_PC_TEXT - 1));
}
