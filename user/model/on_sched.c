// SPDX-License-Identifier: BSD-2-Clause
/* Records of the scheduler: who runs where, who wakes whom; and where such records were lost. */
#include "event/evspec.h"
#include "model/state.h"

static void switch_in(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	bool runnable = g->life == G_RUNNABLE;

	sched_in(m, ts, g, p);
	if (m->triggers.waits && runnable)
		triggers_wait(m, ts, g, g->out_ts, g->ready_ts);
	g->wait_told = false;
}

void on_switch(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_switch *ev = (const struct ev_switch *)h;
	struct p_state *p = table_cpu(m, h->ts, h->cpu);
	struct kept_stack *st;
	struct g_state *g;

	if (!p)
		return;
	g = thread_get(m, h->ts, ev->prev);
	if (!ev->prev && p->cur && p->cur->stand_in)
		standins_out(m, h->ts, p->cur);
	if (p->cur && p->cur != g) {
		model_fix(m, REPAIR_FORCED_OUT);
		sched_out_runnable(m, h->ts, p->cur, NULL);
	}
	if (g) {
		sched_prove(m, h->ts, g, p);
		st = kept_find(&m->kept, ev_stack_id(h, len));
		if (EV_ST_STATE(h->arg) == EV_ST_RUNNABLE)
			sched_out_runnable(m, h->ts, g, st);
		else if (EV_ST_STATE(h->arg) == EV_ST_DEAD)
			sched_destroy(m, h->ts, g);
		else
			sched_sleep(m, h->ts, g, h->arg, st);
	}
	g = thread_get(m, h->ts, ev->next);
	if (g)
		switch_in(m, h->ts, g, p);
	else
		standins_in(m, h->ts, p, h->flags);
}

void on_waking(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_wake *ev = (const struct ev_wake *)h;
	struct g_state *g = thread_get(m, h->ts, ev->wakee), *w;
	struct kept_stack *st = kept_find(&m->kept, ev_stack_id(h, len));
	struct p_state *p = table_cpu(m, h->ts, h->cpu);

	if (!g)
		return;
	w = h->flags & EVF_IRQ ? NULL : thread_get(m, h->ts, ev->waker);
	g = table_find(m, ev->wakee); /* the waker may have taken over its tid */
	if (!g)
		return;
	if (w && w != g && p)
		sched_prove(m, h->ts, w, p);
	if (g_is_asleep(g)) {
		sched_unblock(m, h->ts, g, ev->waker, h->flags, m->frame_other, st);
	} else if (g->p) {
		g->woken = true;
		g->woken_asleep = !(h->flags & EVF_ONCPU);
		g->woken_ts = h->ts;
		g->wake_flags = h->flags;
		g->waker = ev->waker;
		kept_hold(&g->wake_stack, st);
	} else if (g->life == G_NEW && !m->live && !(h->flags & EVF_ONCPU)) {
		g->life = G_RUNNABLE;
	}
}

void on_wakeup(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_wake *ev = (const struct ev_wake *)h;
	struct kept_stack *st = kept_find(&m->kept, ev_stack_id(h, len));
	struct g_state *g = table_find(m, ev->wakee);

	if (!g)
		return;
	if (!g_is_asleep(g))
		g->woken = false; /* it had not slept, or is awake already */
	else if (g->woken)
		sched_unblock(m, h->ts, g, g->waker, g->wake_flags, m->frame_other,
			      st ? st : g->wake_stack);
	else
		sched_unblock(m, h->ts, g, ev->waker, h->flags, m->frame_other, st);
}

void on_lost(struct model *m, const struct ev_hdr *h, size_t len)
{
	struct p_state *p = table_cpu(m, h->ts, h->cpu);

	(void)len;
	m->stats.lost += h->arg;
	if (!p)
		return;
	p->lost += h->arg;
	m->lost_new = true;
	if (p->cur) {
		model_fix(m, REPAIR_LOST_CPU);
		sched_out_runnable(m, h->ts, p->cur, NULL);
	}
}

/*
 * It says where a thread is, not that its record of getting there has come: one from a
 * non-maskable interrupt can be taken in the middle of a switch. So it proves nothing, and stands
 * in the trace beside the events.
 */
void on_sample(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_sample *ev = (const struct ev_sample *)h;
	struct g_state *g = table_find(m, ev->thr);
	struct p_state *p = table_cpu(m, h->ts, h->cpu);
	struct kept_stack *st = kept_find(&m->kept, ev_stack_id(h, len));

	if (!m->live || !g || !p || g->life == G_NEW)
		return;
	m->stats.samples++;
	wire_sample(m, h->ts, g, p, stacks_of(m, g, EV_NR_NONE, st, STACK_FULL));
}
