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

/* The stack of the current task, which is traced, into w, where n bytes of kernel addresses lie:
 * its id, 0 when there is none. */
static __always_inline __u32 ct_stack_fill(struct ct_walk *w, long n, __u64 key, __u32 want)
{
	struct task_struct *p = bpf_get_current_task_btf();

	ct_stack_reset(w);
	ct_stack_kernel(w, n);
	if (want & CT_WANT_USER && ct_has_user_stack(p)) {
		ct_walk_user(w, p, false);
		ct_stack_count(w);
	}
	return ct_stack_send(w, key);
}

/*
 * The same as a global function: it is verified once, whatever leads to it. Where each call is
 * verified for itself, Linux 6.1 refuses ct_switch with --stacks=all: more than 1,000,000
 * instructions are looked at.
 */
__weak __noinline __u32 ct_stack_apart(struct ct_walk *w, long n, __u64 key, __u32 want)
{
	return w ? ct_stack_fill(w, n, key, want) : 0;
}

/*
 * The stack of the current task, which is traced: its id, 0 when there is none. `apart` is a
 * constant, and false where a program keeps its CPU (ct_keep_cpu): from 6.10 (fc7566ad0a82) to 6.14
 * no global function may be called there.
 */
static __always_inline __u32 ct_stack_by(void *ctx, __u64 key, __u32 want, bool apart)
{
	struct ct_walk *w = ct_walk_begin();
	long n = 0;
	__u32 id;

	if (!w) {
		ct_count_drop(bpf_get_smp_processor_id(), EV_STACK);
		return 0;
	}
	if (want & CT_WANT_KERNEL)
		n = bpf_get_stack(ctx, w->ev.pc, EV_KSTACK_MAX * sizeof(w->ev.pc[0]), 0);
	id = apart ? ct_stack_apart(w, n, key, want) : ct_stack_fill(w, n, key, want);
	ct_walk_end(w);
	return id;
}

/* The stack of the current task, which is traced: its id, 0 when there is none. */
static __maybe_unused __noinline __u32 ct_stack(void *ctx, __u64 key, __u32 want)
{
	return ct_stack_by(ctx, key, want, true);
}

#endif
