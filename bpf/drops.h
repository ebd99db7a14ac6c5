/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How a lost record is counted. Interrupts, and programs that keep preemption on, count in the
 * midst of each other: so nothing is written back that was read before, and the first one that
 * notes the time has noted it.
 */
#ifndef CTRACE_BPF_DROPS_H
#define CTRACE_BPF_DROPS_H

#include "bpf/event.h"

/* One more record of `kind` was lost, by the time `now`. */
static inline void ct_drop(volatile struct ev_cpu_stat *st, __u32 kind, __u64 now)
{
	__u64 since = st->lost_since;

	if (st->lost == st->lost_ack)
		__sync_val_compare_and_swap(&st->lost_since, since, now);
	__sync_fetch_and_add(&st->lost, 1);
	if (kind < EV_KERNEL_MAX)
		__sync_fetch_and_add(&st->lost_kind[kind], 1);
}

#endif
