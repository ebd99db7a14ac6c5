/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The record contract between the BPF programs and the collector.
 *
 * Every record opens with struct ev_hdr; its kind decides what follows. Records are sent at their
 * own size: what a kind may leave out stands at the end of its struct and is told by the record's
 * length. Numbers reach disk (`--raw`) and are never reused.
 *
 * Time is CLOCK_MONOTONIC in ns and is the moment of the emission, so that a ring is in time order
 * but for interrupts; an older moment (the begin of a syscall) travels in the body.
 *
 * A thread is named by its key: the tid it had when it was first seen in the low half, a number
 * that is never given twice in one recording in the high half. Key 0 is "nobody we trace": the idle
 * task, an interrupt, a thread of another process.
 */
#ifndef CTRACE_BPF_EVENT_H
#define CTRACE_BPF_EVENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#include <stddef.h>
#endif

#define EV_COMM_LEN 16	   /* TASK_COMM_LEN of the kernel */
#define EV_PATH_MAX 256	   /* longest executable path that a record carries, with its NUL */
#define EV_KSTACK_MAX 32   /* kernel frames of a stack */
#define EV_USTACK_MAX 127  /* user frames of a stack */
#define EV_SYM_FRAMES 16   /* functions that one address may stand in, by inlining */
#define EV_MARK_STR 1024   /* bytes of a string of an annotation */
#define EV_RECORD_MAX 2304 /* no record is longer */

enum event_kind {
	EV_NONE = 0,
	/* from the BPF programs */
	EV_THREAD = 1, /* first sight of a thread: who it is */
	EV_SWITCH = 2, /* a CPU goes from one thread to the next */
	EV_WAKING = 3, /* somebody starts to wake a thread */
	EV_WAKEUP = 4, /* the woken thread is runnable; sent when EV_WAKING alone could mislead */
	EV_FORK = 5,   /* a thread made another one */
	EV_EXEC = 6,   /* a process has a new image */
	EV_EXIT = 7,   /* a thread has begun to exit; it still runs for a while */
	EV_RENAME = 8, /* a thread has a new name */
	EV_SYS_ENTER = 9, /* a syscall began; sent late, when another record of the thread needs it
			     first */
	EV_SYS_EXIT = 10, /* a syscall ended whose begin went ahead, or was before the recording */
	EV_SYSCALL = 11,  /* a whole syscall: nothing else of its thread happened inside */
	EV_STACK = 12,	  /* the frames of a stack id, sent once and before its first use */
	EV_SNAP = 13,	  /* the state of a thread, read by the task iterator */
	EV_SAMPLE = 14,	  /* what a CPU was doing at a tick of the sampling clock */
	EV_MARK = 15,	  /* an annotation: a task, a region or a log */
	EV_IRQ = 16,	  /* an interrupt took long */
	EV_LEAVE = 17,	  /* a process is not recorded any more, though it goes on */
	EV_KERNEL_END = 18,
	EV_KERNEL_MAX = 24, /* tables by kind have room for so many */
	/* added by the collector, which alone writes them */
	EV_START = 32,	/* all threads are known: the trace begins here */
	EV_STOP = 33,	/* the recording ends here */
	EV_LOST = 34,	/* records of a CPU were lost, from this time on */
	EV_METRIC = 35, /* a value that is sampled, such as the memory of the process */
	EV_PROC = 36,	/* a process: name and executable */
	EV_KSYM = 37,	/* the name of a kernel address */
	EV_CPU = 38,	/* a CPU is online */
	EV_CONFIG = 39, /* how the recording is set; the first record of all */
	EV_MODULE = 40, /* what the module number of user frames stands for; goes ahead of them */
	EV_SYM = 41,	/* the functions of a user frame; found out late, so at the very end */
	EV_EPOCH =
		42,   /* stack ids are given anew: those of the epoch before the last are no more */
	EV_SITE = 43, /* the name that a site of annotations stands for; goes ahead of them */
	EV_CUT = 44,  /* a file of the trace, or a snapshot, ends here, and the next one begins */
	EV_KIND_MAX = 45,
};

/* What a thread is doing when it leaves a CPU; one letter each, as in ps(1). */
enum ev_state {
	EV_ST_RUNNABLE = 'R', /* preempted, or gave way with sched_yield */
	EV_ST_SLEEP = 'S',    /* interruptible */
	EV_ST_DISK = 'D',     /* uninterruptible */
	EV_ST_STOPPED = 'T',  /* SIGSTOP */
	EV_ST_TRACED = 't',   /* ptrace */
	EV_ST_DEAD = 'X',     /* its last switch */
	EV_ST_PARKED = 'P',   /* kernel thread */
	EV_ST_IDLE = 'I',     /* kernel thread that waits for work and does not count as load */
};

