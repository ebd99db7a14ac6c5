/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks and their ids. A stack crosses the ring once: it is sent when its hash is new, or was sent
 * in an earlier epoch only, and is an id from then on. What the map of hashes forgets, because
 * there are too many, is sent again under another id; nothing is lost.
 */
#ifndef CTRACE_BPF_STACK_H
#define CTRACE_BPF_STACK_H

#include "bpf/thread.bpf.h"
#include "bpf/unwind.bpf.h"

struct ct_stack_id {
	__u32 id;
	__u32 epoch;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct ct_stack_id);
} ct_stack_ids __weak SEC(".maps");

/* Counted up by the collector, which forgets what was sent two epochs ago. */
volatile __u32 ct_epoch __weak = 0;

/* A process that is launched, until its program's code is known: user stacks could not be walked. */
volatile __u32 ct_unborn __weak = 0;

/* Who exits gives its memory back first, and is on its CPU for a while yet: it wakes its parent. */
static __always_inline bool ct_has_user_stack(struct task_struct *p)
{
	return ct_cfg.call_graph && p->mm && !(p->flags & PF_KTHREAD) &&
	       (__u32)p->tgid != ct_unborn;
}

/* What is wanted of a stack. */
#define CT_WANT_KERNEL 1
#define CT_WANT_USER 2

/* Sends the stack in w unless it is known; returns its id, 0 when it was lost. */
static __always_inline __u32 ct_stack_send(struct ct_walk *w, __u64 key)
{
	__u32 epoch = ct_epoch, size, n = w->nframe;
	struct ct_stack_id *known, fresh;
	__u64 hash = ct_mix(w->hash, w->ev.nkernel | (__u64)w->ev.end << 32);

	if (!n)
		return 0;
	known = bpf_map_lookup_elem(&ct_stack_ids, &hash);
	if (known && known->epoch == epoch)
		return known->id;
	fresh.id = ct_next_serial(CT_SERIAL_STACK);
	fresh.epoch = epoch;
	w->ev.thr = key;
	if (n > EV_KSTACK_MAX + EV_USTACK_MAX)
		n = EV_KSTACK_MAX + EV_USTACK_MAX;
	size = EV_STACK_SHORT + n * sizeof(w->ev.pc[0]);
	if (!ct_output(EV_STACK, 0, &w->ev.h, size, fresh.id))
		return 0;
	bpf_map_update_elem(&ct_stack_ids, &hash, &fresh, BPF_ANY);
	return fresh.id;
}

static __always_inline void ct_stack_reset(struct ct_walk *w)
{
	w->hash = 0;
	w->nframe = 0;
	w->ev.nkernel = 0;
	w->ev.nuser = 0;
	w->ev.end = EV_END_NONE;
}

/* Takes in n bytes of kernel addresses that lie in w. */
static __always_inline void ct_stack_kernel(struct ct_walk *w, long n)
{
	__u32 i, cnt;

	if (n <= 0)
		return;
	cnt = (__u32)n / sizeof(w->ev.pc[0]);
	for (i = 0; i < EV_KSTACK_MAX && i < cnt; i++)
		w->hash = ct_mix(w->hash, w->ev.pc[i]);
	w->ev.nkernel = i;
	w->nframe = i;
}

static __always_inline void ct_stack_count(const struct ct_walk *w)
{
	struct ev_cpu_stat *st = ct_stat(bpf_get_smp_processor_id());

	if (!st)
		return;
	st->stacks[w->ev.end & 15]++; /* the mask is for the verifier */
	st->frames += w->ev.nuser;
}

/* The stack of the current task, which is traced: its id, 0 when there is none. */
static __noinline __u32 ct_stack(void *ctx, struct task_struct *p, __u64 key, __u32 want)
{
	struct ct_walk *w = ct_walk_begin();
	__u32 id;

	if (!w) {
		ct_count_drop(bpf_get_smp_processor_id(), EV_STACK);
		return 0;
	}
	ct_stack_reset(w);
	if (want & CT_WANT_KERNEL)
		ct_stack_kernel(w, bpf_get_stack(ctx, w->ev.pc, EV_KSTACK_MAX * sizeof(w->ev.pc[0]),
						 0));
	if (want & CT_WANT_USER && ct_has_user_stack(p)) {
		ct_walk_user(w, p, false);
		ct_stack_count(w);
	}
	id = ct_stack_send(w, key);
	ct_walk_end(w);
	return id;
}

#endif
