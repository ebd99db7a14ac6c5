// SPDX-License-Identifier: GPL-2.0
/*
 * Stops the process that we have launched where the collector has to know it before it goes on.
 * Loaded only then. It is a SIGSTOP of the kernel, so nobody is its tracer, and it is sent to the
 * current process alone, which stops on its way back to user space.
 */
#include "bpf/filter.bpf.h"
#include "bpf/launch.h"

volatile struct ct_launch ct_launch = {};

#define SIGSTOP 19
#define RT_CONSISTENT 0 /* include/link.h of the C library: the list of libraries is whole */

static __always_inline void halt(__u32 which)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	/* who has been left by then is not ours to stop, see ct_leave() */
	if (tgid != ct_launch.tgid || !(ct_launch.halts & which) || !ct_tgid_traced(tgid))
		return;
	ct_launch.halts &= ~which;
	if (!bpf_send_signal(SIGSTOP))
		ct_launch.halted++;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(ct_launch_exec, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
{
	halt(CT_HALT_EXEC);
	return 0;
}

/* The hook that loaders have for debuggers (_dl_debug_state). */
SEC("uprobe")
int ct_launch_loaded(struct pt_regs *ctx)
{
	__u64 at = ct_launch.r_state;
	__u32 state = RT_CONSISTENT;

	if (at && bpf_probe_read_user(&state, sizeof(state), (void *)at))
		return 0;
	if (state == RT_CONSISTENT)
		halt(CT_HALT_LOADED);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