/* What kind of file a read or a write waits for; 0 where that was not asked or not found out. */
enum ev_fdclass {
	EV_FD_UNKNOWN = 0,
	EV_FD_FILE = 1, /* regular file, directory, block device */
	EV_FD_SOCKET = 2,
	EV_FD_PIPE = 3, /* pipe or FIFO */
	EV_FD_TTY = 4,
	EV_FD_EVENT = 5, /* eventfd, timerfd, signalfd, inotify */
	EV_FD_OTHER = 6, /* another device or anonymous file */
};

/* ev_hdr.flags */
#define EVF_IRQ 0x01	 /* waking, wakeup: from an interrupt, so its waker is a bystander */
#define EVF_KTHREAD 0x02 /* thread, snap: a kernel thread; switch: next is one, not recorded */
#define EVF_ONCPU 0x08	 /* waking: the wakee has not left its CPU yet; snap: it is on one */
#define EVF_ASKED                                                                                  \
	0x10 /* sys_enter: not from the thread but from the collector, for one that runs for long; \
		may come after its end */
#define EVF_EXEC 0x20 /* rename: by an exec that is under way; the name is the new image's */
#define EVF_OURS 0x40 /* switch: next is a thread of the recorder */

/* A syscall, in every record: its number, with EV_NR_COMPAT added when that is one of the 32-bit
 * table. */
#define EV_NR_COMPAT 0x8000u
#define EV_NR_BAD 0x7fffu  /* a number that no table has */
#define EV_NR_NONE 0xffffu /* not inside a syscall */

struct ev_hdr {
	__u64 ts;   /* ns, CLOCK_MONOTONIC */
	__u8 kind;  /* enum event_kind */
	__u8 flags; /* EVF_* */
	__u16 cpu;  /* where the record was written */
	__u32 arg;  /* small value of the kind, named below */
};

/* EV_THREAD; also the head of EV_SNAP */
struct ev_thread {
	struct ev_hdr h; /* arg: pid, the thread group's id */
	__u64 thr;
	char comm[EV_COMM_LEN];
};

/* arg of EV_SWITCH and of ev_snap.st: state, fd class, syscall number in one word */
#define EV_ST_PACK(state, fdclass, nr) ((__u32)(state) | (__u32)(fdclass) << 8 | (__u32)(nr) << 16)
#define EV_ST_STATE(arg) ((arg)&0xff)
#define EV_ST_FDCLASS(arg) ((arg) >> 8 & 0xff)
#define EV_ST_NR(arg) ((arg) >> 16)

/*
 * A stack, at the end of the kinds that may have one; left out where there is none. The record of
 * the id, EV_STACK, went ahead.
 */
struct ev_stack_ref {
	__u32 id; /* 0 none */
	__u32 pad;
};

/* EV_SWITCH */
struct ev_switch {
	struct ev_hdr h; /* arg: EV_ST_PACK of prev */
	__u64 prev;	 /* key, 0 when not traced */
	__u64 next;	 /* key, 0 when not traced: EVF_KTHREAD and EVF_OURS tell who; with
			    neither the CPU is idle, or has another process */
	struct ev_stack_ref stack; /* prev's */
};
#define EV_SWITCH_SHORT offsetof(struct ev_switch, stack)

/* EV_WAKING and EV_WAKEUP */
struct ev_wake {
	struct ev_hdr h; /* arg: 0 */
	__u64 wakee;
	__u64 waker; /* the current thread's key, 0 when not traced; a bystander with EVF_IRQ */
	struct ev_stack_ref stack; /* the waker's */
};
#define EV_WAKE_SHORT offsetof(struct ev_wake, stack)

/* EV_FORK; the child's EV_THREAD went ahead */
struct ev_fork {
	struct ev_hdr h; /* arg: 0 */
	__u64 parent;
	__u64 child;
	struct ev_stack_ref stack; /* the parent's */
};
#define EV_FORK_SHORT offsetof(struct ev_fork, stack)

/* EV_EXEC; path is as long as it is */
struct ev_exec {
	struct ev_hdr h; /* arg: the thread group's id */
	__u64 thr;
	__u32 tid; /* after the exec: that of the group's leader, whoever called */
	__u32 pad;
	char comm[EV_COMM_LEN];
	char path[EV_PATH_MAX];
};
#define EV_EXEC_SHORT offsetof(struct ev_exec, path)

