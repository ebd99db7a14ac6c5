// SPDX-License-Identifier: GPL-2.0
/*
 * Iterators over all tasks. One gives every traced thread its place before the other programs run.
 * One tells the state of every traced thread, once they do: what it says holds at its time, what
 * they say later is newer.
 */
#include "bpf/fdclass.bpf.h"
#include "bpf/compat.bpf.h"
#include "bpf/stack.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/syscall.bpf.h"

/* Memory of a process does not answer: none is read. */
volatile __u32 ct_snap_plain = 0;

static __always_inline __u32 state_of(struct task_struct *p)
{
	__u32 state = p->__state;

	return !state || ct_is_queued(p) ? EV_ST_RUNNABLE : ct_sleep_state(state);
}

/* What a thread that is off its CPU sleeps in, as far as a syscall explains it. */
static __always_inline __u32 sleeps_in(struct task_struct *p, __u32 state)
{
	/* a stop happens on the way out of the syscall that the registers still name */
	return state == EV_ST_STOPPED ? EV_NR_NONE : ct_nr_of(p);
}

/*
 * Walks the stack of a task that sleeps, whose memory is read as it is and may have to be fetched:
 * the program may sleep meanwhile. NULL when it does not sleep.
 */
static __noinline struct ct_walk *walk(struct task_struct *p)
{
	__u32 state = state_of(p);
	struct ct_walk *w;

	if (p->on_cpu || state == EV_ST_RUNNABLE)
		return NULL;
	w = ct_walk_begin();
	if (!w)
		return NULL;
	ct_stack_reset(w);
	if (state != EV_ST_STOPPED &&
	    (ct_cfg.stacks & CT_STACK_KERNEL || sleeps_in(p, state) == EV_NR_NONE))
		ct_stack_kernel(w, bpf_get_task_stack(p, w->ev.pc,
						      EV_KSTACK_MAX * sizeof(w->ev.pc[0]), 0));
	if (ct_cfg.stacks & CT_STACK_BLOCK && ct_has_user_stack(p) && !ct_snap_plain)
		ct_walk_user(w, p, true);
	return w;
}

/* w: its stack, when it has not run since it had made so many switches; or NULL. */
static __noinline int ct_snap(struct task_struct *p, struct ct_walk *w, __u64 switches)
{
	__u32 nr = EV_NR_NONE, fd = 0, state, stack = 0;
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
		nr = sleeps_in(p, state);
		if (state == EV_ST_SLEEP && ct_is_rw(nr))
			fd = ct_fd_class(p);
		if (w && state != EV_ST_RUNNABLE && p->nvcsw + p->nivcsw == switches) {
			ct_stack_count(w);
			stack = ct_stack_send(w, t->key);
		}
	}
	ev = ct_reserve(EV_SNAP, sizeof(*ev), ct_tgid(p));
	if (!ev)
		return 0;
	ct_fill_thread(&ev->t, p, t->key);
	if (p->on_cpu)
		ev->t.h.flags |= EVF_ONCPU;
	ev->t.h.cpu = BPF_CORE_READ(p, thread_info.cpu);
	ev->st = EV_ST_PACK(state, fd, nr);
	ev->stack = stack;
	ct_submit(ev);
	return 0;
}

SEC("iter.s/task")
int ct_snap_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;
	struct ct_walk *w;
	__u64 switches;

	if (!p || !ct_task_traced(p) || p->exit_state)
		return 0;
	switches = p->nvcsw + p->nivcsw;
	w = walk(p);
	ct_keep_cpu();
	ct_snap(p, w, switches);
	ct_give_cpu();
	if (w)
		ct_walk_end(w);
	return 0;
}

/* Threads that a walk of ct_place_tasks found without a place. */
volatile __u32 ct_unplaced = 0;

/*
 * It keeps preemption on, unlike the one above: so the kernel may wait for memory, and no hook is
 * there yet that could be refused meanwhile.
 */
SEC("iter.s/task")
int ct_place_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;

	if (!p || !(ct_cfg.rule || ct_task_traced(p)) ||
	    bpf_task_storage_get(&ct_threads, p, NULL, 0))
		return 0;
	ct_unplaced++;
	ct_place(p);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
