/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels from 6.1 on, each with the version that changed it. A type that is missing from
 * the vmlinux.h of the build machine is declared here under a flavour (___name), which CO-RE strips.
 */
#ifndef CTRACE_BPF_COMPAT_H
#define CTRACE_BPF_COMPAT_H

#include "bpf/syscall.bpf.h"

/* A kernel stack is 4 pages on x86-64 and at least that on arm64. */
#define CT_KSTACK_SIZE (16u << 10)

/*
 * Does this run in an interrupt, so that `current` is a bystander? An interrupt of the kernel has a stack of its own, and
 * ctx is the array of arguments that the kernel built on the stack it was on. An interrupt of user mode stays on the task's
 * stack, but then the task is in no syscall: what wakes somebody outside of one is an interrupt, unless the task is
 * on its way to death. (A page fault that wakes somebody is taken for an interrupt too. The preempt count would tell them
 * apart, but kernels without CONFIG_KALLSYMS_ALL do not say where it is.) Going through memory makes a number of the
 * pointer. Called with interrupts off.
 */
static __always_inline bool ct_in_interrupt(void *ctx, struct task_struct *cur)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct ev_cpu_stat *st = ct_stat(cpu);
	__u64 at;

	if (!st)
		return false;
	st->scratch = (__u64)ctx;
	barrier_var(st);
	at = *(volatile __u64 *)&st->scratch;
	if (at - (__u64)cur->stack >= CT_KSTACK_SIZE)
		return true;
	return ct_nr_of(cur) == EV_NR_NONE && !(cur->flags & (PF_KTHREAD | PF_EXITING));
}

/*
 * From 6.12 on (152e11f6df29) a sleeping task may stay on its run queue for a while, with sched_delayed set.
 * on_rq alone then no longer says that a task is runnable.
 */
struct sched_entity___delayed {
	unsigned char sched_delayed;
} __attribute__((preserve_access_index));

static __always_inline bool ct_is_queued(struct task_struct *p)
{
	struct sched_entity___delayed *se = (void *)&p->se;

	if (p->on_rq != 1)
		return false;
	if (bpf_core_field_exists(se->sched_delayed))
		return !se->sched_delayed;
	return true;
}

#endif
