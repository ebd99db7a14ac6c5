/* SPDX-License-Identifier: GPL-2.0 */
/* Is this process traced? The mode is constant at load time, so one test is left of these. */
#ifndef CTRACE_BPF_FILTER_H
#define CTRACE_BPF_FILTER_H

#include "bpf/maps.bpf.h"

/* The last process that each helper has made. */
volatile __u32 ct_helpers_child[CT_HELPERS] __weak = { 0 };

/* Is it the tracer, or a process that works for it? */
static __always_inline bool ct_tgid_ours(__u32 tgid)
{
	int i;

	if (tgid == ct_cfg.self_tgid)
		return true;
#pragma unroll
	for (i = 0; i < CT_HELPERS; i++)
		if (tgid == ct_cfg.helper_tgid[i] || tgid == ct_helpers_child[i])
			return true;
	return false;
}

/* A helper makes its next process, which takes the place of the last one. */
static __always_inline void ct_note_helpers_child(__u32 parent, __u32 child)
{
	int i;

#pragma unroll
	for (i = 0; i < CT_HELPERS; i++)
		if (ct_cfg.helper_tgid[i] && parent == ct_cfg.helper_tgid[i] && child != parent)
			ct_helpers_child[i] = child;
}

static __always_inline bool ct_tgid_traced(__u32 tgid)
{
	switch (ct_cfg.filter) {
	case CT_FILTER_ONE:
		return tgid == ct_cfg.tgid;
	case CT_FILTER_SET:
		return bpf_map_lookup_elem(&ct_targets, &tgid) != NULL;
	case CT_FILTER_ALL:
		return tgid && !ct_tgid_ours(tgid);
	}
	return false;
}

static __always_inline bool ct_task_traced(struct task_struct *p)
{
	if (ct_cfg.filter == CT_FILTER_ALL && !ct_cfg.kernel_threads && p->flags & PF_KTHREAD)
		return false;
	return ct_tgid_traced(p->tgid);
}

#endif
