/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rooms: places on each CPU in which a program works that another one may interrupt or preempt, and
 * that one wants such a place, too. So there are as many as may be in use at once. A room begins
 * with `__u32 busy`; what else is in it stays as the last one left it.
 */
#ifndef CTRACE_BPF_ROOM_BPF_H
#define CTRACE_BPF_ROOM_BPF_H

#include "bpf/common.bpf.h"

#define CT_ROOMS(name, cnt, room)                                                   \
	_Static_assert(!__builtin_offsetof(room, busy), "a room begins with busy"); \
	struct {                                                                    \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                            \
		__uint(max_entries, cnt);                                           \
		__type(key, __u32);                                                 \
		__type(value, room);                                                \
	} name __weak SEC(".maps")

/* A room for us alone, until ct_room_give(). NULL: all are busy. Nobody is asked where nothing else
 * can run here until then (`alone`). */
static __always_inline void *ct_room_take(void *rooms, __u32 cnt, bool alone)
{
	__u32 i, key, *busy;

	for (i = 0; i < cnt; i++) {
		key = i;
		busy = bpf_map_lookup_elem(rooms, &key);
		if (!busy)
			break;
		if (alone || !__sync_val_compare_and_swap(busy, 0, 1))
			return busy;
	}
	return NULL;
}

static __always_inline void ct_room_give(__u32 *busy)
{
	barrier(); /* only this CPU looks at it */
	*busy = 0;
}

#endif
