/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel stack of a thread that sleeps where no syscall explains it: a page fault, its exit, a
 * signal stop. */
#ifndef CTRACE_BPF_STACK_H
#define CTRACE_BPF_STACK_H

#include "bpf/thread.bpf.h"

/* Sends a stack of n bytes that was filled in; returns its id, 0 when there is none after all. */
static __always_inline __u32 ct_finish_kstack(struct ev_stack *ev, __u64 key, long n)
{
	__u32 id = ev->h.arg;

	if (n <= 0) {
		bpf_ringbuf_discard(ev, BPF_RB_NO_WAKEUP);
		return 0;
	}
	ev->thr = key;
	ev->nkernel = n / sizeof(ev->pc[0]);
	ev->nuser = 0;
	ev->end = EV_END_NONE;
	ct_submit(ev);
	return id;
}

/* Sends the current kernel stack; returns its id, 0 when there is none or it was lost. */
static __always_inline __u32 ct_send_kstack(void *ctx, __u64 key)
{
	__u32 id = ct_next_serial(CT_SERIAL_STACK);
	struct ev_stack *ev = ct_reserve(EV_STACK, sizeof(*ev), id);

	return ev ? ct_finish_kstack(ev, key,
				     bpf_get_stack(ctx, ev->pc, EV_KSTACK_MAX * sizeof(ev->pc[0]),
						   0)) :
		    0;
}

#endif
