/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel stack of a thread that sleeps where no syscall explains it: a page fault, its exit, a signal stop. */
#ifndef CTRACE_BPF_STACK_H
#define CTRACE_BPF_STACK_H

#include "bpf/thread.bpf.h"

/* Sends the current kernel stack; returns its id, 0 when there is none or it was lost. */
static __always_inline __u32 ct_send_kstack(void *ctx, __u64 key)
{
	__u32 id = ct_next_serial(CT_SERIAL_STACK);
	struct ev_stack *ev = ct_reserve(EV_STACK, sizeof(*ev), id);
	long n;

	if (!ev)
		return 0;
	n = bpf_get_stack(ctx, ev->pc, sizeof(ev->pc), 0);
	if (n <= 0) {
		bpf_ringbuf_discard(ev, BPF_RB_NO_WAKEUP);
		return 0;
	}
	ev->thr = key;
	ev->nkernel = n / sizeof(ev->pc[0]);
	ev->nuser = 0;
	ev->pad = 0;
	ct_submit(ev);
	return id;
}

#endif
