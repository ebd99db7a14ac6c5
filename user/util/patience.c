// SPDX-License-Identifier: BSD-2-Clause
/* See patience.h. */
#include "util/patience.h"

#include <time.h>

#include "util/clock.h"

static uint64_t cpu_time(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

struct patience patience_begin(pid_t pid)
{
	uint64_t now = clock_mono();

	return (struct patience){ pid, now, now, cpu_time(pid) };
}

bool patience_over(struct patience *p)
{
	uint64_t now = clock_mono(), cpu = cpu_time(p->pid);

	if (cpu != p->cpu)
		p->moved = now;
	p->cpu = cpu;
	return now - p->moved > PATIENCE_IDLE_NS || now - p->begin > PATIENCE_LONGEST_NS;
}
