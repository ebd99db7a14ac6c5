/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maps and the configuration that all program files share. They are weak, so that the linker
 * makes one of each when the objects become one skeleton.
 */
#ifndef CTRACE_BPF_MAPS_H
#define CTRACE_BPF_MAPS_H

#include "bpf/common.bpf.h"
#include "bpf/mark.h"

const volatile struct ct_config ct_cfg __weak = {};

/* An array that the collector maps too, and whose size it sets. */
#define CT_SHARED_ARRAY(name, element)             \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, element);            \
	} name __weak SEC(".maps")

/* What we remember of a traced thread. */
struct ct_thread {
	__u64 key;     /* 0 not given yet */
	__u8 wake;     /* enum ct_wake */
	__u8 in_probe; /* it left its CPU inside a syscall that is a probe */
	__u8 pad[2];
	__u32 told; /* EV_THREAD was sent, at that time of ct_telling; 0 not yet */
};

/* Counted up when a process may come back that was told of before, and forgotten. */
volatile __u32 ct_telling __weak = 1;

/* What EV_WAKING has already told when EV_WAKEUP comes. */
enum ct_wake {
	CT_WAKE_NONE = 0, /* nothing: the record was lost, or its program did not run */
	CT_WAKE_TOLD = 1, /* all there is to tell: the thread was asleep */
	CT_WAKE_RACE =
		2, /* the thread was still on its CPU: only the wakeup says whether it slept */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ct_thread);
} ct_threads __weak SEC(".maps");

struct ct_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* one ring per possible CPU; the collector makes them */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ct_ring);
} ct_rings __weak SEC(".maps");

CT_SHARED_ARRAY(ct_stats, struct ev_cpu_stat);

CT_SHARED_ARRAY(ct_now, struct ev_cpu_now);

/* CT_FILTER_SET: by tgid, as the kernel numbers them */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ct_member);
} ct_targets __weak SEC(".maps");

/* CT_RULE_COMM, CT_RULE_EXCLUDE */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ct_glob);
} ct_globs __weak SEC(".maps");

/* CT_RULE_EXCLUDE: processes by tgid that are not recorded */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
} ct_barred __weak SEC(".maps");

/* the Go programs whose annotations are listened to; cookies of probes tell the index */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ct_go);
} ct_gos __weak SEC(".maps");

/* [0]: last thread serial given, [1]: last stack id given */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} ct_serials __weak SEC(".maps");

/* All programs are there, and the rings are emptied: what is attached before says nothing yet. */
volatile __u32 ct_hooked __weak = 0;

#define CT_SERIAL_THREAD 0
#define CT_SERIAL_STACK 1

static __always_inline __u32 ct_next_serial(__u32 which)
{
	__u64 *last = bpf_map_lookup_elem(&ct_serials, &which);

	return last ? __sync_fetch_and_add(last, 1) + 1 : 0;
}

#endif