/* EV_EXIT */
struct ev_exit {
	struct ev_hdr h; /* arg: 0 */
	__u64 thr;
	__u32 code;  /* of the process, as wait(2) has it: the signal in the low 7 bits, or the
			status in the second byte */
	__u32 group; /* 1: the process ends, with this code; 0: this thread alone, code is 0 */
};
#define EV_EXIT_SHORT offsetof(struct ev_exit, code)

/* EV_RENAME */
struct ev_rename {
	struct ev_hdr h; /* arg: 0 */
	__u64 thr;
	char comm[EV_COMM_LEN];
};

/* EV_SYS_ENTER and EV_SYSCALL; EV_SYS_EXIT without begin */
struct ev_sys {
	struct ev_hdr
		h; /* arg: syscall number; EV_SYS_EXIT: EV_NR_NONE where it is not known any more */
	__u64 thr;
	__u64 begin; /* ns, CLOCK_MONOTONIC; not later than h.ts */
	struct ev_stack_ref stack;
};
#define EV_SYS_SHORT offsetof(struct ev_sys, begin)
#define EV_SYS_PLAIN offsetof(struct ev_sys, stack)

/*
 * A user frame in one word: the module it lies in (see EV_MODULE; 0: in none that is known) and the
 * address inside, as the module's own file counts addresses. It is ready to be looked up: of a
 * return address it is the byte before, which belongs to the call.
 */
#define EV_FRAME(module, addr) ((__u64)(module) << 48 | (addr))
#define EV_FRAME_MODULE(frame) ((__u32)((frame) >> 48))
#define EV_FRAME_ADDR(frame) ((frame)&0xffffffffffffull)
#define EV_MODULE_MAX 0xffffu /* numbers are below */

/* How the user half of a stack ends. */
enum ev_stack_end {
	EV_END_NONE = 0,       /* it was not walked */
	EV_END_COMPLETE = 1,   /* at the outermost function of the thread */
	EV_END_DEEP = 2,       /* cut: more frames than a record holds */
	EV_END_NO_PROCESS = 3, /* cut: the mappings of the process are not known yet */
	EV_END_NO_MAPPING = 4, /* broken: an address outside of all mappings that hold code */
	EV_END_NO_TABLE = 5,   /* cut: the module has no tables, and no frame pointer led on */
	EV_END_NO_RULE = 6,    /* broken: no rule for this address, or one that we cannot follow */
	EV_END_READ = 7, /* cut: the memory of the stack is not resident, or no memory at all */
	EV_END_LOOP = 8, /* broken: the stack would not grow */
	EV_END_MAX = 9,	 /* at most 16 */
};

/* EV_STACK; leaf first, kernel frames before user frames; as long as it is */
struct ev_stack {
	struct ev_hdr h; /* arg: id, never 0 */
	__u64 thr;	 /* in whom it was seen first */
	__u16 nkernel;
	__u16 nuser;
	__u8 end; /* enum ev_stack_end, of the user frames */
	__u8 pad[3];
	__u64 pc[EV_KSTACK_MAX + EV_USTACK_MAX]; /* kernel: addresses; user: EV_FRAME */
};
#define EV_STACK_SHORT offsetof(struct ev_stack, pc)

/* EV_SNAP */
struct ev_snap {
	struct ev_thread t; /* h.cpu: the CPU it is on, or was on last; EVF_ONCPU tells */
	__u32 st;	    /* EV_ST_PACK; EV_ST_RUNNABLE when on a CPU */
	__u32 stack;	    /* id of its stack when it sleeps */
};

/* EV_SAMPLE */
struct ev_sample {
	struct ev_hdr h; /* arg: 0 */
	__u64 thr;
	struct ev_stack_ref stack;
};

/* EV_IRQ; it ended at h.ts */
struct ev_irq {
	struct ev_hdr h;	/* arg: EV_IRQ_* */
	__u64 thr;		/* the interrupted thread */
	__u64 ns;		/* how long it took; of a soft one without hard ones inside */
	char name[EV_COMM_LEN]; /* of the handler, or of the kind of soft interrupt */
};
#define EV_IRQ_HARD 0
#define EV_IRQ_SOFT 1

/* EV_LEAVE: the header alone; arg: the thread group's id */

enum ev_mark_op {
	EV_MARK_TASK_BEGIN = 1,
	EV_MARK_TASK_END = 2,
	EV_MARK_REGION_BEGIN = 3,
	EV_MARK_REGION_END = 4,
	EV_MARK_LOG = 5,
	EV_MARK_OP_MAX = 6,
};

