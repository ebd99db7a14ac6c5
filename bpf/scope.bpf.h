/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who comes to be recorded, and ceases to be: the processes in ct_targets, and how many of them
 * live. A process counts as living until its last thread begins to exit; what that does from there
 * on is still recorded, so it stays in the map until it is freed.
 */
#ifndef CTRACE_BPF_SCOPE_H
#define CTRACE_BPF_SCOPE_H

#include "bpf/rule.bpf.h"
#include "bpf/thread.bpf.h"

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

/* It may come back, and nobody will know its threads by then. */
static __always_inline void forget_told(struct task_struct *leader)
{
	struct ct_thread *t;

	if (leader->signal->nr_threads > 1) {
		__sync_fetch_and_add(&ct_telling, 1);
		return;
	}
	t = bpf_task_storage_get(&ct_threads, leader, NULL, 0);
	if (t)
		t->told = 0;
}

/* A process that is recorded goes on without us. */
static __always_inline void ct_depart(struct task_struct *leader)
{
	struct ev_hdr *ev;

	forget_told(leader);
	ct_part(leader->tgid); /* first: what hooks send after that is newer than our record */
	ev = ct_reserve(EV_LEAVE, sizeof(*ev), ct_tgid(leader));
	if (ev)
		ct_submit(ev);
}

/* A place that was made before an exec by a thread that was no leader: the number it had belongs to
 * another by now. */
static __always_inline void renew_key(struct task_struct *leader)
{
	struct ct_thread *t = bpf_task_storage_get(&ct_threads, leader, NULL, 0);

	if (t && t->key && (__u32)t->key != ct_tid(leader))
		t->key = 0;
}

/* A process is no more what it was: is it recorded from now on? */
static __always_inline void ct_judge(struct task_struct *leader, const char *comm)
{
	__u32 tgid = leader->tgid;
	bool was, is;

	was = bpf_map_lookup_elem(&ct_targets, &tgid) != NULL;
	is = ct_rule(leader, comm);
	if (is && !was) {
		renew_key(leader);
		ct_join(leader);
		ct_thread_of(leader); /* it may sleep for long, and the process is named by it */
	} else if (was && !is) {
		ct_depart(leader);
	}
}

#endif
