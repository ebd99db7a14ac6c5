// SPDX-License-Identifier: BSD-2-Clause
/* See confine.h. */
#include "control/confine.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/features.h"
#include "util/strbuf.h"

/* In the order of what they are for. */
static const cap_value_t needed[] = {
	/* recorders: see util/privileges.c and README */
	CAP_BPF, CAP_PERFMON, CAP_SYSLOG, CAP_SYS_NICE, CAP_SYS_RESOURCE, CAP_SYS_PTRACE,
	CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE,
	/* to become the caller, and to end a recorder that has */
	CAP_SETUID, CAP_SETGID, CAP_KILL,
	/* files in the output directory, whatever its rights are, which become the caller's */
	CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER,
	/* probes where there is no uprobe_multi; the last one */
	CAP_SYS_ADMIN
};

static size_t count_needed(void)
{
	size_t n = sizeof(needed) / sizeof(needed[0]);

	return features[FEATURE_UPROBE_MULTI].ask() ? n - 1 : n;
}

static bool is_needed(cap_value_t cap, size_t n)
{
	size_t i;

	for (i = 0; i < n && needed[i] != cap; i++)
		;
	return i < n;
}

/* Without CAP_SETPCAP they cannot be taken out; nor can we gain any then. */
static void bound(size_t n)
{
	cap_value_t cap;

	for (cap = 0; cap_get_bound(cap) >= 0; cap++)
		if (!is_needed(cap, n))
			cap_drop_bound(cap);
}

/* Those of what it has that are needed. Ambient ones are gone with the inheritable. */
static int keep(size_t n)
{
	cap_t now = cap_get_proc(), kept = cap_init();
	cap_flag_value_t held;
	int err = -ENOMEM;
	size_t i;

	for (i = 0; now && kept && i < n; i++) {
		if (cap_get_flag(now, needed[i], CAP_PERMITTED, &held) || held != CAP_SET)
			continue;
		cap_set_flag(kept, CAP_PERMITTED, 1, &needed[i], CAP_SET);
		cap_set_flag(kept, CAP_EFFECTIVE, 1, &needed[i], CAP_SET);
	}
	if (now && kept)
		err = cap_set_proc(kept) ? -errno : 0;
	cap_free(kept);
	cap_free(now);
	return err;
}

static void raise_files(void)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int confine_service(struct strbuf *why)
{
	size_t n = count_needed();
	int err;

	raise_files();
	bound(n);
	err = keep(n);
	/* nobody looks into the memory that has the token */
	if (!err && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)))
		err = -errno;
	if (err)
		strbuf_set_f(why, "cannot give up what the service does not need: %s",
			     strerror(-err));
	return err;
}
