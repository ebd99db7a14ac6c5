/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of the model, shared by its handlers and by nobody else.
 *
 *   Linux                             trace
 *   a thread, from clone to exit  →   a G, and an M of its own; an exec makes a new G on the same M
 *   a CPU                         →   a P
 *   idle, interrupts, strangers   →   M 0, which never holds a P or a G
 *   strangers, whole system       →   a G for each CPU and kind that stands in for them (standins.c)
 *
 *   NEW       ─ GoCreate ─► RUNNABLE
 *   RUNNABLE  ─ ProcStart, GoStart ─► RUNNING
 *   RUNNING   ─ GoSyscallBegin ─► SYSCALL ─ GoSyscallEnd ─► RUNNING
 *   RUNNING, SYSCALL ─ switch out ─► RUNNABLE  GoStop
 *                                    WAITING   GoBlock, with a reason of Go's
 *                                    BLOCKED   in the syscall, its P given up
 *   WAITING   ─ GoUnblock on the waker's M ─► RUNNABLE
 *   BLOCKED   ─ GoSyscallEndBlocked on its own M ─► RUNNABLE
 *
 * Invariants: a P has at most one G; a G in RUNNING or SYSCALL has exactly one P, any other has
 * none; the reader's status of a P is "in syscall" exactly while its G is in SYSCALL; each M but 0
 * belongs to one living G.
 */
#ifndef CTRACE_MODEL_STATE_H
#define CTRACE_MODEL_STATE_H

#include "gotrace/writer.h"
#include "model/classify.h"
#include "model/kept.h"
#include "model/marks.h"
#include "model/model.h"
#include "util/u64map.h"

/*
 * Between two goroutines of one tid, so that it is read off both; pid_max of Linux is 4194304. The
 * counts are kept for ever, in pages, and take 8 MB when every tid there is was used.
 */
#define LIFETIME_STEP 10000000ull
#define LIFETIME_PAGE 4096u
#define LIFETIME_PAGES (LIFETIME_STEP / LIFETIME_PAGE + 1)

#define CPU_MAX 4096 /* records of a CPU beyond are refused */

enum g_life {
	G_NEW = 0, /* known, not in the trace yet */
	G_RUNNABLE,
	G_RUNNING,
	G_SYSCALL,
	G_WAITING,
	G_BLOCKED,
};

struct proc {
	uint32_t pid;
	uint32_t nthreads; /* g_states that point here */
	char comm[EV_COMM_LEN];
	char *path; /* NULL unknown */
	struct scope scope;
	struct trigger_name triggers; /* of its name */
	bool end_told;		      /* to triggers */
};

/* The last few stacks that a thread used in this generation, so that the tables are not asked for
 * each event. */
#define STACK_CACHE 16
struct stack_cache {
	uint64_t gen;
	uint32_t version;	     /* of model.stack_version */
	uint64_t key[STACK_CACHE];   /* 0 empty; see stacks.c */
	uint32_t stack[STACK_CACHE]; /* its id */
};

#define NAME_MAX_LEN (3 * EV_COMM_LEN) /* "thread " process / thread */

struct g_state {
	struct g_state *next, **link; /* all of them */
	struct g_state *next_late;    /* those whose name is settled when the generation closes */
	uint64_t key;
	uint64_t gid;
	uint64_t seq;
	struct trace_stream stream; /* its M */
	struct p_state *p;	    /* RUNNING, SYSCALL */
	struct proc *proc;

	enum g_life life;
	uint32_t nr;	    /* SYSCALL, BLOCKED: the syscall */
	uint32_t pend;	    /* RUNNABLE, WAITING: the syscall to go on with; EV_NR_NONE none */
	uint32_t last_nr;   /* the syscall before the present one, restarts not counted; EV_NR_NONE
			       none */
	uint64_t sys_begin; /* begin of the open syscall, or of the last one */
	enum reason reason; /* WAITING */
	struct kept_stack *stack; /* held: of the syscall it is in or goes on with, or of its
				     sleep; NULL unknown; means nothing else while it runs */
	bool synthetic;		  /* BLOCKED outside a syscall */
	bool kthread;
	bool stand_in; /* see standins.c; of no process, and no key finds it */
	bool named;    /* its name is settled */
	bool late;     /* in the list of those whose name is settled when the generation closes */
	bool label;    /* renamed after its name was settled */
	bool woken;    /* a waking came while it was still on its CPU … */
	bool woken_asleep; /* … in the model only: the kernel had it asleep */
	uint8_t wake_flags;
	uint64_t waker;		       /* key */
	struct kept_stack *wake_stack; /* held: the waker's, NULL none */
	uint64_t woken_ts;

