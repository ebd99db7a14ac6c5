/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory limit of a process by its control groups: v2, v1, or both beside each other (hybrid),
 * whole hierarchies or what a container shows of them.
 *
 * In: /proc/PID/cgroup, /proc/self/mountinfo and the files of the mounts that it names. Out: a
 * number; nothing is kept.
 */
#ifndef CTRACE_CAPTURE_CGROUP_H
#define CTRACE_CAPTURE_CGROUP_H

#include <stdint.h>

/*
 * The smallest limit of the process's group and of all groups above it that can be seen, in bytes;
 * UINT64_MAX where none is set. v1 has a number just below 2^63 for none. All paths lie below the
 * directory root, "" for this machine's.
 */
uint64_t cgroup_memory_limit(const char *root, uint32_t pid);

/* The limit that binds a process of this machine: 0 when none is set, or none below the memory of
 * the machine. */
uint64_t cgroup_binding_limit(uint32_t pid);

#endif
