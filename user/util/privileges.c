// SPDX-License-Identifier: BSD-2-Clause
/* See privileges.h. */
#include "util/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/invoker.h"

static int become(const struct invoker *who)
{
	struct passwd *pw = getpwuid(who->uid);
	int n = pw ? initgroups(pw->pw_name, who->gid) : setgroups(1, &who->gid);

	if (n || setresgid(who->gid, who->gid, who->gid))
		return -errno;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresuid(who->uid, who->uid, who->uid))
		return -errno;
	return 0;
}

/* Keeps those of the wanted ones that it holds, and no other. */
static int keep_caps(const cap_value_t *wanted, size_t cnt)
{
	cap_t now = cap_get_proc(), keep = cap_init();
	cap_flag_value_t held;
	size_t i;
	int err = 0;

	if (!now || !keep)
		return -ENOMEM;
	for (i = 0; i < cnt; i++) {
		if (!cap_get_flag(now, wanted[i], CAP_PERMITTED, &held) && held == CAP_SET) {
			cap_set_flag(keep, CAP_PERMITTED, 1, &wanted[i], CAP_SET);
			cap_set_flag(keep, CAP_EFFECTIVE, 1, &wanted[i], CAP_SET);
		}
	}
	if (cap_set_proc(keep))
		err = -errno;
	cap_free(keep);
	cap_free(now);
	return err;
}

/* The first two always; the rest is for reading: /proc/PID/maps and /proc/PID/root, files whatever
 * their modes, /proc/PID/map_files. */
static const cap_value_t wanted[] = { CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
				      CAP_CHECKPOINT_RESTORE };
#define NALWAYS 2

int privileges_drop(bool read_others)
{
	struct invoker who = invoker_get();
	int err = who.other ? become(&who) : 0;

	if (err)
		return err;
	return keep_caps(wanted, read_others ? sizeof(wanted) / sizeof(wanted[0]) : NALWAYS);
}

int privileges_drop_reading(void)
{
	return keep_caps(wanted, NALWAYS);
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
