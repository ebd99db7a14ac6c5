// SPDX-License-Identifier: GPL-2.0
/*
 * The floor: the least that a tracer on these hooks can do. In: context switches, wake-ups, entry
 * and exit of every syscall. Out: one 32-byte record per firing in the BPF ring of the CPU, never
 * with a wake-up of the reader. Nothing is kept between two firings. Mode `empty` has the same
 * hooks and no body. The reader's own process is left out, or it would feed itself.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "floor.h"

char LICENSE[] SEC("license") = "GPL";

/* set before loading: the verifier drops the branches that a mode does not take */
const volatile bool empty;
const volatile unsigned int only_tgid;
const volatile unsigned int self_tgid;

struct floor_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FLOOR_CPUS);
	__type(key, unsigned int);
	__array(values, struct floor_ring);
} floor_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, __u64);
} floor_lost SEC(".maps");

static __always_inline int emit(unsigned int kind, unsigned int tid, unsigned int tid2, __u64 arg,
				unsigned int state)
{
	unsigned int cpu = bpf_get_smp_processor_id(), zero = 0;
	struct floor_rec *rec;
	__u64 *lost;
	void *ring;

	ring = bpf_map_lookup_elem(&floor_rings, &cpu);
	if (!ring)
		return 0;
	rec = bpf_ringbuf_reserve(ring, sizeof(*rec), 0);
	if (!rec) {
		lost = bpf_map_lookup_elem(&floor_lost, &zero);
		if (lost)
			++*lost;
		return 0;
	}
	rec->ts = bpf_ktime_get_ns();
	rec->kind = kind | cpu << 8;
	rec->tid = tid;
	rec->arg = arg;
	rec->tid2 = tid2;
	rec->state = state;
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline bool skip(unsigned int tgid)
{
	return tgid == self_tgid || (only_tgid && tgid != only_tgid);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(floor_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	if (empty)
		return 0;
	/* a switch between the reader and a foreign thread is the foreign thread's, so it stays */
	if (only_tgid && prev->tgid != only_tgid && next->tgid != only_tgid)
		return 0;
	return emit(FLOOR_SWITCH, prev->pid, next->pid, preempt, prev->__state);
}

static __always_inline int wakeup(struct task_struct *task)
{
	if (empty || skip(task->tgid))
		return 0;
	return emit(FLOOR_WAKEUP, task->pid, (unsigned int)bpf_get_current_pid_tgid(), 0, 0);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(floor_wakeup, struct task_struct *task)
{
	return wakeup(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(floor_wakeup_new, struct task_struct *task)
{
	return wakeup(task);
}

static __always_inline int sys(unsigned int kind, __u64 arg)
{
	__u64 id;

	if (empty)
		return 0;
	id = bpf_get_current_pid_tgid();
	if (skip(id >> 32))
		return 0;
	return emit(kind, (unsigned int)id, 0, arg, 0);
}

SEC("raw_tp/sys_enter")
int floor_enter(struct bpf_raw_tracepoint_args *ctx)
{
	return sys(FLOOR_ENTER, ctx->args[1]);
}

SEC("raw_tp/sys_exit")
int floor_exit(struct bpf_raw_tracepoint_args *ctx)
{
	return sys(FLOOR_EXIT, ctx->args[1]);
}
