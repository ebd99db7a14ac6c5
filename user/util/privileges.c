// SPDX-License-Identifier: BSD-2-Clause
/* See privileges.h. */
#include "util/privileges.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/invoker.h"

static int become(const struct invoker *who)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ? -errno : invoker_become(who);
}

#define KEEP_BPF 0x100 /* beside enum privileges_keep */

struct right {
	cap_value_t cap;
	unsigned keep; /* what it is for */
};

/* For reading: /proc/PID/maps and /proc/PID/root, files whatever their modes, /proc/PID/map_files. */
static const struct right rights[] = {
	{ CAP_BPF, KEEP_BPF },
	{ CAP_PERFMON, KEEP_BPF },
	{ CAP_SYS_PTRACE, PRIVILEGES_READ },
	{ CAP_DAC_READ_SEARCH, PRIVILEGES_READ },
	{ CAP_CHECKPOINT_RESTORE, PRIVILEGES_READ },
	{ CAP_SYS_ADMIN, PRIVILEGES_PROBES },
};

/* Keeps those that it holds and that are asked for, and no other. */
static int keep_caps(unsigned wanted)
{
	cap_t now = cap_get_proc(), keep = cap_init();
	const struct right *r;
	cap_flag_value_t held;
	int err = 0;

	if (!now || !keep)
		return -ENOMEM;
	for (r = rights; r < rights + sizeof(rights) / sizeof(rights[0]); r++) {
		if (!(r->keep & wanted))
			continue;
		if (!cap_get_flag(now, r->cap, CAP_PERMITTED, &held) && held == CAP_SET) {
			cap_set_flag(keep, CAP_PERMITTED, 1, &r->cap, CAP_SET);
			cap_set_flag(keep, CAP_EFFECTIVE, 1, &r->cap, CAP_SET);
		}
	}
	if (cap_set_proc(keep))
		err = -errno;
	cap_free(keep);
	cap_free(now);
	return err;
}

static int drop_to(unsigned keep)
{
	struct invoker who = invoker_get();
	int err = who.other ? become(&who) : 0;

	return err ? err : keep_caps(keep);
}

int privileges_drop(unsigned keep)
{
	return drop_to(KEEP_BPF | keep);
}

int privileges_drop_to_reading(void)
{
	return drop_to(PRIVILEGES_READ);
}

int privileges_drop_everything(void)
{
	return drop_to(0);
}

int privileges_drop_reading(void)
{
	return keep_caps(KEEP_BPF);
}

void privileges_raise_priority(void)
{
	struct sched_param first = { .sched_priority = 1 };

	setpriority(PRIO_PROCESS, 0, -20);
	sched_setscheduler(0, SCHED_RR, &first);
}

void privileges_no_real_time(void)
{
	struct sched_param none = { .sched_priority = 0 };

	sched_setscheduler(0, SCHED_OTHER, &none);
}