/* Who makes an annotation, and so what its ids mean. */
enum ev_mark_by {
	EV_BY_HEADER = 1, /* include/ctrace/ctrace.h */
	EV_BY_FUNC = 2,	  /* a function whose calls are regions */
	EV_BY_USDT = 3,	  /* somebody else's markers */
	EV_BY_GO = 4,	  /* Go's runtime/trace */
	EV_MARK_BY_MAX = 5,
};

/* What could not be had of an annotation. */
#define EV_MARK_NAME_CUT 0x1 /* longer than EV_MARK_STR */
#define EV_MARK_TEXT_CUT 0x2
#define EV_MARK_NAME_BAD 0x4 /* not readable */
#define EV_MARK_TEXT_BAD 0x8

#define EV_MARK_PACK(op, by, flags) ((__u32)(op) | (__u32)(by) << 8 | (__u32)(flags) << 16)
#define EV_MARK_OP(arg) ((arg)&0xff)
#define EV_MARK_BY(arg) ((arg) >> 8 & 0xff)
#define EV_MARK_FLAGS(arg) ((arg) >> 16)

/*
 * EV_MARK; name and text are as long as they are, without NUL, whatever bytes they have.
 *
 * task: as the process numbers it, 0 the background task.
 * id: task begin: the parent, 0 none. Region, by EV_BY_HEADER: its number in the process, which
 * both ends have; an end with 0: it began while nobody listened. By EV_BY_FUNC: the stack pointer
 * at the first instruction of the call, which both ends have. Else 0, and the innermost one of this
 *   name ends; of any name when there is none. By EV_BY_USDT both ends have the site, and the begin
 *   may have a name beside it, which is shown then.
 * text: log: the message; by EV_BY_USDT: struct ev_mark_arg, one for each argument.
 */
struct ev_mark {
	struct ev_hdr h; /* arg: EV_MARK_PACK */
	__u64 thr;
	__u64 task;
	__u64 id;
	union {
		__u64 goroutine;  /* EV_BY_GO: whose, as Go numbers it */
		__u64 stack_from; /* EV_BY_FUNC: begin of the mapping that id points into, 0 unknown
				   */
	};			  /* else 0 */
	__u64 start;		  /* EV_BY_GO: EV_FRAME of the function it began with, 0 unknown */
	__u32 site; /* EV_SITE that is its name (of a log: category), 0: it has one of its own */
	__u16 nname, ntext;
	struct ev_stack_ref stack; /* id 0: none */
	char text[2 * EV_MARK_STR];
};
#define EV_MARK_SHORT offsetof(struct ev_mark, text)

/* An argument of somebody else's marker. */
struct ev_mark_arg {
	__u64 value; /* sign or zero extended */
	__u8 size;   /* bytes in the program; with EV_ARG_* */
	__u8 pad;
	__u16 nstr; /* bytes of the text that it points at, which follow; 0: it points at none */
	__u32 pad2;
};
#define EV_ARG_SIGNED 0x80
#define EV_ARG_BAD 0x40 /* what lies there cannot be read; value 0: nor can the argument */

/* EV_SITE; name is as long as it is */
struct ev_site {
	struct ev_hdr h; /* arg: its number, never 0 */
	char name[EV_PATH_MAX];
};
#define EV_SITE_SHORT offsetof(struct ev_site, name)

/* EV_CUT: the header alone; arg: EV_CUT_*, not 0 */
#define EV_CUT_FILE 1	  /* the file is full, or old enough */
#define EV_CUT_SNAPSHOT 2 /* what the flight recorder has is written */

/* EV_START, EV_STOP: the header alone; arg of EV_START: EV_START_* */
#define EV_START_FLUSH \
	1 /* the first generation holds the first states alone, so that there is a file at once */

/* EV_CONFIG: the header alone; arg: EV_CONFIG_* */
#define EV_CONFIG_SYSCALLS \
	1 /* syscall records come; else a syscall is known only where a thread sleeps in it */
#define EV_CONFIG_NONAMES 2 /* syscalls are not to be shown at all */
#define EV_CONFIG_MANY 4    /* more than one process is recorded */

/* EV_LOST */
struct ev_lost {
	struct ev_hdr h; /* cpu: whose; arg: how many records at least */
};

/* EV_METRIC */
enum ev_metric {
	EV_METRIC_RSS = 1,   /* bytes resident, all traced processes together */
	EV_METRIC_LIMIT = 2, /* bytes, the memory limit that binds them; 0 none */
};
struct ev_metric_rec {
	struct ev_hdr h; /* arg: enum ev_metric */
	__u64 value;
};

