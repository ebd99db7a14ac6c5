/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running a BPF iterator. It runs in whoever reads it, and one that reads the memory of other
 * processes waits where they would: for a file that they map, or whatever handles their page
 * faults. That may be for ever.
 */
#ifndef CTRACE_CAPTURE_ITER_H
#define CTRACE_CAPTURE_ITER_H

/* To its end, by the calling thread. 0 or -errno. */
int iter_run(int link_fd);
/* The same by a process that is made for it. -ETIMEDOUT: it is held, and was given up. */
int iter_run_apart(int link_fd);

#endif