	bool early; /* it was there, with this image, when the trace began */
	struct regions regions;
	struct kept_mark *marks; /* for its next moment on a CPU, in order */
	unsigned nmarks;
	uint64_t out_ts;   /* when it left its last CPU */
	uint64_t ready_ts; /* when it could run again */

	struct trigger_name triggers; /* of its name */
	uint64_t call_over;	      /* when a syscall of it ended last; 0 none did */
	bool call_waited;	      /* the present one has slept for a reason of Go's */
	bool call_told;		      /* a trigger has met it while it lasted */
	bool wait_told;		      /* … and its wait for a CPU */

	uint32_t tid;
	char comm[EV_COMM_LEN];
	char name[NAME_MAX_LEN]; /* once settled */
	uint64_t root_gen;	 /* the generation in which the root frame was made; 0 none yet */
	uint32_t root;		 /* its handle there */
	struct stack_cache cache;
};

enum stranger {
	STRANGER_KERNEL,
	STRANGER_OURS,
	STRANGER_MAX,
};

struct p_state {
	bool online; /* it has a row */
	struct g_state *cur;
	struct g_state *stand_in[STRANGER_MAX]; /* NULL none yet */
	uint64_t seq;
	uint64_t lost; /* records lost here, to be logged when somebody runs */
};

struct model {
	struct model_opts opts;
	struct model_stats stats;
	struct trace_writer *w;
	bool live; /* between EV_START and EV_STOP: events are written */
	bool stopped;
	bool has_syscalls, no_names, many; /* EV_CONFIG_* */
	uint64_t last_ts;

	struct g_state *threads;
	struct g_state *late;
	struct u64map by_key;		     /* struct g_state * */
	struct u64map by_m;		     /* struct g_state *: who owns the M */
	uint16_t *lifetimes[LIFETIME_PAGES]; /* by tid: how many goroutines had it */
	struct u64map procs;		     /* pid + 1 → struct proc * */
	uint64_t huge_gid;		     /* ids for tids that no Linux has */
	struct trace_stream m0;

	struct p_state *cpu;
	unsigned ncpu;

	struct kept kept;
	struct u64map ksyms;		/* address → frame handle, KSYM_… of stacks.c */
	uint32_t stack_version;		/* counted up when stacks would look different */
	struct u64map sys_frames;	/* nr + 1 → frame handle */
	uint32_t frame_end[EV_END_MAX]; /* behind a stack that ended early; 0: it did not */
	uint32_t frame_fault, frame_irq, frame_timer, frame_other, frame_unknown, frame_blocked,
		frame_mark;

	struct u64map modules; /* number → index into stats.module + 1 */
	size_t cap_module;

	struct tasks tasks;
	struct open_list open;
	struct numbers numbers;
	struct goroutines go;
	struct mark_texts texts;
	struct u64map sites; /* number → struct mark_text *, a reference */

	struct triggers triggers;

	bool start_logged;
	uint64_t rss, limit; /* newest values; shown when somebody runs */
	bool rss_new, limit_new, lost_new;
};

static inline void model_fix(struct model *m, enum repair r)
{
	if (m->live) /* before, nothing is known yet and nothing is wrong */
		m->stats.repairs[r]++;
}

static inline bool g_is_asleep(const struct g_state *g)
{
	return g->life == G_WAITING || g->life == G_BLOCKED;
}

