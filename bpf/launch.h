/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the collector tells the programs of launch.bpf.c, and they it; it may change at any time. */
#ifndef CTRACE_BPF_LAUNCH_H
#define CTRACE_BPF_LAUNCH_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Where the launched process is to be stopped: bits, each of which is for one time. */
enum ct_halt {
	CT_HALT_EXEC = 1,   /* when it executes, before its first instruction */
	CT_HALT_LOADED = 2, /* when its libraries are mapped, before any code of them runs */
};

struct ct_launch {
	__u32 tgid;   /* as the kernel numbers it; 0: nobody was launched */
	__u32 halts;  /* enum ct_halt: those to come */
	__u32 halted; /* how often that was done */
	__u32 pad;
	__u64 r_state; /* CT_HALT_LOADED: address of what the loader says of its list of libraries
			  (r_debug.r_state); 0: it calls the hook once only */
};

#endif
