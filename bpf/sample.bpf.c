// SPDX-License-Identifier: GPL-2.0
/* What the CPUs are doing, at the ticks of a perf event: CPU samples, with both halves of the
 * stack. */
#include "bpf/stack.bpf.h"

SEC("perf_event")
int ct_sample(struct bpf_perf_event_data *ctx)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	struct ev_cpu_stat *st;
	struct ev_cpu_now *now;
	struct ev_sample *ev;
	__u32 stack, cpu = bpf_get_smp_processor_id();

	if (!cur->pid || !ct_task_traced(cur))
		return 0;
	/* in the middle of the switch hook what that is about to write is not touched */
	now = ct_cfg.sample_nmi ? bpf_map_lookup_elem(&ct_now, &cpu) : ct_current(cur);
	if (!now)
		return 0;
	if (now->task != (__u64)cur) {
		ct_count_drop(cpu, EV_SAMPLE);
		return 0;
	}
	st = ct_stat(bpf_get_smp_processor_id());
	if (st)
		st->sampled++;
	stack = ct_stack(ctx, now->key, CT_WANT_KERNEL | CT_WANT_USER);
	ev = ct_reserve(EV_SAMPLE, sizeof(*ev), 0);
	if (!ev)
		return 0;
	ev->thr = now->key;
	ev->stack = (struct ev_stack_ref){ .id = stack };
	ct_submit(ev);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
