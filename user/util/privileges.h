/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up what is not needed any more. */
#ifndef CTRACE_UTIL_PRIVILEGES_H
#define CTRACE_UTIL_PRIVILEGES_H

/* What is kept beyond CAP_BPF and CAP_PERFMON. */
enum privileges_keep {
	PRIVILEGES_READ = 1,   /* the mappings and the program files of other users' processes */
	PRIVILEGES_PROBES = 2, /* probes where there is no uprobe_multi: CAP_SYS_ADMIN */
};

/*
 * Becomes the user who called sudo (or stays who it is) and keeps no capability but CAP_BPF and
 * CAP_PERFMON, which some kernels ask for at each bpf(2), and those for what is in keep (enum
 * privileges_keep). To be called while there is one thread. 0 or -errno.
 */
int privileges_drop(unsigned keep);
/* The same for a process of ours that needs nothing but PRIVILEGES_READ, or no right at all. */
int privileges_drop_to_reading(void);
int privileges_drop_everything(void);
/* Gives up the latter, for the calling thread and those that it makes from here on. 0 or -errno. */
int privileges_drop_reading(void);

/*
 * The calling thread goes before all others where that is allowed, in real time: the drain takes a
 * few percent of the time, but when all CPUs are full the rings would overflow before its turn
 * comes. At nice -20 alone it lost records in four of nine runs of 'perf bench sched messaging';
 * what the traced program loses by it is the same.
 *
 * Threads that it makes call the other function, and keep nice -20: what they do may wait, but not
 * for four hundred others.
 */
void privileges_raise_priority(void);
void privileges_no_real_time(void);

#endif
