// SPDX-License-Identifier: GPL-2.0
/*
 * Entry and exit of every syscall of the traced processes; not loaded with --syscalls=blocking or
 * none. See syscall.bpf.h for what becomes a record.
 */
#include "bpf/syscall.bpf.h"

SEC("raw_tp/sys_enter")
int ct_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct ev_cpu_now *now;
	__u32 nr;

	if (!ct_tgid_traced(p->tgid))
		return 0;
	nr = ct_nr(p, ctx->args[1]);
	now = ct_current(p);
	if (!now)
		return 0;
	if (ct_is_probe(nr)) {
		now->sys = EV_NOW_PROBE;
		return 0;
	}
	now->sys_nr = nr;
	now->sys = EV_NOW_IN;
	now->sys_begin = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void send_exit(struct ev_cpu_now *now, struct task_struct *p)
{
	struct ev_sys *ev = ct_reserve(EV_SYS_EXIT, EV_SYS_SHORT, ct_nr_of(p));

	if (!ev)
		return;
	ev->thr = now->key;
	ct_submit(ev);
}

SEC("raw_tp/sys_exit")
int ct_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id(), stack = 0;
	struct ev_cpu_now *now = bpf_map_lookup_elem(&ct_now, &cpu);
	struct task_struct *p;

	if (now && now->sys == EV_NOW_PROBE) { /* this soon, because annotations come here too */
		now->sys = EV_NOW_OUT;
		return 0;
	}
	p = bpf_get_current_task_btf();
	if (!ct_tgid_traced(p->tgid))
		return 0;
	now = ct_current(p);
	if (!now)
		return 0;
	if (now->sys_begin && ct_cfg.stacks & CT_STACK_SYSCALL)
		stack = ct_stack(ctx, now->key, CT_WANT_USER);
	if ((!now->sys_begin || !ct_send_syscall(now, EV_SYSCALL, stack)) && now->sys != EV_NOW_OUT)
		send_exit(now, p);
	now->sys = EV_NOW_OUT;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
