/* SPDX-License-Identifier: BSD-2-Clause */
/* A pattern of names, made into the small machine that the BPF programs run (bpf/config.h). */
#ifndef CTRACE_CAPTURE_GLOB_H
#define CTRACE_CAPTURE_GLOB_H

#include "bpf/config.h"

/*
 * Fills g from a pattern: * is any text, ? any byte, [a-z] one of these, [!a-z] none of these, and
 * a backslash takes the next byte as it is. A [ without its ] is itself. 0; -E2BIG when no name of
 * a process, of 15 bytes, is so long.
 */
int glob_compile(struct ct_glob *g, const char *pattern);

#endif
