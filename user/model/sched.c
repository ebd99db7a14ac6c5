// SPDX-License-Identifier: BSD-2-Clause
/*
 * Transitions of threads on and off CPUs, and the records that tell of them. Inside one switch the old thread leaves
 * first (GoSyscallEnd, GoBlock or GoStop or GoDestroy, ProcStop), then the new one enters (ProcStart, GoStart,
 * GoSyscallBegin).
 */
#include "model/state.h"

#define EARLY_WAKE_NS \
	1000000 /* how far a wake-up may run ahead of the sleep it ends: clocks and hooks differ by less */

/* ---- leaving ---- */

void sched_out_runnable(struct model *m, uint64_t ts, struct g_state *g)
{
	uint32_t nr = g->life == G_SYSCALL ? g->nr : NR_NONE;

	if (nr != NR_NONE)
		syscall_end(m, ts, g);
	g->pend = nr;
	wire_ev(m, ts, &g->stream, GO_EV_GO_STOP, wire_string(m, reason_text(classify_stop(nr))),
		names_sys_stack(m, g, nr));
	g->life = G_RUNNABLE;
	wire_proc_stop(m, ts, g);
}

void sched_destroy(struct model *m, uint64_t ts, struct g_state *g)
{
	if (g->life == G_SYSCALL)
		syscall_end(m, ts, g);
	wire_ev(m, ts, &g->stream, GO_EV_GO_DESTROY);
	wire_proc_stop(m, ts, g);
	model_forget(m, g);
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
	if (g->life == G_RUNNING && nr != NR_NONE) {
		model_fix(m, REPAIR_LOST_ENTER);
		syscall_begin(m, ts, g, nr);
	}
}

static void unblock(struct model *m, uint64_t ts, struct g_state *g, uint64_t waker, uint8_t flags,
		    uint32_t frame);

static void sched_sleep(struct model *m, uint64_t ts, struct g_state *g, uint32_t st)
{
	uint32_t nr = EV_ST_NR(st);

	if (nr == EV_NR_NONE)
		nr = NR_NONE;
	else if (nr == EV_NR_COMPAT)
		nr = g->life == G_SYSCALL ? g->nr : nr | NR_COMPAT;
	nr = syscall_real_nr(g, nr);
	agree_on_syscall(m, ts, g, nr);
	g->reason = classify_sleep(EV_ST_STATE(st), nr, EV_ST_FDCLASS(st), g->kthread);
	g->synthetic = nr == NR_NONE || !m->has_syscalls;
	if (g->reason) {
		if (g->life == G_SYSCALL)
			syscall_end(m, ts, g);
		g->pend = g->synthetic ? NR_NONE : nr;
		wire_ev(m, ts, &g->stream, GO_EV_GO_BLOCK, wire_string(m, reason_text(g->reason)),
			names_wait_stack(m, g, nr));
		g->life = G_WAITING;
	} else {
		if (g->life != G_SYSCALL)
			syscall_begin_wait(m, ts, g, nr);
		g->life = G_BLOCKED;
	}
	g->nr = nr;
	wire_proc_stop(m, ts, g);
	if (g->woken && g->woken_asleep && ts - g->woken_ts < EARLY_WAKE_NS) {
		model_fix(m, REPAIR_EARLY_WAKEUP);
		unblock(m, ts, g, g->waker, g->wake_flags, m->frame_other);
	}
}

/* ---- waking ---- */

static uint32_t frame_of_waker(const struct model *m, const struct g_state *g, uint8_t flags,
			       uint32_t otherwise)
{
	if (!(flags & EVF_IRQ))
		return otherwise;
	return g->reason == REASON_SLEEP ? m->frame_timer : m->frame_irq;
}

/* frame: what stands for the waker where no traced thread does */
static void unblock(struct model *m, uint64_t ts, struct g_state *g, uint64_t waker, uint8_t flags,
		    uint32_t frame)
{
	struct g_state *w = flags & EVF_IRQ ? NULL : model_find(m, waker);
	struct trace_stream *on = &m->m0;
	uint32_t stack;

	g->woken = false;
	if (g->life == G_BLOCKED) {
		wire_ev(m, ts, &g->stream, GO_EV_GO_SYSCALL_END_BLOCKED);
		g->pend = g->synthetic ? NR_NONE : g->nr;
		g->life = G_RUNNABLE;
		return;
	}
	if (w && w->p) {
		on = &w->stream;
		stack = names_sys_stack(m, w, w->life == G_SYSCALL ? w->nr : NR_NONE);
	} else {
		stack = names_frame_stack(m, frame_of_waker(m, g, flags, frame));
	}
	wire_ev(m, ts, on, GO_EV_GO_UNBLOCK, g->gid, ++g->seq, stack);
	g->life = G_RUNNABLE;
}

