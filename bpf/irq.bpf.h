/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a program run in an interrupt, so that `current` is a bystander?
 *
 * The preempt count would tell, but kernels without CONFIG_KALLSYMS_ALL do not say where it is. So
 * it is read off two places. An interrupt of the kernel has a stack of its own, and ctx is the
 * array of arguments that the kernel built on the stack it was on. An interrupt of user mode stays
 * on the task's stack, but then the task is in no syscall: what wakes somebody outside of one is an
 * interrupt, unless the task is on its way to death. A page fault that wakes somebody is taken for
 * an interrupt too.
 */
#ifndef CTRACE_BPF_IRQ_H
#define CTRACE_BPF_IRQ_H

#include "bpf/syscall.bpf.h"

/* Of x86-64, and of arm64 with small pages. A kernel with KASAN has more, and every waker would be
 * an interrupt there. */
#define CT_KSTACK_SIZE (16u << 10)

/* Called with interrupts off. */
static __always_inline bool ct_in_interrupt(void *ctx, struct task_struct *cur)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct ev_cpu_stat *st = ct_stat(cpu);
	__u64 at;

	if (!st)
		return false;
	st->scratch = (__u64)ctx; /* the way through memory makes a number of the pointer */
	barrier_var(st);
	at = *(volatile __u64 *)&st->scratch;
	if (at - (__u64)cur->stack >= CT_KSTACK_SIZE)
		return true;
	return ct_nr_of(cur) == EV_NR_NONE && !(cur->flags & (PF_KTHREAD | PF_EXITING));
}

#endif
