// SPDX-License-Identifier: GPL-2.0
/* A process that was recorded is no more: see scope.bpf.h. Loaded where the map changes by itself. */
#include "bpf/scope.bpf.h"

/* The leader is freed last; a thread that executes a program takes its number over before. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(ct_free, struct task_struct *p)
{
	struct ct_member *m;
	__u32 tgid = p->tgid;

	if (p->pid != p->tgid)
		return 0;
	m = bpf_map_lookup_elem(&ct_targets, &tgid);
	if (m && (!m->start || m->start == p->start_time))
		ct_part(tgid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
