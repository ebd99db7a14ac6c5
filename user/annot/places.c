// SPDX-License-Identifier: BSD-2-Clause
/* See places.h. */
#include "annot/places.h"

#include <stdbool.h>
#include <stdlib.h>

#include "util/xalloc.h"

static uint64_t file_key(uint32_t pid, uint32_t module)
{
	return (uint64_t)pid << 32 | module;
}

static uint64_t pid_key(uint32_t pid)
{
	return (uint64_t)pid + 1; /* 0 is no key */
}

struct place *places_make(struct places *p, uint32_t pid, uint32_t module)
{
	struct place *pl;
	uint64_t *slot;
	bool fresh;

	slot = u64map_put(&p->by_file, file_key(pid, module), &fresh);
	if (!fresh)
		return NULL;
	pl = xcalloc(1, sizeof(*pl));
	pl->pid = pid;
	pl->module = module;
	*slot = (uintptr_t)pl;
	pl->next = p->first;
	if (pl->next)
		pl->next->prev = pl;
	p->first = pl;
	slot = u64map_put(&p->by_pid, pid_key(pid), NULL);
	pl->sibling = (struct place *)(uintptr_t)*slot;
	if (pl->sibling)
		pl->sibling->elder = pl;
	*slot = (uintptr_t)pl;
	return pl;
}

struct place *places_of(const struct places *p, uint32_t pid)
{
	uint64_t *slot = u64map_get(&p->by_pid, pid_key(pid));

	return slot ? (struct place *)(uintptr_t)*slot : NULL;
}

static void leave_process(struct places *p, struct place *pl)
{
	if (pl->elder)
		pl->elder->sibling = pl->sibling;
	else if (pl->sibling)
		*u64map_put(&p->by_pid, pid_key(pl->pid), NULL) = (uintptr_t)pl->sibling;
	else
		u64map_del(&p->by_pid, pid_key(pl->pid));
	if (pl->sibling)
		pl->sibling->elder = pl->elder;
}

void places_drop(struct places *p, struct place *pl)
{
	u64map_del(&p->by_file, file_key(pl->pid, pl->module));
	leave_process(p, pl);
	if (pl->prev)
		pl->prev->next = pl->next;
	else
		p->first = pl->next;
	if (pl->next)
		pl->next->prev = pl->prev;
	free(pl->probes);
	free(pl);
}

void places_free(struct places *p)
{
	u64map_free(&p->by_file);
	u64map_free(&p->by_pid);
}
