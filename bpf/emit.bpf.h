/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way of a record into the ring of its CPU; the only place that counts drops.
 *
 * The collector polls: no submit ever wakes it. The time is read after the room was reserved, so
 * that a record that waits for its content holds back its ring instead of arriving late.
 */
#ifndef CTRACE_BPF_EMIT_H
#define CTRACE_BPF_EMIT_H

#include "bpf/maps.bpf.h"

static __always_inline struct ev_cpu_stat *ct_stat(__u32 cpu)
{
	return bpf_map_lookup_elem(&ct_stats, &cpu);
}

static __always_inline void ct_count_drop(__u32 cpu, __u32 kind)
{
	struct ev_cpu_stat *st = ct_stat(cpu);

	if (!st)
		return;
	if (st->lost == st->lost_ack)
		st->lost_since = bpf_ktime_get_ns();
	st->lost++;
	if (kind < EV_KERNEL_MAX)
		st->lost_kind[kind]++;
}

/* Room for a record of `size` bytes with its header filled in; NULL when it is lost, and counted. */
static __always_inline void *ct_reserve(__u32 kind, __u32 size, __u32 arg)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&ct_rings, &cpu);
	struct ev_hdr *h;

	h = ring ? bpf_ringbuf_reserve(ring, size, 0) : NULL;
	if (!h) {
		ct_count_drop(cpu, kind);
		return NULL;
	}
	h->ts = bpf_ktime_get_ns();
	h->kind = kind;
	h->flags = 0;
	h->cpu = cpu;
	h->arg = arg;
	return h;
}

static __always_inline void ct_submit(void *rec)
{
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

/* A record whose length is known only now, built elsewhere without its header. */
static __always_inline void ct_output(__u32 kind, struct ev_hdr *rec, __u32 size, __u32 arg)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&ct_rings, &cpu);

	rec->ts = bpf_ktime_get_ns();
	rec->kind = kind;
	rec->flags = 0;
	rec->cpu = cpu;
	rec->arg = arg;
	if (!ring || bpf_ringbuf_output(ring, rec, size, BPF_RB_NO_WAKEUP))
		ct_count_drop(cpu, kind);
}

#endif
