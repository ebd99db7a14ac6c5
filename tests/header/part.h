/* SPDX-License-Identifier: BSD-2-Clause */
/* What part.c and part2.cpp have for main.c, ids.c and a library. */
#ifndef TESTS_HEADER_PART_H
#define TESTS_HEADER_PART_H

#include <ctrace/ctrace.h>

#ifdef __cplusplus
extern "C" {
#endif
/* Seen from outside, also where -fvisibility=hidden is the rule. */
#pragma GCC visibility push(default)
uint64_t part_task(void);
int part_work(ctrace_ctx ctx);
const volatile void *part_semaphore(void);
int part_first(void); /* its markers are the faster ones */
int part2_work(ctrace_ctx ctx);
const volatile void *part2_semaphore(void);
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
