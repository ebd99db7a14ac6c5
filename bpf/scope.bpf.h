/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who comes to be recorded, and ceases to be: the processes in ct_targets, and how many of them
 * live. A process counts as living until its last thread begins to exit; what that does from there
 * on is still recorded, so it stays in the map until it is freed.
 */
#ifndef CTRACE_BPF_SCOPE_H
#define CTRACE_BPF_SCOPE_H

#include "bpf/emit.bpf.h"

/* How many processes of ct_targets live. The collector begins with those that it puts in. */
volatile __u32 ct_living __weak = 0;

/* From now on the process of this leader is recorded. */
static __always_inline void ct_join(struct task_struct *leader)
{
	struct ct_member m = { .start = leader->start_time }, *old;
	struct ev_cpu_stat *st;
	__u32 tgid = leader->tgid;

	old = bpf_map_lookup_elem(&ct_targets, &tgid);
	if (old && old->start == m.start)
		return;
	if (old && !old->ended) /* it was freed, but we have not been told so yet */
		__sync_fetch_and_sub(&ct_living, 1);
	if (!bpf_map_update_elem(&ct_targets, &tgid, &m, BPF_ANY)) {
		__sync_fetch_and_add(&ct_living, 1);
		return;
	}
	st = ct_stat(bpf_get_smp_processor_id());
	if (st)
		st->unfollowed++;
}

/* It is a process that lives no more, once. */
static __always_inline void ct_ends(struct ct_member *m)
{
	if (!__sync_lock_test_and_set(&m->ended, 1))
		__sync_fetch_and_sub(&ct_living, 1);
}

/* From now on it is not recorded. */
static __always_inline void ct_part(__u32 tgid)
{
	struct ct_member *m = bpf_map_lookup_elem(&ct_targets, &tgid);

	if (!m)
		return;
	ct_ends(m);
	bpf_map_delete_elem(&ct_targets, &tgid);
}

#endif
