// SPDX-License-Identifier: BSD-2-Clause
/* See room.h. */
#include "output/room.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What is free that was not is taken to be what was removed. */
static void settle(struct room *r, uint64_t now, uint64_t is_free)
{
	if (is_free > r->seen)
		r->owed -= min_u64(r->owed, is_free - r->seen);
	if (now >= r->until)
		r->owed = 0;
	r->seen = is_free;
}

uint64_t room_missing(struct room *r, uint64_t now, uint64_t is_free, uint64_t more)
{
	uint64_t have, need = r->min_free + more;

	settle(r, now, is_free);
	have = is_free + min_u64(r->owed, r->min_free / 2);
	return have < need ? need - have : 0;
}

void room_removed(struct room *r, uint64_t now, uint64_t bytes)
{
	r->owed += bytes;
	r->until = now + ROOM_LATE_NS;
}

void room_written(struct room *r, uint64_t bytes)
{
	r->seen -= min_u64(r->seen, bytes);
}
