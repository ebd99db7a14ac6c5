/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What bpf/find.bpf.c answers for each process. */
#ifndef CTRACE_BPF_FIND_H
#define CTRACE_BPF_FIND_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

struct ct_found {
	__u32 ns_pid; /* as the reader's pid namespace numbers it */
	__u32 tgid;   /* as the kernel does */
	__u32 level;  /* depth of the reader's namespace */
};

#endif
