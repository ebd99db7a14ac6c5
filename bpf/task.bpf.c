// SPDX-License-Identifier: GPL-2.0
/* Birth, new image, new name and death of threads. */
#include "bpf/scope.bpf.h"
#include "bpf/syscall.bpf.h"

/* A new process begins with the mappings of its parent. */
static __always_inline void inherit_space(__u32 from, __u32 to)
{
	struct unw_space *space = bpf_map_lookup_elem(&ct_spaces, &from);

	if (space)
		bpf_map_update_elem(&ct_spaces, &to, space, BPF_ANY);
}

/* Is a child unknown to the collector, which sees other numbers than ours? Then nobody would keep
 * its mappings up to date. */
static __always_inline bool is_unknown(void)
{
	return ct_cfg.follow && ct_cfg.ns_level;
}

/* A new process: is it recorded? */
static __always_inline void is_born(struct task_struct *parent, struct task_struct *child)
{
	if (ct_cfg.rule ? ct_rule(child, child->comm) :
			  ct_cfg.follow && ct_tgid_traced(parent->tgid))
		ct_join(child);
	else if (ct_cfg.rule ||
		 ct_cfg.follow) /* who had its number, and whose end we were not told */
		ct_part(child->tgid);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(ct_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ev_cpu_now *p = NULL;
	__u32 stack = 0;
	__u64 key;

	ct_note_helpers_child(parent->tgid, child->tgid);
	if (child->tgid != parent->tgid)
		is_born(parent, child);
	if (!ct_task_traced(child)) {
		if (ct_cfg.rule) /* it may come to be, where a hook could not give it a place */
			ct_place(child);
		return 0;
	}
	if (ct_cfg.call_graph && child->tgid != parent->tgid && !is_unknown())
		inherit_space(parent->tgid, child->tgid);
	if (!ct_hooked) { /* it is there before the others, so that no thread comes without a place */
		ct_place(child);
		return 0;
	}
	if (ct_task_traced(parent))
		p = ct_current(parent);
	if (p && ct_cfg.stacks & CT_STACK_FORK)
		stack = ct_stack(ctx, p->key, CT_WANT_USER);
	if (p)
		ct_flush_with(ctx, p, stack);
	key = ct_key_for(child, EV_FORK);
	if (key)
		ct_send_pair(EV_FORK, 0, 0, p ? p->key : 0, key, stack);
	return 0;
}

/* include/linux/binfmts.h: a program, or its interpreter, that its user may execute but not read */
#define BINPRM_FLAGS_ENFORCE_NONDUMP 1u

/* a record of variable length is built here: exec runs once at a time on a CPU, with preemption off
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ev_exec);
} ct_exec_buf SEC(".maps");

/* Ptrace's rules end here, and so does the recording: the thread is off its CPU for good. */
static __noinline void ct_leave(void *ctx, struct task_struct *p, struct ev_cpu_now *now)
{
	struct ev_cpu_stat *st = ct_stat(bpf_get_smp_processor_id());

	ct_part(p->tgid);
	if (st)
		st->left++;
	ct_flush_syscall(ctx, now);
	ct_send_pair(EV_SWITCH, 0, EV_ST_PACK(EV_ST_DEAD, 0, EV_NR_NONE), now->key, 0, 0);
	now->task = 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(ct_exec, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
{
	struct ev_cpu_now *t;
	__u32 zero = 0;
	struct ev_exec *ev;
	long n;

	if (ct_cfg.rule) /* a kernel thread may have become a program */
		ct_judge(p, p->comm);
	if (!ct_task_traced(p))
		return 0;
	t = ct_current(p);
	ev = bpf_map_lookup_elem(&ct_exec_buf, &zero);
	if (!t || !ev)
		return 0;
	if (!ct_cfg.see_all && ct_cfg.filter == CT_FILTER_SET &&
	    (BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec) ||
	     BPF_CORE_READ(bprm, interp_flags) & BINPRM_FLAGS_ENFORCE_NONDUMP)) {
		ct_leave(ctx, p, t);
		return 0;
	}
	ct_flush_syscall(ctx, t);
	ev->thr = t->key;
	ev->tid = ct_tid(p);
	ev->pad = 0;
	bpf_probe_read_kernel_str(ev->comm, sizeof(ev->comm), p->comm);
	n = bpf_probe_read_kernel_str(ev->path, sizeof(ev->path), BPF_CORE_READ(bprm, filename));
	if (n < 0 || n > EV_PATH_MAX)
		n = 0;
	ct_output(EV_EXEC, 0, &ev->h, EV_EXEC_SHORT + n, ct_tgid(p));
	return 0;
}

static __always_inline void told_end(__u32 tgid)
{
	struct ct_member *m = bpf_map_lookup_elem(&ct_targets, &tgid);

	if (m)
		ct_ends(m);
}

/* include/linux/sched/signal.h; every thread of the process goes, and with this code */
#define SIGNAL_GROUP_EXIT 0x4

SEC("tp_btf/sched_process_exit")
int BPF_PROG(ct_exit, struct task_struct *p)
{
	struct ev_cpu_now *t;
	struct ev_exit *ev;

	if (!ct_task_traced(p))
		return 0;
	if ((ct_cfg.follow || ct_cfg.rule) && !p->signal->live.counter)
		told_end(p->tgid);
	t = ct_current(p);
	if (!t)
		return 0;
	ct_flush_syscall(ctx, t);
	ev = ct_reserve(EV_EXIT, sizeof(*ev), 0);
	if (!ev)
		return 0;
	ev->thr = t->key;
	ev->group = !!(BPF_CORE_READ(p, signal, flags) & SIGNAL_GROUP_EXIT);
	ev->code = ev->group ? BPF_CORE_READ(p, signal, group_exit_code) : 0;
	ct_submit(ev);
	return 0;
}

/*
 * A new image has none of the mappings of the old one. Here, not in the hook of the exec: that
 * comes after the new ones are made, and the collector may know them by then.
 */
static __always_inline void forget_space(__u32 tgid)
{
	if (ct_cfg.call_graph)
		bpf_map_delete_elem(&ct_spaces, &tgid);
}

static __always_inline bool ct_is_exec(__u32 nr)
{
#ifdef __TARGET_ARCH_x86
	switch (nr) {
	case 59:  /* execve */
	case 322: /* execveat */
	case EV_NR_COMPAT | 11:
	case EV_NR_COMPAT | 358:
		return true;
	}
	return false;
#else
	return nr == 221 || nr == 281;
#endif
}

/* An exec that brings its process in does so at its end: the old image was not meant. */
static __always_inline void is_renamed(struct task_struct *leader, const char *comm)
{
	if (ct_tgid_traced(leader->tgid) || leader != bpf_get_current_task_btf() ||
	    !ct_is_exec(ct_nr_of(leader)))
		ct_judge(leader, comm);
}

SEC("tp_btf/task_rename")
int BPF_PROG(ct_rename, struct task_struct *p, const char *comm)
{
	struct ev_cpu_now *now;
	struct ev_rename *ev;
	__u8 flags = 0;
	__u64 key;

	if (ct_cfg.rule && p->pid == p->tgid)
		is_renamed(p, comm);
	if (!ct_task_traced(p))
		return 0;
	key = ct_key_for(p, EV_RENAME);
	if (!key)
		return 0;
	if (p == bpf_get_current_task_btf()) { /* not when another writes to its /proc/PID/comm */
		now = ct_current(p);
		if (now)
			ct_flush_syscall(ctx, now);
		if (ct_is_exec(ct_nr_of(p))) {
			flags = EVF_EXEC;
			forget_space(p->tgid);
		}
	}
	ev = ct_reserve(EV_RENAME, sizeof(*ev), 0);
	if (!ev)
		return 0;
	ev->h.flags = flags;
	ev->thr = key;
	if (bpf_probe_read_kernel_str(ev->comm, sizeof(ev->comm), comm) < 0)
		ev->comm[0] = 0;
	ct_submit(ev);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
