/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up what is not needed any more. */
#ifndef CTRACE_UTIL_PRIVILEGES_H
#define CTRACE_UTIL_PRIVILEGES_H

/*
 * Becomes the user who called sudo (or stays who it is) and keeps no capability but CAP_BPF and CAP_PERFMON, which
 * some kernels ask for at each bpf(2). To be called while there is one thread. 0 or -errno.
 */
int privileges_drop(void);

#endif
