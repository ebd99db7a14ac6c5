// SPDX-License-Identifier: GPL-2.0
/*
 * An iterator over all tasks. It tells the state of every traced thread, once the other programs
 * run: what it says holds at its time, what they say later is newer.
 */
#include "bpf/fdclass.bpf.h"
#include "bpf/compat.bpf.h"
#include "bpf/stack.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/syscall.bpf.h"

static __always_inline __u32 state_of(struct task_struct *p)
{
	__u32 state = p->__state;

	return !state || ct_is_queued(p) ? EV_ST_RUNNABLE : ct_sleep_state(state);
}

/* The stack of a task that sleeps; it may wake up meanwhile, and then there is none. */
static __always_inline __u32 send_kstack_of(struct task_struct *p, __u64 key)
{
	__u32 id = ct_next_serial(CT_SERIAL_STACK);
	struct ev_stack *ev = ct_reserve(EV_STACK, sizeof(*ev), id);

	return ev ? ct_finish_kstack(ev, key,
				     bpf_get_task_stack(p, ev->pc,
							EV_KSTACK_MAX * sizeof(ev->pc[0]), 0)) :
		    0;
}

static __noinline int ct_snap(struct task_struct *p)
{
	__u32 nr = EV_NR_NONE, fd = 0, state, kstack = 0;
	struct ct_thread *t;
	struct ev_snap *ev;

	t = ct_thread_of(p);
	if (!t) { /* the collector asks again */
		struct ev_cpu_stat *st = ct_stat(bpf_get_smp_processor_id());

		if (st)
			st->snap_missed++;
		return 0;
	}
	state = state_of(p);
	if (!p->on_cpu) { /* the registers of a running thread are those of its last entry */
		/* a stop happens on the way out of the syscall that the registers still name */
		nr = state == EV_ST_STOPPED ? EV_NR_NONE : ct_nr_of(p);
		if (state == EV_ST_SLEEP && ct_is_rw(nr))
			fd = ct_fd_class(p);
		if (nr == EV_NR_NONE && state != EV_ST_RUNNABLE && state != EV_ST_STOPPED)
			kstack = send_kstack_of(p, t->key);
	}
	ev = ct_reserve(EV_SNAP, sizeof(*ev), ct_tgid(p));
	if (!ev)
		return 0;
	ct_fill_thread(&ev->t, p, t->key);
	if (p->on_cpu)
		ev->t.h.flags |= EVF_ONCPU;
	ev->t.h.cpu = BPF_CORE_READ(p, thread_info.cpu);
	ev->st = EV_ST_PACK(state, fd, nr);
	ev->stack = kstack;
	ct_submit(ev);
	return 0;
}

SEC("iter/task")
int ct_snap_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;

	if (!p || !ct_task_traced(p) || p->exit_state)
		return 0;
	ct_keep_cpu();
	ct_snap(p);
	ct_give_cpu();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
