// SPDX-License-Identifier: BSD-2-Clause
/* See kept.h. */
#include "model/kept.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static void put(struct kept_stack *st)
{
	if (st && !--st->refs)
		free(st);
}

void kept_hold(struct kept_stack **slot, struct kept_stack *st)
{
	struct kept_stack *old = *slot;

	if (st)
		st->refs++;
	*slot = st;
	put(old);
}

static void forget(struct kept_epoch *e)
{
	size_t i;

	for (i = 0; i < e->by_id.cap; i++)
		if (e->by_id.slot[i].key)
			put((struct kept_stack *)(uintptr_t)e->by_id.slot[i].val);
	u64map_free(&e->by_id);
	*e = (struct kept_epoch){ 0 };
}

static void turn(struct kept *k)
{
	forget(&k->before);
	k->before = k->now;
	k->now = (struct kept_epoch){ 0 };
}

void kept_epoch(struct kept *k, uint32_t number)
{
	if (number == k->epoch)
		return;
	k->epoch = number;
	turn(k);
}

/* The handles lie behind the frames. */
static struct kept_stack *copy_of(const struct ev_stack *ev, size_t *size)
{
	size_t n = (size_t)ev->nkernel + ev->nuser;
	struct kept_stack *st;

	*size = sizeof(*st) + n * sizeof(st->pc[0]) + ev->nuser * sizeof(st->handle[0]);
	st = xmalloc(*size);
	*st = (struct kept_stack){
		.refs = 1, .nkernel = ev->nkernel, .nuser = ev->nuser, .end = ev->end
	};
	memcpy(st->pc, ev->pc, n * sizeof(st->pc[0]));
	st->handle = (uint32_t *)(st->pc + n);
	return st;
}

void kept_add(struct kept *k, const struct ev_stack *ev)
{
	struct kept_stack *st;
	uint64_t *slot;
	size_t size;

	if (k->now.bytes >= KEPT_EPOCH_BYTES)
		turn(k);
	st = copy_of(ev, &size);
	st->serial = ++k->serial;
	k->now.bytes += size + sizeof(struct u64map_slot);
	slot = u64map_put(&k->now.by_id, ev->h.arg, NULL);
	put((struct kept_stack *)(uintptr_t)*slot);
	*slot = (uintptr_t)st;
}

struct kept_stack *kept_find(const struct kept *k, uint32_t id)
{
	uint64_t *slot = NULL;

	if (id)
		slot = u64map_get(&k->now.by_id, id);
	if (id && !slot)
		slot = u64map_get(&k->before.by_id, id);
	return slot ? (struct kept_stack *)(uintptr_t)*slot : NULL;
}

void kept_free(struct kept *k)
{
	forget(&k->now);
	forget(&k->before);
}
