/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who a thread is. Its key is made when it is first seen and kept in task storage, so it survives
 * what changes a tid (an exec by a thread that is not the leader) and is not given to the next
 * thread with the same tid.
 *
 * Storage is not made in the hooks but for children: an interrupt that wakes many threads could not
 * give it to more than a few. The kernel has memory for four at hand on each CPU at first, and
 * fetches more when interrupts are on again (from 6.4 to 6.18); nor does it make any in the middle
 * of another look-up. So every thread has its place before the hooks are attached
 * (ct_place_tasks), and those that come later get theirs from the hook of the fork. Where a rule
 * may bring any process in at any time, every thread of the machine has one.
 */
#ifndef CTRACE_BPF_THREAD_H
#define CTRACE_BPF_THREAD_H

#include "bpf/emit.bpf.h"
#include "bpf/filter.bpf.h"
#include "bpf/peek.bpf.h"

/* A number of `pid` as the tracer's namespace sees it; 0 where it does not. */
static __always_inline __u32 ct_ns_nr(struct pid *pid)
{
	__u32 level = ct_cfg.ns_level & 31; /* the kernel nests no deeper (MAX_PID_NS_LEVEL) */
	struct upid up = {};

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	bpf_core_read(&up, sizeof(up), &pid->numbers[level]);
	return up.nr;
}

static __always_inline __u32 ct_tid(struct task_struct *p)
{
	return ct_cfg.ns_level ? ct_ns_nr(p->thread_pid) : p->pid;
}

static __always_inline __u32 ct_tgid(struct task_struct *p)
{
	return ct_cfg.ns_level ? ct_ns_nr(p->group_leader->thread_pid) : p->tgid;
}

static __always_inline void ct_fill_thread(struct ev_thread *ev, struct task_struct *p, __u64 key)
{
	ev->h.flags = p->flags & PF_KTHREAD ? EVF_KTHREAD : 0;
	ev->thr = key;
	bpf_probe_read_kernel_str(ev->comm, sizeof(ev->comm), p->comm);
}

/* Gives a thread its key. Two CPUs may see it for the first time at once. */
static __always_inline void ct_give_key(struct task_struct *p, struct ct_thread *t)
{
	if (!t->key)
		__sync_val_compare_and_swap(
			&t->key, 0, (__u64)ct_next_serial(CT_SERIAL_THREAD) << 32 | ct_tid(p));
}

/* Gives a traced thread its place, and tells nothing of it yet. False: it has none. */
static __always_inline bool ct_place(struct task_struct *p)
{
	struct ct_thread *t = bpf_task_storage_get(&ct_threads, p, NULL,
						   BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!t)
		return false;
	ct_give_key(p, t);
	return true;
}

/* How a thread is marked that was told of just now. */
static __always_inline __u32 ct_told(void)
{
	return ct_cfg.rule ? ct_telling : 1;
}

static __noinline int ct_introduce(struct task_struct *p, struct ct_thread *t)
{
	struct ev_thread *ev;

	ct_give_key(p, t);
	ev = ct_reserve(EV_THREAD, sizeof(*ev), ct_tgid(p));
	if (!ev)
		return 0;
	ct_fill_thread(ev, p, t->key);
	ct_submit(ev);
	t->told = ct_told();
	return 0;
}

/* What we know of a traced thread; NULL when the kernel refuses that. */
static __always_inline struct ct_thread *ct_thread_of(struct task_struct *p)
{
	struct ct_thread *t = bpf_task_storage_get(&ct_threads, p, NULL,
						   BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (t && t->told != ct_told()) /* also when its record was lost */
		ct_introduce(p, t);
	return t;
}

static __noinline int ct_count_refused(__u32 kind)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct ev_cpu_stat *st = ct_stat(cpu);

	if (st)
		__sync_fetch_and_add(&st->no_storage, 1);
	ct_count_drop(cpu, kind);
	return 0;
}

/* The same in a hook, whose record is lost without: where the kernel refuses, *copy is filled and
 * returned. */
static __always_inline struct ct_thread *ct_thread_for(struct task_struct *p, __u32 kind,
						       struct ct_thread *copy)
{
	struct ct_thread *t = ct_thread_of(p);

	if (t)
		return t;
	if (!ct_peek(p, copy)) {
		ct_count_refused(kind);
		return NULL;
	}
	if (copy->told != ct_told())
		ct_introduce(p, copy);
	return copy;
}

/* Its key; 0: there is none, and the record is lost. */
static __always_inline __u64 ct_key_for(struct task_struct *p, __u32 kind)
{
	struct ct_thread copy, *t = ct_thread_for(p, kind, &copy);

	return t ? t->key : 0;
}

/*
 * The current task, which is traced, as its CPU remembers it. Every switch from or to a traced
 * thread sets this anew, so a task that is still the same has not left the CPU. Task context only.
 */
static __always_inline struct ev_cpu_now *ct_current(struct task_struct *cur)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct ev_cpu_now *now = bpf_map_lookup_elem(&ct_now, &cpu);
	__u64 key;

	if (!now || now->task == (__u64)cur)
		return now;
	key = ct_key_for(cur, EV_THREAD);
	if (!key)
		return NULL;
	now->task = 0; /* an interrupt that comes now finds nobody, see irqlog.bpf.c */
	barrier();
	now->key = key;
	now->sys_begin = 0;
	now->sys = EV_NOW_UNKNOWN;
	barrier();
	now->task = (__u64)cur;
	return now;
}

#endif
