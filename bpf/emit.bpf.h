/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way of a record into the ring of its CPU; the only place that counts drops.
 *
 * The collector polls: no submit ever wakes it. The time is read after the room was reserved, so
 * that a record that waits for its content holds back its ring instead of arriving late.
 */
#ifndef CTRACE_BPF_EMIT_H
#define CTRACE_BPF_EMIT_H

#include "bpf/common.bpf.h"
#include "bpf/drops.h"
#include "bpf/maps.bpf.h"

static __always_inline struct ev_cpu_stat *ct_stat(__u32 cpu)
{
	return bpf_map_lookup_elem(&ct_stats, &cpu);
}

static __always_inline void ct_count_drop(__u32 cpu, __u32 kind)
{
	struct ev_cpu_stat *st = ct_stat(cpu);

	if (st)
		ct_drop(st, kind, bpf_ktime_get_ns());
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

/* A record whose length is known only now, built elsewhere without its header. false: it is lost,
 * and counted. */
static __always_inline bool ct_output(__u32 kind, __u8 flags, struct ev_hdr *rec, __u32 size,
				      __u32 arg)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&ct_rings, &cpu);

	rec->ts = bpf_ktime_get_ns();
	rec->kind = kind;
	rec->flags = flags;
	rec->cpu = cpu;
	rec->arg = arg;
	if (ring && !bpf_ringbuf_output(ring, rec, size, BPF_RB_NO_WAKEUP))
		return true;
	ct_count_drop(cpu, kind);
	return false;
}

/* The frequent kinds have one shape: two words, and a stack where there is one. */
struct ct_pair {
	struct ev_hdr h;
	__u64 a, b;
	struct ev_stack_ref stack;
};

#define CT_IS_PAIR(type, first, second)                                                           \
	_Static_assert(sizeof(struct type) == sizeof(struct ct_pair) &&                           \
			       __builtin_offsetof(struct type, first) == sizeof(struct ev_hdr) && \
			       __builtin_offsetof(struct type, second) ==                         \
				       sizeof(struct ev_hdr) + 8,                                 \
		       "two words and a stack")
CT_IS_PAIR(ev_switch, prev, next);
CT_IS_PAIR(ev_wake, wakee, waker);
CT_IS_PAIR(ev_fork, parent, child);
CT_IS_PAIR(ev_sys, thr, begin);

/* Sends one of these; stack 0: none. The verifier of 6.1 wants the two lengths in two calls. */
static __always_inline void ct_send_pair(__u32 kind, __u8 flags, __u32 arg, __u64 a, __u64 b,
					 __u32 stack)
{
	struct ct_pair with, *rec;

	if (stack) {
		with.a = a;
		with.b = b;
		with.stack.id = stack;
		with.stack.pad = 0;
		ct_output(kind, flags, &with.h, sizeof(with), arg);
		return;
	}
	rec = ct_reserve(kind, sizeof(*rec) - sizeof(rec->stack), arg);
	if (!rec)
		return;
	rec->h.flags = flags;
	rec->a = a;
	rec->b = b;
	ct_submit(rec);
}

#endif