static bool is_asleep(const struct g_state *g)
{
	return g->life == G_WAITING || g->life == G_BLOCKED;
}

void on_waking(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_wake *ev = (const struct ev_wake *)h;
	struct g_state *g = model_get(m, h->ts, ev->wakee), *w;
	struct p_state *p = model_cpu(m, h->ts, h->cpu);

	(void)len;
	if (!g)
		return;
	w = h->flags & EVF_IRQ ? NULL : model_get(m, h->ts, ev->waker);
	g = model_find(m, ev->wakee); /* the waker may have taken over its tid */
	if (!g)
		return;
	if (w && w != g && p)
		sched_prove(m, h->ts, w, p);
	if (is_asleep(g)) {
		unblock(m, h->ts, g, ev->waker, h->flags, m->frame_other);
	} else if (g->p) {
		g->woken = true;
		g->woken_asleep = !(h->flags & EVF_ONCPU);
		g->woken_ts = h->ts;
		g->wake_flags = h->flags;
		g->waker = ev->waker;
	} else if (g->life == G_NEW && !m->live && !(h->flags & EVF_ONCPU)) {
		g->life = G_RUNNABLE;
	}
}

void on_wakeup(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_wake *ev = (const struct ev_wake *)h;
	struct g_state *g = model_find(m, ev->wakee);

	(void)len;
	if (!g)
		return;
	if (!is_asleep(g))
		g->woken = false; /* it had not slept, or is awake already */
	else if (g->woken)
		unblock(m, h->ts, g, g->waker, g->wake_flags, m->frame_other);
	else
		unblock(m, h->ts, g, ev->waker, h->flags, m->frame_other);
}

/* ---- entering ---- */

static void introduce(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	model_fix(m, REPAIR_INTRODUCED);
	wire_proc_start(m, ts, g, p);
	wire_go_create(m, ts, g, g, names_root_stack(m, g), 0);
	g->seq = 0;
}

void sched_in(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	uint32_t pend;

	if (g->p == p)
		return;
	if (g->p) {
		model_fix(m, REPAIR_FORCED_OUT);
		sched_out_runnable(m, ts, g);
	}
	if (p->cur) {
		model_fix(m, REPAIR_FORCED_OUT);
		sched_out_runnable(m, ts, p->cur);
	}
	if (is_asleep(g)) {
		model_fix(m, REPAIR_NO_WAKEUP);
		unblock(m, ts, g, 0, 0, m->frame_unknown);
	}
	if (g->life == G_NEW)
		introduce(m, ts, g, p);
	else
		wire_proc_start(m, ts, g, p);
	wire_go_start(m, ts, g);
	g->woken = false;
	pend = g->pend;
	g->pend = NR_NONE;
	if (pend != NR_NONE)
		syscall_begin(m, ts, g, pend);
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

void on_switch(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_switch *ev = (const struct ev_switch *)h;
	struct p_state *p = model_cpu(m, h->ts, h->cpu);
	struct g_state *g;

	if (!p)
		return;
	g = model_get(m, h->ts, ev->prev);
	if (p->cur && p->cur != g) {
		model_fix(m, REPAIR_FORCED_OUT);
		sched_out_runnable(m, h->ts, p->cur);
	}
	if (g) {
		sched_prove(m, h->ts, g, p);
		g->kstack = len >= sizeof(*ev) ? ev->kstack : 0;
		if (EV_ST_STATE(h->arg) == EV_ST_RUNNABLE)
			sched_out_runnable(m, h->ts, g);
		else if (EV_ST_STATE(h->arg) == EV_ST_DEAD)
			sched_destroy(m, h->ts, g);
		else
			sched_sleep(m, h->ts, g, h->arg);
	}
	g = model_get(m, h->ts, ev->next);
	if (g)
		sched_in(m, h->ts, g, p);
}