/* ---- table.c: who there is ---- */
struct g_state *table_find(struct model *m, uint64_t key); /* NULL: none, or key 0 */
void table_new_gid(struct model *m, struct g_state *g, uint32_t tid);
struct proc *table_proc(struct model *m, uint32_t pid); /* made when unknown */
void table_set_proc(struct model *m, struct g_state *g, uint32_t pid);
void table_set_path(struct proc *p, const char *path, size_t len);
void table_forget(struct model *m, struct g_state *g); /* after GoDestroy, or never in the trace */
/* The P of a CPU, with a row from now on; NULL for a number that no machine has. */
struct p_state *table_cpu(struct model *m, uint64_t ts, unsigned cpu);
struct p_state *table_idle_cpu(struct model *m); /* NULL: all are busy */

/* The begin of the syscall that g is in, by the records of both its ends; 0 not known. */
static inline uint64_t call_begin(const struct model *m, const struct g_state *g)
{
	if (g->sys_begin > g->call_over)
		return g->sys_begin;
	return g->early && !g->call_over ? m->stats.begin_ts : 0;
}

/* ---- names.c: what threads are called ---- */
uint32_t names_frame(struct model *m,
		     struct g_state *g); /* the root of its stacks, in this generation */
void names_settle(struct model *m, struct g_state *g); /* its name is text from now on */
void names_settle_all(struct model *m);
void names_renamed(struct model *m, struct g_state *g, const char *comm);
void names_new_image(struct model *m, struct g_state *g); /* a new G: no name yet */
void names_label(struct model *m, uint64_t ts, struct g_state *g);

/* ---- stacks.c: stack ids of this generation, 0 while the model is not live ---- */

/* What stands ahead of the user frames, which end in the frame of the thread's name. */
enum stack_shape {
	STACK_CALL = 1, /* the syscall */
	STACK_FULL,	/* the functions of the kernel that are known, then the syscall */
	STACK_FAULT,	/* the same; a page fault where neither is known */
	STACK_BLOCKED,	/* the same; [blocked] where neither is known */
};

void stacks_init(struct model *m);
uint32_t stacks_root(struct model *m, struct g_state *g); /* the name alone */
/* nr: EV_NR_NONE outside a syscall; st: NULL unknown */
uint32_t stacks_of(struct model *m, struct g_state *g, uint32_t nr, struct kept_stack *st,
		   enum stack_shape shape);
uint32_t stacks_wait(struct model *m, struct g_state *g, uint32_t nr); /* of a sleep in g->stack */
uint32_t stacks_of_frame(struct model *m, uint32_t frame);
/* User frames alone, of one who is no thread; root: the frame of its name. */
uint32_t stacks_rooted(struct model *m, struct kept_stack *st, uint32_t root);

/* ---- modules.c ---- */
void modules_walk_ended(struct model *m, const struct ev_stack *ev);

/* ---- transition.c ---- */
/* The thread of a key, made when it is unknown; NULL for key 0. Forgets a dead thread whose tid
 * came back. */
struct g_state *thread_get(struct model *m, uint64_t ts, uint64_t key);
void sched_in(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p);
/* These two take the stack that the record has of it, NULL none. st: EV_ST_PACK */
void sched_out_runnable(struct model *m, uint64_t ts, struct g_state *g, struct kept_stack *stack);
void sched_sleep(struct model *m, uint64_t ts, struct g_state *g, uint32_t st,
		 struct kept_stack *stack);
void sched_destroy(struct model *m, uint64_t ts, struct g_state *g); /* on a CPU; forgets it */
/* The end of a thread, wherever it is, that no record tells. It takes a CPU that is free, or the
 * goroutines' P when there is none. */
void sched_vanish(struct model *m, uint64_t ts, struct g_state *g);
/* Ends a sleep. frame: what stands for the waker where no traced thread does; stack: the waker's,
 * NULL unknown. */
void sched_unblock(struct model *m, uint64_t ts, struct g_state *g, uint64_t waker, uint8_t flags,
		   uint32_t frame, struct kept_stack *stack);
