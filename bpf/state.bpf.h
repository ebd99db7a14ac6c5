/* SPDX-License-Identifier: GPL-2.0 */
/* The state of a task that is not runnable, as one letter. */
#ifndef CTRACE_BPF_STATE_H
#define CTRACE_BPF_STATE_H

#include "bpf/common.bpf.h"

/* the bits of __state that we tell apart; include/linux/sched.h */
#define CT_TASK_INTERRUPTIBLE 0x0001
#define CT_TASK_STOPPED 0x0004
#define CT_TASK_TRACED 0x0008
#define CT_TASK_PARKED 0x0040
#define CT_TASK_DEAD 0x0080
#define CT_TASK_NOLOAD 0x0400

static __always_inline __u32 ct_sleep_state(__u32 state)
{
	if (state & CT_TASK_DEAD)
		return EV_ST_DEAD;
	if (state & CT_TASK_INTERRUPTIBLE)
		return EV_ST_SLEEP;
	if (state & CT_TASK_STOPPED)
		return EV_ST_STOPPED;
	if (state & CT_TASK_TRACED)
		return EV_ST_TRACED;
	if (state & CT_TASK_PARKED)
		return EV_ST_PARKED;
	if (state & CT_TASK_NOLOAD)
		return EV_ST_IDLE;
	return EV_ST_DISK;
}

#endif
