/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels from 6.1 on, each with the version that changed it. A type that
 * is missing from the vmlinux.h of the build machine is declared here under a flavour (___name),
 * which CO-RE strips.
 */
#ifndef CTRACE_BPF_COMPAT_H
#define CTRACE_BPF_COMPAT_H

#include "bpf/common.bpf.h"

/*
 * From 6.12 on (152e11f6df29) a sleeping task may stay on its run queue for a while, with
 * sched_delayed set. on_rq alone then no longer says that a task is runnable.
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

/* A kernel that is built without CONFIG_USERFAULTFD does not have this. */
struct vm_userfaultfd_ctx___on {
	void *ctx;
} __attribute__((preserve_access_index));
struct vm_area_struct___on {
	struct vm_userfaultfd_ctx___on vm_userfaultfd_ctx;
} __attribute__((preserve_access_index));

/* Does the process itself bring what is not resident there? */
static __always_inline bool ct_serves_faults(struct vm_area_struct *vma)
{
	struct vm_area_struct___on *v = (void *)vma;

	return bpf_core_field_exists(v->vm_userfaultfd_ctx.ctx) &&
	       BPF_CORE_READ(v, vm_userfaultfd_ctx.ctx);
}

/*
 * From 6.10 on a program may keep its CPU for a while. While one is inside the storage of a task,
 * no other program on that CPU can make any: an iterator that is preempted there costs records of
 * others.
 */
#define CT_FLAVOUR_(name, object) name##___##object
#define CT_FLAVOUR(name, object) CT_FLAVOUR_(name, object)
/* each object has its own names for them: bpftool 7.1 cannot link two that have the same */
#define ct_preempt_disable CT_FLAVOUR(bpf_preempt_disable, CT_OBJECT)
#define ct_preempt_enable CT_FLAVOUR(bpf_preempt_enable, CT_OBJECT)
extern void ct_preempt_disable(void) __weak __ksym;
extern void ct_preempt_enable(void) __weak __ksym;

/* Does it? Then nothing else runs here until it is given back. */
static __always_inline bool ct_keeps_cpu(void)
{
	return bpf_ksym_exists(ct_preempt_disable) && bpf_ksym_exists(ct_preempt_enable);
}

static __always_inline void ct_keep_cpu(void)
{
	if (ct_keeps_cpu())
		ct_preempt_disable();
}

static __always_inline void ct_give_cpu(void)
{
	if (ct_keeps_cpu())
		ct_preempt_enable();
}

#endif
