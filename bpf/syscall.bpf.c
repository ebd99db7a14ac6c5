// SPDX-License-Identifier: GPL-2.0
/*
 * Entry and exit of every syscall of the traced processes; not loaded with --syscalls=blocking or none. See
 * syscall.bpf.h for what becomes a record.
 */
#include "bpf/syscall.bpf.h"

/* x86: the kernel's own uretprobe and optimised uprobe syscalls; they are no doing of the program */
#define NR_URETPROBE 335
#define NR_UPROBE 336

static __always_inline bool is_probe(long nr)
{
#ifdef __TARGET_ARCH_x86
	return nr == NR_URETPROBE || nr == NR_UPROBE;
#else
	return false;
#endif
}

SEC("raw_tp/sys_enter")
int ct_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 nr = ctx->args[1];
	struct task_struct *p;
	struct ct_thread *t;

	if (!ct_tgid_traced(bpf_get_current_pid_tgid() >> 32) || is_probe(nr))
		return 0;
	p = bpf_get_current_task_btf();
	if (ct_cfg.filter == CT_FILTER_ALL && p->flags & PF_KTHREAD)
		return 0;
	t = ct_thread_of(p);
	if (!t)
		return 0;
	nr &= 0xffff;
#ifdef __TARGET_ARCH_x86
	if (p->thread_info.status & TS_COMPAT)
		nr |= CT_NR_COMPAT;
#endif
	t->sys_nr = nr;
	t->sys = CT_SYS_IN;
	t->sys_begin = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void send_whole(struct ct_thread *t)
{
	struct ev_sys *ev = ct_reserve(EV_SYSCALL, sizeof(*ev), t->sys_nr & 0xffff);

	if (ev) {
		if (t->sys_nr & CT_NR_COMPAT)
			ev->h.flags = EVF_COMPAT;
		ev->thr = t->key;
		ev->begin = t->sys_begin;
		ct_submit(ev);
	}
	t->sys_begin = 0;
}

static __always_inline void send_exit(struct ct_thread *t)
{
	struct ev_sys *ev = ct_reserve(EV_SYS_EXIT, EV_SYS_SHORT, t->sys_nr & 0xffff);

	if (!ev)
		return;
	ev->thr = t->key;
	ct_submit(ev);
}

SEC("raw_tp/sys_exit")
int ct_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *p;
	struct ct_thread *t;

	if (!ct_tgid_traced(bpf_get_current_pid_tgid() >> 32))
		return 0;
	p = bpf_get_current_task_btf();
	if (is_probe(ct_nr_of(p)))
		return 0;
	if (ct_cfg.filter == CT_FILTER_ALL && p->flags & PF_KTHREAD)
		return 0;
	t = ct_thread_of(p);
	if (!t)
		return 0;
	if (t->sys_begin)
		send_whole(t);
	else if (t->sys != CT_SYS_OUT)
		send_exit(t);
	t->sys = CT_SYS_OUT;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
