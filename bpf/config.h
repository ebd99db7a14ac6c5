/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the collector tells the BPF programs before they are loaded. It lies in read-only data, so
 * the verifier folds each test and drops the code of what is off.
 */
#ifndef CTRACE_BPF_CONFIG_H
#define CTRACE_BPF_CONFIG_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum ct_filter {
	CT_FILTER_NONE = 0, /* nothing is traced; the programs only load */
	CT_FILTER_ONE = 1,  /* the process `tgid` */
	CT_FILTER_SET = 2,  /* the processes in the map ct_targets */
	CT_FILTER_ALL = 3,  /* every process but our own */
};

/* By what a process is judged: bits of ct_config.rule. Then CT_FILTER_SET holds those that pass. */
enum ct_rule {
	CT_RULE_ON = 1, /* with nothing else: everybody but our own passes */
	CT_RULE_CGROUP = 2,
	CT_RULE_UID = 4,
	CT_RULE_COMM = 8,     /* some of ct_globs say who is recorded */
	CT_RULE_EXCLUDE = 16, /* some say who is not, or ct_barred has processes */
	CT_RULE_SAMPLE = 32,
};

#define CT_UIDS_MAX 16
#define CT_GLOBS_MAX 64
#define CT_BARRED_MAX 64

/*
 * A pattern of names, as a machine that reads them byte by byte. Its state is a set of places in
 * the pattern, as bits; it begins as { 0 }. A byte moves each place that accepts it on by one; a
 * place behind a star stays as well. The name matches when the last place is reached.
 */
struct ct_glob {
	__u32 accept[256]; /* by byte: the places that accept it */
	__u32 star;	   /* the places behind a star */
	__u32 end;	   /* the last place, as a bit */
	__u32 exclude;	   /* who matches is not recorded */
	__u32 pad;
};
#define CT_GLOB_PLACES 31 /* no pattern has more */

/* Which records carry a stack: bits of ct_config.stacks. */
enum ct_stacks {
	CT_STACK_BLOCK = 1,    /* a thread goes to sleep */
	CT_STACK_WAKEUP = 2,   /* a thread wakes another: the waker's */
	CT_STACK_FORK = 4,     /* a thread makes another: the maker's */
	CT_STACK_SYSCALL = 8,  /* every syscall */
	CT_STACK_KERNEL = 16,  /* kernel frames also where a syscall explains the wait */
	CT_STACK_PREEMPT = 32, /* a thread loses its CPU */
	CT_STACK_MARK = 64,    /* tasks, regions and logs */
};

/* How user stacks are walked. */
enum ct_call_graph {
	CT_CALL_GRAPH_NONE = 0,
	CT_CALL_GRAPH_CFI =
		1, /* by the tables of each module; frame pointers where there are none */
	CT_CALL_GRAPH_FP = 2, /* by frame pointers alone */
};

#define CT_HELPERS 3

/* A process that is recorded, in the map ct_targets. */
struct ct_member {
	__u64 start; /* when it began, which tells it from the next one with its number; 0: whoever
			has that */
	__u32 ended; /* its last thread has begun to exit */
	__u32 pad;
};

struct ct_config {
	__u32 filter;	 /* enum ct_filter */
	__u32 tgid;	 /* CT_FILTER_ONE: the process, as the kernel numbers it */
	__u32 self_tgid; /* the tracer itself: never traced */
	__u32 syscalls;	 /* the syscall hooks are attached: a thread knows whether it is in a
			    syscall. 0: read at the switch */
	__u32 ns_level;	 /* depth of the tracer's pid namespace; tids are told as seen there. 0: the
			    initial one */
	__u32 see_all; /* processes of every user may be recorded; else one is left at the exec of a
			  set-uid program, or of one that its user may not read */
	__u32 helper_tgid[CT_HELPERS]; /* processes of the tracer, which are no more traced than
					  those that they make; 0 none */
	__u32 sample_nmi;     /* ticks of the sampling clock come also while another program runs */
	__u32 stacks;	      /* enum ct_stacks, which records carry one */
	__u32 call_graph;     /* enum ct_call_graph. 0: stacks have kernel frames alone */
	__u32 follow;	      /* CT_FILTER_SET: children of recorded processes are recorded, too */
	__u32 rule;	      /* enum ct_rule, 0: no process is judged */
	__u32 kernel_threads; /* they are recorded, too */
	__u32 percent;	      /* CT_RULE_SAMPLE */
	__u32 nglob;
	__u32 nuid;
	__u32 uid[CT_UIDS_MAX]; /* CT_RULE_UID: effective ones, as the initial namespace has them */
	__u32 hierarchy;	/* CT_RULE_CGROUP: number of the hierarchy; 0 is v2 */
	__u64 cgroup;		/* … and of the group in it */
	__u64 irq_ns; /* interrupts that take as long are told; 0: none, their hooks are not there */
};

#endif
