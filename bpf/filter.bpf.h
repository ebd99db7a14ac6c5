/* SPDX-License-Identifier: GPL-2.0 */
/* Is this process traced? The mode is constant at load time, so one test is left of these. */
#ifndef CTRACE_BPF_FILTER_H
#define CTRACE_BPF_FILTER_H

#include "bpf/maps.bpf.h"

/* The last process that the helper has made. */
volatile __u32 ct_helpers_child __weak = 0;

static __always_inline bool ct_tgid_traced(__u32 tgid)
{
	switch (ct_cfg.filter) {
	case CT_FILTER_ONE:
		return tgid == ct_cfg.tgid;
	case CT_FILTER_SET:
		return bpf_map_lookup_elem(&ct_targets, &tgid) != NULL;
	case CT_FILTER_ALL:
		return tgid && tgid != ct_cfg.self_tgid && tgid != ct_cfg.helper_tgid &&
		       tgid != ct_helpers_child;
	}
	return false;
}

static __always_inline bool ct_task_traced(struct task_struct *p)
{
	if (ct_cfg.filter == CT_FILTER_ALL && p->flags & PF_KTHREAD)
		return false;
	return ct_tgid_traced(p->tgid);
}

#endif
