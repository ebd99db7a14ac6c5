// SPDX-License-Identifier: GPL-2.0
/* Who runs where, who sleeps why, who wakes whom. */
#include "bpf/compat.bpf.h"
#include "bpf/fdclass.bpf.h"
#include "bpf/irq.bpf.h"
#include "bpf/scope.bpf.h"
#include "bpf/stack.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/syscall.bpf.h"

/* Is the thread on its way out of its syscall? Its registers still hold the number. */
static __always_inline bool is_on_its_way_out(const struct ev_cpu_now *now)
{
	return ct_cfg.syscalls && (now->sys == EV_NOW_OUT || now->sys == EV_NOW_PROBE);
}

/*
 * What the current thread does from now on, as EV_ST_PACK; its syscall only as far as that explains
 * the wait. A global function: what it says is any number to the verifier, where each answer would
 * be a way of its own through the rest of the hook.
 */
__weak __noinline __u32 ct_leaves_for(__u32 state, __u32 out)
{
	struct task_struct *p = bpf_get_current_task_btf();
	__u32 nr = EV_NR_NONE, fd = 0;

	state = ct_sleep_state(state);
	if (!out && state != EV_ST_STOPPED) /* that is on its way out, too */
		nr = ct_nr_of(p);
	if (state != EV_ST_DEAD && ct_is_rw(nr))
		fd = ct_fd_class(p);
	return EV_ST_PACK(state, fd, nr);
}

/* The same, and its stack. */
static __always_inline __u32 leave(void *ctx, const struct ev_cpu_now *now, __u32 state,
				   __u32 *stack)
{
	__u32 st = ct_leaves_for(state, is_on_its_way_out(now)), want = 0;

	if (EV_ST_STATE(st) == EV_ST_DEAD)
		return st;
	if (ct_cfg.stacks & CT_STACK_BLOCK)
		want |= CT_WANT_USER;
	/* where no syscall explains the wait the kernel's own functions do */
	if (EV_ST_NR(st) == EV_NR_NONE || ct_cfg.stacks & CT_STACK_KERNEL)
		want |= CT_WANT_KERNEL;
	if (want)
		*stack = ct_stack(ctx, now->key, want);
	return st;
}

/* A probe may be preempted, and sleeps where a text is not resident. Its end is to be known as
 * such. */
static __always_inline void leave_in_probe(struct task_struct *prev)
{
	struct ct_thread *t = ct_thread_of(prev);

	if (t)
		t->in_probe = 1;
}

static __always_inline bool comes_back_in_probe(struct ct_thread *t)
{
	bool in = ct_cfg.syscalls && t->in_probe;

	if (in)
		t->in_probe = 0;
	return in;
}

/* A thread whose process has left the recording leaves the CPU. */
static __always_inline void forget_current(struct task_struct *prev)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct ev_cpu_now *now = bpf_map_lookup_elem(&ct_now, &cpu);

	if (!now || now->task != (__u64)prev)
		return;
	now->task = 0;
	now->key = 0;
	now->sys_begin = 0;
}

/*
 * Who has become another user, by setuid(2), is found out at a switch: no tracepoint tells of it,
 * and functions of the kernel cannot be listened to everywhere. One that leaves does so where it is
 * on a CPU, one that comes, where it gets one.
 */
static __always_inline void judge_user(struct task_struct *p, bool joins)
{
	__u32 tgid = p->tgid;

	if (p->pid == p->tgid && ct_user_passes(p) == joins && ct_tgid_traced(tgid) != joins)
		ct_judge(p, p->comm);
}

/*
 * Who has a CPU in a recording of the whole system and is not in it: a kernel thread or the
 * recorder. The switch between them and the idle task is told, so that a CPU without anybody is an
 * idle one. 0: nobody.
 */
