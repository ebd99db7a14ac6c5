/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the collector tells the BPF programs before they are loaded. It lies in read-only data, so
 * the verifier folds each test and drops the code of what is off.
 */
#ifndef CTRACE_BPF_CONFIG_H
#define CTRACE_BPF_CONFIG_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum ct_filter {
	CT_FILTER_NONE = 0, /* nothing is traced; the programs only load */
	CT_FILTER_ONE = 1,  /* the process `tgid` */
	CT_FILTER_SET = 2,  /* the processes in the map ct_targets */
	CT_FILTER_ALL = 3,  /* every process but our own; no kernel threads */
};

struct ct_config {
	__u32 filter;	 /* enum ct_filter */
	__u32 tgid;	 /* CT_FILTER_ONE: the process, as the kernel numbers it */
	__u32 self_tgid; /* the tracer itself: never traced */
	__u32 syscalls;	 /* the syscall hooks are attached: a thread knows whether it is in a
			    syscall. 0: read at the switch */
	__u32 ns_level;	 /* depth of the tracer's pid namespace; tids are told as seen there. 0: the
			    initial one */
	__u32 see_all; /* processes of every user may be recorded; else one is left at the exec of a
			  set-uid program */
};

#endif
