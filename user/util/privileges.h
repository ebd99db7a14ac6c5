/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up what is not needed any more. */
#ifndef CTRACE_UTIL_PRIVILEGES_H
#define CTRACE_UTIL_PRIVILEGES_H

/*
 * Becomes the user who called sudo (or stays who it is) and keeps no capability but CAP_BPF and CAP_PERFMON, which
 * some kernels ask for at each bpf(2). To be called while there is one thread. 0 or -errno.
 */
int privileges_drop(void);

/*
 * The calling thread and those that it makes later go before others where that is allowed: the work on records takes a few
 * percent of the time, but when all CPUs are full the rings would overflow before its turn comes. Beside 200 runnable
 * threads on its CPU a thread at -20 gets 30 % of it; at -10 it gets 4 %. Real time gains nothing over that.
 */
void privileges_raise_priority(void);

#endif