/* EV_PROC; path is as long as it is */
struct ev_proc {
	struct ev_hdr h; /* arg: the thread group's id */
	char comm[EV_COMM_LEN];
	char path[EV_PATH_MAX];
};
#define EV_PROC_SHORT offsetof(struct ev_proc, path)

/* EV_KSYM; name is as long as it is */
struct ev_ksym {
	struct ev_hdr h; /* arg: 0 */
	__u64 addr;
	char name[128];
};
#define EV_KSYM_SHORT offsetof(struct ev_ksym, name)

/* EV_CPU: the header alone; arg: a CPU number that is online */

enum ev_module_kind {
	EV_MODULE_FILE = 1, /* an ELF file; addresses are its own (p_vaddr) */
	EV_MODULE_VDSO = 2, /* the kernel's code in every process; addresses as in its ELF image */
	EV_MODULE_JIT = 3, /* code of one process that no file holds; addresses are the process's */
};

/* EV_MODULE; path is as long as it is */
struct ev_module {
	struct ev_hdr h; /* arg: its number, 1 to EV_MODULE_MAX - 1 */
	__u8 type;	 /* enum ev_module_kind */
	__u8 nbuild;	 /* bytes of build_id, 0 none */
	__u16 pad;
	__u32 pid; /* EV_MODULE_JIT: whose */
	__u8 build_id[32];
	char path[EV_PATH_MAX]; /* as the process saw it; "[vdso]"; "[jit]" */
};
#define EV_MODULE_SHORT offsetof(struct ev_module, path)

/*
 * EV_SYM: one function that a user frame stands in. As many records as there are functions by
 * inlining, innermost first, each as long as it is.
 */
struct ev_sym {
	struct ev_hdr h; /* arg: line, 0 unknown */
	__u64 frame;	 /* EV_FRAME */
	__u16 depth;	 /* 0 innermost */
	__u16 nfunc;	 /* bytes of func with its NUL; the file follows, with its NUL */
	__u32 pad;
	char text[1536];
};
#define EV_SYM_SHORT offsetof(struct ev_sym, text)

/* EV_EPOCH: the header alone; arg: its number */

/* ---- one per CPU, in arrays that both sides map ---- */

/* What the programs count. */
struct ev_cpu_stat {
	__u64 lost;	  /* records that found their ring full */
	__u64 lost_ack;	  /* written by the collector: what it has told of them */
	__u64 lost_since; /* time of the first one after lost_ack */
	__u64 lost_kind[EV_KERNEL_MAX];
	__u64 no_storage;  /* of the lost ones, those whose thread could not be given its storage at
			      once */
	__u64 snap_missed; /* … and threads that a snapshot left out for that; it is made again */
	__u64 left; /* processes that are not recorded any more: an exec gave them rights that we do
		       not have */
	__u64 scratch;	  /* of the programs */
	__u64 stacks[16]; /* walks of user stacks, by their end (enum ev_stack_end) */
	__u64 frames;	  /* user frames walked */
	__u64 sampled;	  /* ticks of the sampling clock that hit a traced thread */
	__u64 unfollowed; /* processes that should be recorded, and for which there was no room */
	__u64 pad[6];
};

/* The traced thread on a CPU, so that its syscalls need no look-up; the collector reads which one
 * runs for long. */
struct ev_cpu_now {
	__u64 task;	 /* address of the task, 0 none */
	__u64 key;	 /* its thread key */
	__u64 sys_begin; /* entry of the syscall it is in, not yet sent; 0 none */
	__u32 sys_nr;	 /* its number */
	__u32 sys;	 /* enum ev_now_sys */
	__u64 pad[4];
};

enum ev_now_sys {
	EV_NOW_UNKNOWN = 0, /* nothing seen since it came to the CPU */
	EV_NOW_IN = 1,
	EV_NOW_OUT = 2,
	EV_NOW_PROBE = 3, /* in a syscall that is a probe: user code, as EV_NOW_OUT is */
};

_Static_assert(sizeof(struct ev_hdr) == 16, "a header is two words");
_Static_assert(sizeof(struct ev_switch) == 40, "a switch is 32 bytes and its stack");
_Static_assert(sizeof(struct ev_sys) == 40, "a syscall is 32 bytes and its stack");
_Static_assert(sizeof(struct ev_cpu_stat) % 64 == 0, "no cache line is shared between CPUs");
_Static_assert(sizeof(struct ev_cpu_now) == 64, "no cache line is shared between CPUs");
_Static_assert(EV_KERNEL_END <= EV_KERNEL_MAX && EV_KERNEL_MAX <= EV_START && EV_KIND_MAX <= 64,
	       "tables are sized for this");

#endif
