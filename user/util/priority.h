/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How urgent the work on records is. It takes a few percent of the time, yet when all CPUs are full the rings would overflow
 * before its turn comes. So drain and encoder have an advantage over others (nice), and the drain runs in real time
 * for as long as the rings fill faster than its turn comes.
 */
#ifndef CTRACE_UTIL_PRIORITY_H
#define CTRACE_UTIL_PRIORITY_H

#include <stdbool.h>

/*
 * The calling thread and those that it makes later get the advantage, and may become urgent without privileges. What the
 * machine refuses, as many containers do, is done without.
 */
void priority_prepare(void);

/* The calling thread; false: as before. Nothing happens where that is refused. */
void priority_urgent(bool urgent);

#endif