/* A record says that g is on this CPU: make it so. */
void sched_prove(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p);
/* The number that explains what g is in: that of the interrupted syscall for a restart. */
uint32_t syscall_real_nr(struct g_state *g, uint32_t nr);
void syscall_begin(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr);
/* stack: the record's, NULL none */
void syscall_begin_late(struct model *m, uint64_t begin, struct g_state *g, uint32_t nr,
			struct kept_stack *stack);
void syscall_begin_wait(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr);
void syscall_end(struct model *m, uint64_t ts, struct g_state *g);

/* ---- standins.c: who has a CPU and is not recorded ---- */
/* flags: of the EV_SWITCH that gives them the CPU; nothing where it names nobody. */
void standins_in(struct model *m, uint64_t ts, struct p_state *p, uint8_t flags);
/* The stand-in that has a CPU leaves it, and waits for the next time. */
void standins_out(struct model *m, uint64_t ts, struct g_state *g);
/* All of them do: at the end threads may need the CPUs, to tell what they have not told. */
void standins_all_out(struct model *m, uint64_t ts);

/* ---- wire.c: one function per wire event, silent while the model is not live ---- */
void wire_proc_status(struct model *m, uint64_t ts, struct p_state *p);
void wire_proc_start(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p);
void wire_proc_stop(struct model *m, uint64_t ts, struct g_state *g);
void wire_go_create(struct model *m, uint64_t ts, struct g_state *on, const struct g_state *g,
		    uint32_t newstack, uint32_t stack);
void wire_go_start(struct model *m, uint64_t ts, struct g_state *g);
void wire_go_status(struct model *m, uint64_t ts, struct g_state *g);
void wire_put(struct model *m, uint64_t ts, struct trace_stream *s, enum go_ev ev,
	      const uint64_t *arg, unsigned narg);
#define wire_ev(m, ts, s, ev, ...) \
	wire_put(m, ts, s, ev, (const uint64_t[]){ 0, ##__VA_ARGS__ } + 1, TRACE_NARG(__VA_ARGS__))
void wire_sample(struct model *m, uint64_t ts, const struct g_state *g, const struct p_state *p,
		 uint32_t stack);
uint32_t wire_string(struct model *m, const char *text);

/* ---- notes.c: what is told when somebody runs, beside a record of that thread ---- */
void notes_flush(struct model *m, uint64_t ts, struct g_state *g);

/* ---- handlers, by record ---- */
void on_switch(struct model *m, const struct ev_hdr *h, size_t len);
void on_waking(struct model *m, const struct ev_hdr *h, size_t len);
void on_wakeup(struct model *m, const struct ev_hdr *h, size_t len);
void on_thread(struct model *m, const struct ev_hdr *h, size_t len);
void on_snap(struct model *m, const struct ev_hdr *h, size_t len);
void on_fork(struct model *m, const struct ev_hdr *h, size_t len);
void on_exec(struct model *m, const struct ev_hdr *h, size_t len);
void on_exit_(struct model *m, const struct ev_hdr *h, size_t len);
void on_rename(struct model *m, const struct ev_hdr *h, size_t len);
void on_leave(struct model *m, const struct ev_hdr *h, size_t len);
void on_irq(struct model *m, const struct ev_hdr *h, size_t len);
void on_proc(struct model *m, const struct ev_hdr *h, size_t len);
void on_sys_enter(struct model *m, const struct ev_hdr *h, size_t len);
void on_sys_exit(struct model *m, const struct ev_hdr *h, size_t len);
void on_syscall(struct model *m, const struct ev_hdr *h, size_t len);
void on_stack(struct model *m, const struct ev_hdr *h, size_t len);
void on_sample(struct model *m, const struct ev_hdr *h, size_t len);
void on_module(struct model *m, const struct ev_hdr *h, size_t len);
void on_epoch(struct model *m, const struct ev_hdr *h, size_t len);
void on_ksym(struct model *m, const struct ev_hdr *h, size_t len);
void on_lost(struct model *m, const struct ev_hdr *h, size_t len);
void on_mark(struct model *m, const struct ev_hdr *h, size_t len);
void on_site(struct model *m, const struct ev_hdr *h, size_t len);
void on_metric(struct model *m, const struct ev_hdr *h, size_t len);

#endif
