/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a process writes its jitdump: it is mapped, so that tracers see its name. */
#ifndef CTRACE_SYMBOL_JITFIND_H
#define CTRACE_SYMBOL_JITFIND_H

#include <stdint.h>

/*
 * Opens the jit-NSPID.dump that the process has mapped, below its root directory (-1: our own). -1
 * when there is none, or when we may not see its mappings.
 */
int jitfind_dump(uint32_t pid, uint32_t ns_pid, int root_fd);

#endif
