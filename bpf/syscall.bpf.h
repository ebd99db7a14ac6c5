/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In which syscall a thread is. A syscall in which nothing else happens to its thread is one
 * record, sent at its end. When something does, the entry goes ahead.
 */
#ifndef CTRACE_BPF_SYSCALL_H
#define CTRACE_BPF_SYSCALL_H

#include "bpf/stack.bpf.h"

#define TS_COMPAT 0x0002

/*
 * x86: a return probe is a syscall of its own, from 6.18 on a probe on a nop of five bytes too.
 * They are no doing of the program: what happens in them happens in user code, and they never show.
 */
#define CT_NR_URETPROBE 335
#define CT_NR_UPROBE 336

static __always_inline bool ct_is_probe(__u32 nr)
{
#ifdef __TARGET_ARCH_x86
	return nr == CT_NR_URETPROBE || nr == CT_NR_UPROBE;
#else
	return false;
#endif
}

/* A number that p called with, as records have it. */
static __always_inline __u32 ct_nr(struct task_struct *p, __u64 nr)
{
	if (nr >= EV_NR_BAD)
		return EV_NR_BAD;
#ifdef __TARGET_ARCH_x86
	if (p->thread_info.status & TS_COMPAT)
		nr |= EV_NR_COMPAT;
#endif
	return nr;
}

/* The syscall whose registers these are; EV_NR_NONE outside one, and in a probe. */
static __always_inline __u32 ct_nr_of(struct task_struct *p)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(p);
	long nr;

	if (!regs || p->flags & PF_KTHREAD) /* its registers are 0, which is a number, too */
		return EV_NR_NONE;
#if defined(__TARGET_ARCH_x86)
	nr = regs->orig_ax;
#elif defined(__TARGET_ARCH_arm64)
	nr = regs->syscallno;
#else
#error "where does this architecture keep the number of the running syscall?"
#endif
	if (nr < 0)
		return EV_NR_NONE;
	nr = ct_nr(p, nr);
	return ct_is_probe(nr) ? EV_NR_NONE : nr;
}

/*
 * Sends a record with the syscall that is open on this CPU; it is not told again. False: an
 * interrupt has told of it meanwhile (irqlog.bpf.c).
 */
static __always_inline bool ct_send_syscall(struct ev_cpu_now *now, __u32 kind, __u32 stack)
{
	__u64 begin = now->sys_begin;

	if (ct_cfg.irq_ns)
		begin = __sync_lock_test_and_set(&now->sys_begin, 0);
	if (!begin)
		return false;
	ct_send_pair(kind, 0, now->sys_nr, now->key, begin, stack);
	now->sys_begin = 0;
	return true;
}

/* Before any other record of the current thread; with its stack, where that is known anyway. */
static __always_inline void ct_flush_with(void *ctx, struct ev_cpu_now *now, __u32 stack)
{
	if (!ct_cfg.syscalls || !now->sys_begin)
		return;
	if (!stack && ct_cfg.stacks & CT_STACK_SYSCALL)
		stack = ct_stack(ctx, now->key, CT_WANT_USER);
	ct_send_syscall(now, EV_SYS_ENTER, stack);
}

static __always_inline void ct_flush_syscall(void *ctx, struct ev_cpu_now *now)
{
	ct_flush_with(ctx, now, 0);
}

#endif
