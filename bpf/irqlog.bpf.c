// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts that take long, told of the thread that they interrupt. Hard ones are the handlers of
 * devices; soft ones run behind them, or in a thread of their own. Loaded where somebody asks.
 *
 * They come in the middle of anything, other hooks among it: nothing is looked up here but what the
 * CPU remembers.
 */
#include "bpf/syscall.bpf.h"

/* What is going on on a CPU; 0: nothing. */
struct ct_irq_now {
	__u64 hard, soft; /* since when */
	__u64 nested;	  /* of the soft one, the time of hard ones inside */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ct_irq_now);
} ct_irqs SEC(".maps");

/* include/linux/interrupt.h; numbers are never given anew, as the kernel's own table is in this
 * order since 2.6 */
#define SOFTIRQS 10
static const char softirq_names[SOFTIRQS][EV_COMM_LEN] = {
	"HI",	    "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
	"IRQ_POLL", "TASKLET", "SCHED",	 "HRTIMER", "RCU",
};

static __always_inline struct ct_irq_now *irq_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ct_irqs, &zero);
}

/* The CPU's thread, when it is recorded; not one that no hook has seen here yet, as at the start:
 * it is not in the trace by then. */
static __always_inline struct ev_cpu_now *interrupted(void)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	__u32 cpu = bpf_get_smp_processor_id();
	struct ev_cpu_now *now;

	if (!cur->pid || !ct_task_traced(cur))
		return NULL;
	now = bpf_map_lookup_elem(&ct_now, &cpu);
	return now && now->task == (__u64)cur ? now : NULL;
}

static __always_inline void tell(__u32 which, __u64 ns, const char *name)
{
	struct ev_cpu_now *now = interrupted();
	struct ev_irq *ev;

	if (!now)
		return;
	if (ct_cfg.syscalls && now->sys_begin) /* the walk of its stack is too much here */
		ct_send_syscall(now, EV_SYS_ENTER, 0);
	ev = ct_reserve(EV_IRQ, sizeof(*ev), which);
	if (!ev)
		return;
	ev->thr = now->key;
	ev->ns = ns;
	if (bpf_probe_read_kernel_str(ev->name, sizeof(ev->name), name) < 0)
		ev->name[0] = 0;
	ct_submit(ev);
}

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(ct_irq_entry, int irq, struct irqaction *action)
{
	struct ct_irq_now *i = irq_now();

	if (i)
		i->hard = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(ct_irq_exit, int irq, struct irqaction *action, int ret)
{
	struct ct_irq_now *i = irq_now();
	__u64 ns;

	if (!i || !i->hard)
		return 0;
	ns = bpf_ktime_get_ns() - i->hard;
	i->hard = 0;
	if (i->soft)
		i->nested += ns;
	if (ns >= ct_cfg.irq_ns)
		tell(EV_IRQ_HARD, ns, BPF_CORE_READ(action, name));
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(ct_softirq_entry, unsigned int vec)
{
	struct ct_irq_now *i = irq_now();

	if (!i)
		return 0;
	i->nested = 0;
	i->soft = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(ct_softirq_exit, unsigned int vec)
{
	struct ct_irq_now *i = irq_now();
	__u64 ns;

	if (!i || !i->soft)
		return 0;
	ns = bpf_ktime_get_ns() - i->soft;
	ns -= i->nested < ns ? i->nested : ns;
	i->soft = 0;
	if (ns >= ct_cfg.irq_ns && vec < SOFTIRQS)
		tell(EV_IRQ_SOFT, ns, softirq_names[vec]);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
