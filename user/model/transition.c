// SPDX-License-Identifier: BSD-2-Clause
/*
 * Transitions of threads on and off CPUs and in and out of syscalls. Inside one switch the old
 * thread leaves first (GoSyscallEnd, GoBlock or GoStop or GoDestroy, ProcStop), then the new one
 * enters (ProcStart, GoStart, GoSyscallBegin).
 *
 * The begin of a whole syscall is known at its end only and goes to its place in the past: behind
 * the last event of its thread, inside the generation, on a tick of its own (gotrace/ticks.h).
 */
#include <stdlib.h>

#include "model/state.h"
#include "util/xalloc.h"

/* How far a wake-up may run ahead of the sleep that it ends: clocks of CPUs and hooks differ by
 * less. */
#define EARLY_WAKE_NS 1000000

/* ---- syscalls ---- */

uint32_t syscall_real_nr(struct g_state *g, uint32_t nr)
{
	if (nr == EV_NR_NONE)
		return nr;
	if (syscall_is_restart(nr) && g->last_nr != EV_NR_NONE)
		return g->last_nr;
	g->last_nr = nr;
	return nr;
}

static void put_begin(struct model *m, uint64_t tick, struct g_state *g, uint32_t stack)
{
	trace_put(m->w, &g->stream, tick, GO_EV_GO_SYSCALL_BEGIN, ++g->p->seq, stack);
}

void syscall_begin(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr)
{
	if (m->live)
		put_begin(m, trace_writer__tick(m->w, ts), g,
			  stacks_of(m, g, nr, g->stack, STACK_CALL));
	g->life = G_SYSCALL;
	g->nr = nr;
}

void syscall_begin_wait(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr)
{
	if (m->live)
		put_begin(m, trace_writer__tick(m->w, ts), g, stacks_wait(m, g, nr));
	g->life = G_SYSCALL;
	g->nr = nr;
}

void syscall_begin_late(struct model *m, uint64_t begin, struct g_state *g, uint32_t nr,
			struct kept_stack *stack)
{
	kept_hold(&g->stack, stack);
	if (m->live)
		put_begin(m, trace_writer__tick_late(m->w, &g->stream, begin), g,
			  stacks_of(m, g, nr, stack, STACK_FULL));
	g->life = G_SYSCALL;
	g->nr = nr;
	g->sys_begin = begin;
	g->call_waited = g->call_told = false;
}

void syscall_end(struct model *m, uint64_t ts, struct g_state *g)
{
	wire_ev(m, ts, &g->stream, GO_EV_GO_SYSCALL_END);
	g->life = G_RUNNING;
	g->nr = EV_NR_NONE;
}

/* ---- waking ---- */

static uint32_t frame_of_waker(const struct model *m, const struct g_state *g, uint8_t flags,
			       uint32_t otherwise)
{
	if (!(flags & EVF_IRQ))
		return otherwise;
	return g->reason == REASON_SLEEP ? m->frame_timer : m->frame_irq;
}

/* What the waker does: of one in a syscall whose entry had a stack, that is its stack. */
static uint32_t stack_of_waker(struct model *m, struct g_state *w, struct kept_stack *st)
{
	bool in = w->life == G_SYSCALL;

	if (in && !st)
		st = w->stack;
	return stacks_of(m, w, in ? w->nr : EV_NR_NONE, st, STACK_FULL);
}

void sched_unblock(struct model *m, uint64_t ts, struct g_state *g, uint64_t waker, uint8_t flags,
		   uint32_t frame, struct kept_stack *st)
{
	struct g_state *w = flags & EVF_IRQ ? NULL : table_find(m, waker);
	struct trace_stream *on = &m->m0;
	uint32_t stack;

	g->woken = false;
	g->ready_ts = ts;
	if (g->life == G_BLOCKED) {
		wire_ev(m, ts, &g->stream, GO_EV_GO_SYSCALL_END_BLOCKED);
		g->pend = g->synthetic ? EV_NR_NONE : g->nr;
		g->life = G_RUNNABLE;
		return;
	}
	if (w && w->p) {
		on = &w->stream;
		stack = stack_of_waker(m, w, st);
	} else {
		stack = stacks_of_frame(m, frame_of_waker(m, g, flags, frame));
	}
	wire_ev(m, ts, on, GO_EV_GO_UNBLOCK, g->gid, ++g->seq, stack);
	g->life = G_RUNNABLE;
}

