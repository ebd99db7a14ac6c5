// SPDX-License-Identifier: BSD-2-Clause
/* See recordings_parts.h. May it be? A question a function. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/options.h"
#include "control/recordings_parts.h"
#include "util/procfs.h"

/* A program that has gone from its recording, as by exec, may begin another one while that ends. */
static bool has_slot(const struct served *s, const struct served_wish *wish)
{
	if (s->door != wish->door)
		return false;
	if (wish->door == DOOR_RPC)
		return s->caller.uid == wish->caller.uid;
	return wish->door == DOOR_LIBRARY && s->caller.pid == wish->caller.pid && !s->let_go;
}

static int check_slot(const struct recordings *r, const struct served_wish *wish,
		      struct strbuf *why)
{
	const struct served *s;

	for (s = r->list; s; s = s->next)
		if (has_slot(s, wish))
			return strbuf_refuse(-EALREADY, why,
					     wish->door == DOOR_RPC ? "trace already in progress" :
								      "tracing is already enabled");
	return 0;
}

/* A user has half of them at most, and all users together leave some to root and the group. */
static int check_room(const struct recordings *r, const struct caller *c, struct strbuf *why)
{
	unsigned max = r->opts.o->max_recordings, his_max = max > 1 ? max / 2 : 1, his = 0;
	unsigned users_max = max > 1 ? max - (max + 3) / 4 : 1, users = 0;
	const struct served *s;

	if (r->ending)
		return strbuf_refuse(-EBUSY, why,
				     "the service ends: it begins no recording any more");
	if (r->cnt >= max)
		return strbuf_refuse(
			-EBUSY, why,
			"%u recordings are under way, and no more are taken at a time; try again when one has ended",
			max);
	for (s = r->list; s; s = s->next) {
		his += s->caller.uid == c->uid;
		users += s->caller.rank == CALLER_USER;
	}
	if (c->rank == CALLER_USER && his >= his_max)
		return strbuf_refuse(
			-EBUSY, why,
			"you have %u recordings under way, and no more are taken of a user at a time; try again when one has ended",
			his);
	if (c->rank == CALLER_USER && users >= users_max)
		return strbuf_refuse(
			-EBUSY, why,
			"users have %u recordings under way, and no more are taken but for root and members of the group " CALLER_GROUP
			"; try again when one has ended",
			users);
	return 0;
}

static int check_time(const struct recordings *r, const struct served_wish *wish,
		      struct strbuf *why)
{
	uint64_t max = r->opts.o->max_time_ns;

	if (wish->duration_ns <= max)
		return 0;
	return strbuf_refuse(-EINVAL, why,
			     "%g s is longer than this service records for anybody, %g s",
			     (double)wish->duration_ns / 1e9, (double)max / 1e9);
}

/* The kernel gives the files of a process that is more than its user (setuid, not dumpable) to
 * root; and those of one whose first thread has ended, of whom the recorder asks others. */
static bool is_his(const struct caller *c, const struct proc_info *info)
{
	struct stat st;
	char path[48];

	if (!caller_sees(c, (pid_t)info->pid) || c->rank == CALLER_ALL || info->state == 'Z')
		return caller_sees(c, (pid_t)info->pid);
	snprintf(path, sizeof(path), "/proc/%u/maps", info->pid);
	return !stat(path, &st) && st.st_uid == c->uid;
}

/* Numbers of processes are those of who says them; those of a container are others here. A program
 * that traces itself says none. */
static int check_numbers(const struct options *o, const struct served_wish *wish,
			 struct strbuf *why)
{
	pid_t pid = wish->caller.pid;

	if (!o->npid || !(wish->object || wish->words) || wish->door == DOOR_LIBRARY || !pid ||
	    procfs_ns_pid((uint32_t)pid) == (uint32_t)pid)
		return 0;
	return strbuf_refuse(
		-EINVAL, why,
		"process numbers are others where you ask from, in a container: ask from outside of it");
}

/*
 * Is there such a process, and is it his? The recorder asks again, by ptrace's rules
 * (capture/target.h); here it is told at once, with an errno that doors can tell apart.
 */
static int check_processes(const struct options *o, const struct caller *c, struct strbuf *why)
{
	struct proc_info info;
	size_t i;

	for (i = 0; i < o->npid; i++) {
		if (procfs_status(o->pid[i], &info))
			return strbuf_refuse(-ESRCH, why, "no process with pid %u", o->pid[i]);
		if (!is_his(c, &info))
			return strbuf_refuse(
				-EPERM, why,
				"process %u (%s) is not yours to look at: ask as its user, as root, or as a member of the group " CALLER_GROUP,
				o->pid[i], info.comm);
	}
	return 0;
}

int recordings_admit(const struct recordings *r, const struct served_wish *wish, struct strbuf *why)
{
	int err = check_slot(r, wish, why);

	if (!err)
		err = check_room(r, &wish->caller, why);
	return err ? err : check_time(r, wish, why);
}

int recordings_admit_targets(const struct options *o, const struct served_wish *wish,
			     struct strbuf *why)
{
	int err = check_numbers(o, wish, why);

	return err ? err : check_processes(o, &wish->caller, why);
}