static __always_inline __u8 stranger(struct task_struct *p)
{
	if (ct_cfg.filter != CT_FILTER_ALL || !p->pid)
		return 0;
	return p->flags & PF_KTHREAD ? EVF_KTHREAD : EVF_OURS;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(ct_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     __u32 state)
{
	bool out, in;
	__u8 flags = 0;
	__u32 st = EV_ST_PACK(EV_ST_RUNNABLE, 0, EV_NR_NONE), cpu, stack = 0;
	struct ev_cpu_now *now;
	__u64 prev_key = 0;
	struct ct_thread copy, *t;

	if (ct_cfg.rule & CT_RULE_UID) {
		judge_user(prev, false);
		judge_user(next, true);
	}
	out = ct_task_traced(prev);
	in = ct_task_traced(next);
	if (!out && ct_cfg.rule)
		forget_current(prev);
	if (!in)
		flags = stranger(next);
	if (!out && !in && flags == stranger(prev))
		return 0;
	if (out) {
		now = ct_current(prev);
		if (now) {
			prev_key = now->key;
			/* state is what the task wanted; a preemption or a signal may have kept it
			 * runnable */
			if (state && !preempt && !ct_is_queued(prev))
				st = leave(ctx, now, state, &stack);
			else if (ct_cfg.stacks & CT_STACK_PREEMPT)
				stack = ct_stack(ctx, now->key, CT_WANT_USER);
			ct_flush_with(ctx, now, stack);
			if (ct_cfg.syscalls && now->sys == EV_NOW_PROBE)
				leave_in_probe(prev);
		}
	}
	cpu = bpf_get_smp_processor_id();
	now = bpf_map_lookup_elem(&ct_now, &cpu);
	if (!now)
		return 0;
	t = in ? ct_thread_for(next, EV_SWITCH, &copy) : NULL;
	now->task = t ? (__u64)next : 0;
	now->key = t ? t->key : 0;
	now->sys_begin = 0;
	now->sys = t && comes_back_in_probe(t) ? EV_NOW_PROBE : EV_NOW_UNKNOWN;
	ct_send_pair(EV_SWITCH, flags, st, prev_key, now->key, stack);
	return 0;
}

static __always_inline void send_wake(void *ctx, __u32 kind, struct ct_thread *wakee, __u8 flags)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct ev_cpu_now *waker = NULL;
	__u32 stack = 0;

	if (!cur->pid || ct_in_interrupt(ctx, cur))
		flags |= EVF_IRQ;
	else if (ct_task_traced(cur))
		waker = ct_current(cur);
	if (waker && ct_cfg.stacks & CT_STACK_WAKEUP)
		stack = ct_stack(ctx, waker->key, CT_WANT_USER);
	if (waker)
		ct_flush_with(ctx, waker, stack);
	ct_send_pair(kind, flags, 0, wakee->key, waker ? waker->key : 0, stack);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(ct_waking, struct task_struct *p)
{
	struct ct_thread copy, *t;

	if (!ct_task_traced(p))
		return 0;
	t = ct_thread_for(p, EV_WAKING, &copy);
	if (!t)
		return 0;
	t->wake = p->on_cpu ? CT_WAKE_RACE : CT_WAKE_TOLD;
	send_wake(ctx, EV_WAKING, t, p->on_cpu ? EVF_ONCPU : 0);
	return 0;
}

/*
 * There is no hook on sched_wakeup_new, the first wake-up of a child: it comes right behind
 * sched_process_fork, by the same thread, and the fork's record has made the child runnable. A
 * child whose parent is not traced comes into the trace when it runs, because only a running
 * goroutine can create one.
 */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(ct_wakeup, struct task_struct *p)
{
	struct ct_thread copy, *t;
	__u8 told;

	if (!ct_task_traced(p))
		return 0;
	t = ct_thread_for(p, EV_WAKEUP, &copy);
	if (!t)
		return 0;
	told = t->wake;
	t->wake = CT_WAKE_NONE;
	/* a copy does not know what EV_WAKING has told, if that got a copy too; twice is no harm */
	if (told != CT_WAKE_TOLD || t == &copy)
		send_wake(ctx, EV_WAKEUP, t, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