/* ---- leaving ---- */

void sched_out_runnable(struct model *m, uint64_t ts, struct g_state *g, struct kept_stack *stack)
{
	uint32_t nr = g->life == G_SYSCALL ? g->nr : EV_NR_NONE;

	if (g->stand_in) {
		standins_out(m, ts, g);
		return;
	}
	if (stack || nr == EV_NR_NONE) /* inside a syscall, that of its entry is as good */
		kept_hold(&g->stack, stack);
	if (nr != EV_NR_NONE)
		syscall_end(m, ts, g);
	g->pend = nr;
	wire_ev(m, ts, &g->stream, GO_EV_GO_STOP, wire_string(m, reason_text(classify_stop(nr))),
		stacks_of(m, g, nr, g->stack, STACK_FULL));
	g->life = G_RUNNABLE;
	g->out_ts = g->ready_ts = ts;
	wire_proc_stop(m, ts, g);
}

void sched_destroy(struct model *m, uint64_t ts, struct g_state *g)
{
	if (g->life == G_SYSCALL)
		syscall_end(m, ts, g);
	wire_ev(m, ts, &g->stream, GO_EV_GO_DESTROY);
	wire_proc_stop(m, ts, g);
	table_forget(m, g);
}

/* The syscall that the thread sleeps in by the record, against the one that it is in by the model. */
static void agree_on_syscall(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr)
{
	if (!m->has_syscalls)
		return;
	if (g->life == G_SYSCALL && g->nr != nr) {
		model_fix(m, REPAIR_LOST_EXIT);
		syscall_end(m, ts, g);
	}
	if (g->life == G_RUNNING && nr != EV_NR_NONE) {
		model_fix(m, REPAIR_LOST_ENTER);
		syscall_begin(m, ts, g, nr);
	}
}

void sched_sleep(struct model *m, uint64_t ts, struct g_state *g, uint32_t st,
		 struct kept_stack *stack)
{
	uint32_t nr = syscall_real_nr(g, EV_ST_NR(st));
	bool same = g->life == G_SYSCALL && g->nr == nr, bare = same && !g->stack && stack;

	if (stack || !same)
		kept_hold(&g->stack, stack);
	agree_on_syscall(m, ts, g, nr);
	g->reason = classify_sleep(EV_ST_STATE(st), nr, EV_ST_FDCLASS(st), g->kthread);
	g->synthetic = nr == EV_NR_NONE || !m->has_syscalls;
	if (g->reason) {
		g->call_waited = true;
		if (g->life == G_SYSCALL)
			syscall_end(m, ts, g);
		g->pend = g->synthetic ? EV_NR_NONE : nr;
		wire_ev(m, ts, &g->stream, GO_EV_GO_BLOCK, wire_string(m, reason_text(g->reason)),
			stacks_wait(m, g, nr));
		g->life = G_WAITING;
	} else {
		if (bare && g->life == G_SYSCALL) /* its begin was told without: told again */
			syscall_end(m, ts, g);
		if (g->life != G_SYSCALL)
			syscall_begin_wait(m, ts, g, nr);
		g->life = G_BLOCKED;
	}
	g->nr = nr;
	g->out_ts = ts;
	wire_proc_stop(m, ts, g);
	if (g->woken && g->woken_asleep && ts - g->woken_ts < EARLY_WAKE_NS) {
		model_fix(m, REPAIR_EARLY_WAKEUP);
		sched_unblock(m, ts, g, g->waker, g->wake_flags, m->frame_other, g->wake_stack);
	}
}

