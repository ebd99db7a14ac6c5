/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Go execution trace format, version 2, as data: event numbers, argument names and types,
 * limits.
 *
 * The encoder takes the numbers from here, the decoder walks the table. Nothing in this file knows
 * of threads or CPUs, and nothing allocates: all pointers lead to constants.
 *
 * Numbers are those of the wire. An event may be written only when the header's version is not
 * older than its `since`.
 */
#ifndef CTRACE_GOTRACE_SPEC_H
#define CTRACE_GOTRACE_SPEC_H

#include <stdint.h>

#define GO_HEADER_LEN 16	   /* "go 1.NN trace" and three NUL */
#define GO_BATCH_MAX 65536	   /* bytes of data in a batch */
#define GO_STRING_MAX 1024	   /* bytes of a string */
#define GO_FRAMES_MAX 128	   /* frames of a stack */
#define GO_ARGS_MAX 5		   /* arguments of an event, its time delta not counted */
#define GO_NO_THREAD UINT64_MAX	   /* M of batches that belong to no thread */
#define GO_FREQUENCY 1000000000ull /* ticks per second that we write */

enum go_ev {
	GO_EV_NONE = 0,
	/* framing and tables */
	GO_EV_EVENT_BATCH = 1,
	GO_EV_STACKS = 2,
	GO_EV_STACK = 3,
	GO_EV_STRINGS = 4,
	GO_EV_STRING = 5,
	GO_EV_CPU_SAMPLES = 6,
	GO_EV_CPU_SAMPLE = 7,
	GO_EV_FREQUENCY = 8,
	/* processors */
	GO_EV_PROCS_CHANGE = 9,
	GO_EV_PROC_START = 10,
	GO_EV_PROC_STOP = 11,
	GO_EV_PROC_STEAL = 12,
	GO_EV_PROC_STATUS = 13,
	/* goroutines */
	GO_EV_GO_CREATE = 14,
	GO_EV_GO_CREATE_SYSCALL = 15,
	GO_EV_GO_START = 16,
	GO_EV_GO_DESTROY = 17,
	GO_EV_GO_DESTROY_SYSCALL = 18,
	GO_EV_GO_STOP = 19,
	GO_EV_GO_BLOCK = 20,
	GO_EV_GO_UNBLOCK = 21,
	GO_EV_GO_SYSCALL_BEGIN = 22,
	GO_EV_GO_SYSCALL_END = 23,
	GO_EV_GO_SYSCALL_END_BLOCKED = 24,
	GO_EV_GO_STATUS = 25,
	/* ranges and counters */
	GO_EV_STW_BEGIN = 26,
	GO_EV_STW_END = 27,
	GO_EV_GC_ACTIVE = 28,
	GO_EV_GC_BEGIN = 29,
	GO_EV_GC_END = 30,
	GO_EV_GC_SWEEP_ACTIVE = 31,
	GO_EV_GC_SWEEP_BEGIN = 32,
	GO_EV_GC_SWEEP_END = 33,
	GO_EV_GC_MARK_ASSIST_ACTIVE = 34,
	GO_EV_GC_MARK_ASSIST_BEGIN = 35,
	GO_EV_GC_MARK_ASSIST_END = 36,
	GO_EV_HEAP_ALLOC = 37,
	GO_EV_HEAP_GOAL = 38,
	/* annotations */
	GO_EV_GO_LABEL = 39,
	GO_EV_USER_TASK_BEGIN = 40,
	GO_EV_USER_TASK_END = 41,
	GO_EV_USER_REGION_BEGIN = 42,
	GO_EV_USER_REGION_END = 43,
	GO_EV_USER_LOG = 44,
	/* header 1.23 and later */
	GO_EV_GO_SWITCH = 45,
	GO_EV_GO_SWITCH_DESTROY = 46,
	GO_EV_GO_CREATE_BLOCKED = 47,
	GO_EV_GO_STATUS_STACK = 48,
	GO_EV_EXPERIMENTAL_BATCH = 49,
	/* header 1.25 and later */
	GO_EV_SYNC = 50,
	GO_EV_CLOCK_SNAPSHOT = 51,
	/* header 1.26 and later */
	GO_EV_END_OF_GENERATION = 52,
	GO_EV_MAX = 53,
};

/* Status of a goroutine in GoStatus and GoStatusStack. */
enum go_status {
	GO_RUNNABLE = 1,
	GO_RUNNING = 2,
	GO_SYSCALL = 3,
	GO_WAITING = 4,
};

/* Status of a processor in ProcStatus. */
enum proc_status {
	PROC_RUNNING = 1,
	PROC_IDLE = 2,
	PROC_SYSCALL = 3,
	PROC_SYSCALL_ABANDONED = 4, /* written by Go only */
};

enum go_arg_type {
	GO_ARG_NUM = 0, /* a plain number */
	GO_ARG_G = 1,
	GO_ARG_M = 2,
	GO_ARG_P = 3,
	GO_ARG_SEQ = 4,
	GO_ARG_GSTATUS = 5,
	GO_ARG_PSTATUS = 6,
	GO_ARG_STRING = 7, /* id in the string table of the generation, 0 the empty string */
	GO_ARG_STACK = 8,  /* id in the stack table of the generation, 0 none */
	GO_ARG_TASK = 9,
	GO_ARG_TIME = 10, /* absolute ticks */
};

struct go_arg_spec {
	const char *name;
	enum go_arg_type type;
};

/* How the bytes of an event are laid out. */
enum go_ev_shape {
	GO_SHAPE_TIMED = 0, /* number, time delta, arguments */
	GO_SHAPE_PLAIN = 1, /* number, arguments */
	GO_SHAPE_SECTION =
		2,	   /* number alone: opens a table or sync batch, or closes a generation */
	GO_SHAPE_DATA = 3, /* number, arguments, length, bytes */
	GO_SHAPE_FRAMES =
		4, /* number, arguments of which the last counts the frames of 4 numbers */
};

struct go_ev_spec {
	const char *name;
	uint8_t since; /* minor number of the first header that allows it */
	uint8_t shape; /* enum go_ev_shape */
	uint8_t narg;  /* without the time delta */
	struct go_arg_spec arg[GO_ARGS_MAX];
};

/* The row of an event number; NULL when the format has no such event. */
const struct go_ev_spec *go_ev_spec(unsigned ev);

/* Like go_ev_spec(), but NULL also for an event that is younger than the header's minor version. */
const struct go_ev_spec *go_ev_spec_at(unsigned ev, unsigned minor);

/* Names as the Go tools print them; NULL for a number that is no status. */
const char *go_status_name(uint64_t status);
const char *proc_status_name(uint64_t status);

#endif
