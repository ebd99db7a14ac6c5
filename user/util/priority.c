// SPDX-License-Identifier: BSD-2-Clause
/* See priority.h. */
#include "util/priority.h"

#include <sched.h>
#include <stddef.h>
#include <sys/resource.h>

/* With 200 runnable threads on its CPU this one gets 30 % of it; at -10 it would be 4 %. */
#define NICE (-20)

static void set_policy(int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	(void)!sched_setscheduler(0, policy, &p);
}

void priority_prepare(void)
{
	struct rlimit one = { 1, 1 };

	setrlimit(RLIMIT_RTPRIO, &one);
	setpriority(PRIO_PROCESS, 0, NICE);
}

void priority_urgent(bool urgent)
{
	if (urgent)
		set_policy(SCHED_RR, 1);
	else
		set_policy(SCHED_OTHER, 0);
}
