// SPDX-License-Identifier: BSD-2-Clause
/* See aged.h. */
#include "model/aged.h"

#include "util/hash.h"

static uint64_t hash_of(uint64_t scope, uint64_t id)
{
	uint64_t h = hash_u64(hash_u64(id) + scope);

	return h ? h : 1; /* 0 cannot be stored */
}

static void list_add(struct aged_list *l, struct aged *a)
{
	a->list = l;
	a->prev = NULL;
	a->next = l->first;
	if (l->first)
		l->first->prev = a;
	else
		l->last = a;
	l->first = a;
	l->cnt++;
}

static void list_del(struct aged *a)
{
	struct aged_list *l = a->list;

	if (a->prev)
		a->prev->next = a->next;
	else
		l->first = a->next;
	if (a->next)
		a->next->prev = a->prev;
	else
		l->last = a->prev;
	l->cnt--;
}

struct aged *aged_find(const struct aged_table *t, uint64_t scope, uint64_t id)
{
	uint64_t *slot = u64map_get(&t->by_hash, hash_of(scope, id));
	struct aged *a = slot ? (struct aged *)(uintptr_t)*slot : NULL;

	while (a && (a->scope != scope || a->id != id))
		a = a->same;
	return a;
}

void aged_add(struct aged_table *t, struct aged_list *l, struct aged *a)
{
	uint64_t *slot = u64map_put(&t->by_hash, hash_of(a->scope, a->id), NULL);

	a->same = (struct aged *)(uintptr_t)*slot;
	*slot = (uintptr_t)a;
	list_add(l, a);
}

void aged_use(struct aged_list *l, struct aged *a)
{
	list_del(a);
	list_add(l, a);
}

void aged_del(struct aged_table *t, struct aged *a)
{
	uint64_t hash = hash_of(a->scope, a->id), *slot = u64map_get(&t->by_hash, hash);
	struct aged *at = (struct aged *)(uintptr_t)*slot;

	list_del(a);
	if (at != a) {
		while (at->same != a)
			at = at->same;
		at->same = a->same;
	} else if (a->same) {
		*slot = (uintptr_t)a->same;
	} else {
		u64map_del(&t->by_hash, hash);
	}
}

void aged_free(struct aged_table *t)
{
	u64map_free(&t->by_hash);
}
