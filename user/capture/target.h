/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which processes are meant: the pids that the user wrote, checked against /proc and turned into
 * the kernel's numbers. What cannot be recorded is refused in a sentence.
 */
#ifndef CTRACE_CAPTURE_TARGET_H
#define CTRACE_CAPTURE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct strbuf;

struct target {
	uint32_t pid;  /* as our pid namespace sees it */
	uint32_t tgid; /* as the kernel does; the same outside of containers */
	char comm[EV_COMM_LEN];
	char exe[EV_PATH_MAX]; /* the executable, "" when it cannot be read */
	int pidfd;	       /* readable when the process has ended; -1 none */
	bool ended;
};

struct target_set {
	struct target *t;
	size_t cnt;
	uint32_t ns_level; /* depth of our pid namespace */
};

/*
 * Fills set from pids, each of which must be there now, no kernel thread, no zombie, not ourselves,
 * and one that ptrace's rules let the caller read: the kernel is asked, without what capabilities
 * of our file would add. A tid stands for its process, with a notice. Returns 0, or -errno with the
 * reason in why: -ESRCH and -EINVAL for a wrong pid, -EPERM where more privilege would help.
 */
int target_resolve(struct target_set *set, const uint32_t *pid, size_t cnt, struct strbuf *why);
/*
 * The same of one process that we have made, which is the caller's by that: it is called what it
 * will be, by the path of its program.
 */
int target_launched(struct target_set *set, uint32_t pid, const char *path, struct strbuf *why);
/*
 * The same questions once more, and the names anew: between the first time and the kernel side's
 * first look at execs a target may have become a program that the caller must not see. To be called
 * after the attach; all of set have to pass.
 */
int target_check(struct target_set *set, struct strbuf *why);
/* Are we in a pid namespace of our own? What the kernel calls a process is not what we see then. */
bool target_in_container(void);
/* Fills set with every process there is but kernel threads, to name them; without pidfd. */
void target_all(struct target_set *set);
void target_free(struct target_set *set);

#endif
