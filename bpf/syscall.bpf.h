/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In which syscall a thread is. A syscall in which nothing else happens to its thread is one record, sent at its
 * end. When something does, the entry goes ahead.
 */
#ifndef CTRACE_BPF_SYSCALL_H
#define CTRACE_BPF_SYSCALL_H

#include "bpf/thread.bpf.h"

#define TS_COMPAT 0x0002
#define CT_NR_COMPAT 0x10000u /* beside the number: of the 32-bit table */

/* Number and table of the syscall whose registers these are; EV_NR_NONE outside one. */
static __always_inline __u32 ct_nr_of(struct task_struct *p)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(p);
	long nr;

	if (!regs)
		return EV_NR_NONE;
#if defined(__TARGET_ARCH_x86)
	nr = BPF_CORE_READ(regs, orig_ax);
#elif defined(__TARGET_ARCH_arm64)
	nr = BPF_CORE_READ(regs, syscallno);
#else
#error "where does this architecture keep the number of the running syscall?"
#endif
	return nr >= 0 && nr < EV_NR_NONE ? (__u32)nr : EV_NR_NONE;
}

/* Before any other record of a thread in task context. */
static __always_inline void ct_flush_syscall(struct ct_thread *t)
{
	struct ev_sys *ev;

	if (!ct_cfg.syscalls || !t->sys_begin)
		return;
	ev = ct_reserve(EV_SYS_ENTER, sizeof(*ev), t->sys_nr & 0xffff);
	if (ev) {
		if (t->sys_nr & CT_NR_COMPAT)
			ev->h.flags = EVF_COMPAT;
		ev->thr = t->key;
		ev->begin = t->sys_begin;
		ct_submit(ev);
	}
	t->sys_begin = 0;
}

#endif