/* ---- entering ---- */

static void introduce(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	model_fix(m, g->proc ? REPAIR_INTRODUCED : REPAIR_UNKNOWN_THREAD);
	wire_proc_start(m, ts, g, p);
	wire_go_create(m, ts, g, g, stacks_root(m, g), 0);
	g->seq = 0;
}

/* It is awake, and no record said so. */
static void wake_unseen(struct model *m, uint64_t ts, struct g_state *g)
{
	if (!g_is_asleep(g))
		return;
	model_fix(m, REPAIR_NO_WAKEUP);
	sched_unblock(m, ts, g, 0, 0, m->frame_unknown, NULL);
}

void sched_in(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	uint32_t pend;

	if (g->p == p)
		return;
	if (g->p) {
		model_fix(m, REPAIR_FORCED_OUT);
		sched_out_runnable(m, ts, g, NULL);
	}
	if (p->cur) {
		model_fix(m, REPAIR_FORCED_OUT);
		sched_out_runnable(m, ts, p->cur, NULL);
	}
	wake_unseen(m, ts, g);
	if (g->life == G_NEW)
		introduce(m, ts, g, p);
	else
		wire_proc_start(m, ts, g, p);
	wire_go_start(m, ts, g);
	marks_flush(m, ts, g);
	g->woken = false;
	pend = g->pend;
	g->pend = EV_NR_NONE;
	if (pend != EV_NR_NONE)
		syscall_begin(m, ts, g, pend);
	else
		kept_hold(&g->stack, NULL);
	notes_flush(m, ts, g);
}

void sched_prove(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	if (g->p == p)
		return;
	if (g->life != G_NEW)
		model_fix(m, REPAIR_FORCED_IN);
	sched_in(m, ts, g, p);
}

/* ---- being born ---- */

void sched_vanish(struct model *m, uint64_t ts, struct g_state *g)
{
	struct p_state *p = g->p ? g->p : table_idle_cpu(m);

	if (g->life == G_NEW) {
		table_forget(m, g);
		return;
	}
	g->pend = EV_NR_NONE;
	g->synthetic = true;
	if (p) {
		sched_in(m, ts, g, p);
		sched_destroy(m, ts, g);
	} else {
		wake_unseen(m, ts, g);
		goroutines_take_away(m, ts, g);
	}
}

/*
 * The M of a new thread: its tid, so that the viewer's row says which thread it is. That M can
 * still be another's: of a thread that took its leader's tid by an exec. A dead one, which had the
 * tid and of whose end no record told, ends now.
 */
static uint64_t choose_m(struct model *m, uint64_t ts, const struct g_state *g, uint32_t tid)
{
	uint64_t *slot = u64map_get(&m->by_m, (uint64_t)tid + 1);
	struct g_state *owner = slot ? (struct g_state *)(uintptr_t)*slot : NULL;

	if (!tid || tid == GO_M ||
	    tid >= LIFETIME_STEP) /* M 0 is nobody's, and those above are ids of goroutines */
		return g->gid;
	if (owner && owner->tid != tid)
		return g->gid;
	if (owner) {
		model_fix(m, REPAIR_TID_REUSED);
		sched_vanish(m, ts, owner);
	}
	return tid;
}

struct g_state *thread_get(struct model *m, uint64_t ts, uint64_t key)
{
	struct g_state *g = table_find(m, key);
	uint32_t tid = (uint32_t)key;

	if (g || !key)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->key = key;
	g->nr = g->pend = g->last_nr = EV_NR_NONE;
	table_new_gid(m, g, tid);
	trace_stream_init(&g->stream, choose_m(m, ts, g, tid));
	g->next = m->threads;
	if (g->next)
		g->next->link = &g->next;
	g->link = &m->threads;
	m->threads = g;
	*u64map_put(&m->by_key, key, NULL) = (uintptr_t)g;
	*u64map_put(&m->by_m, g->stream.m + 1, NULL) = (uintptr_t)g;
	return g;
}
