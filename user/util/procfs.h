/* SPDX-License-Identifier: BSD-2-Clause */
/* Small questions to /proc and /sys. All paths are of the machine (or container) that we run in. */
#ifndef CTRACE_UTIL_PROCFS_H
#define CTRACE_UTIL_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_info {
	char comm[16];
	char state; /* R S D T t Z X I */
	uint32_t pid, tgid;
	bool kthread;
};

/* 0, or -ESRCH when there is no such thread, or another -errno. */
int procfs_status(uint32_t pid, struct proc_info *out);
/* A process as the innermost pid namespace that it is in numbers it; pid itself where that cannot
 * be read. */
uint32_t procfs_ns_pid(uint32_t pid);
/* Whose rights a process has: its effective user, as we number users. 0 or -errno. */
int procfs_uid(uint32_t pid, uint32_t *uid);
/* Resident bytes of a process; 0 when it is gone. */
uint64_t procfs_rss(uint32_t pid);
/* Content of a small file, NUL-terminated; length or -errno. */
ssize_t procfs_read(const char *path, char *buf, size_t sz);
/* Calls fn for each CPU of a list such as /sys/devices/system/cpu/online; returns how many, or
 * -errno. */
int procfs_cpus(const char *path, void (*fn)(void *ctx, unsigned cpu), void *ctx);
uint64_t procfs_ram(void); /* bytes of the machine */

#endif
