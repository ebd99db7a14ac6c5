// SPDX-License-Identifier: BSD-2-Clause
/* Records of syscalls. Each proves that its thread is on the CPU of the record. */
#include "event/evspec.h"
#include "model/state.h"

/* Whoever has entered is in one, whatever the number says. */
static uint32_t nr_of(const struct ev_hdr *h)
{
	return h->arg < EV_NR_NONE ? h->arg : EV_NR_BAD;
}

/* The thread of a syscall record, which proves that it is on this CPU. */
static struct g_state *caller(struct model *m, const struct ev_hdr *h)
{
	struct g_state *g = thread_get(m, h->ts, ((const struct ev_sys *)h)->thr);
	struct p_state *p = table_cpu(m, h->ts, h->cpu);

	if (!g || !p)
		return NULL;
	sched_prove(m, h->ts, g, p);
	return g;
}

/* The collector asks for syscalls that take long, so an entry may be told twice, or after its end. */
void on_sys_enter(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_sys *ev = (const struct ev_sys *)h;
	struct g_state *g;

	if (h->flags & EVF_ASKED) {
		g = table_find(m, ev->thr);
		if (!g || !g->p || g->life == G_SYSCALL || ev->begin <= g->sys_begin)
			return;
	} else {
		g = caller(m, h);
		if (!g)
			return;
	}
	if (g->life == G_SYSCALL) {
		if (g->sys_begin == ev->begin)
			return;
		model_fix(m, REPAIR_LOST_EXIT);
		syscall_end(m, h->ts, g);
	}
	syscall_begin_late(m, ev->begin, g, syscall_real_nr(g, nr_of(h)),
			   kept_find(&m->kept, ev_stack_id(h, len)));
}

static void call_ended(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr, uint64_t begin)
{
	if (m->triggers.of[TRIGGER_SYSCALL] && begin && !g->call_told)
		triggers_syscall(m, ts, g, nr, begin, g->call_waited);
}

void on_sys_exit(struct model *m, const struct ev_hdr *h, size_t len)
{
	struct g_state *g = caller(m, h);
	uint32_t nr;

	(void)len;
	if (!g)
		return;
	nr = g->life == G_SYSCALL ? g->nr : EV_NR_NONE;
	if (g->life == G_SYSCALL)
		syscall_end(m, h->ts, g);
	notes_flush(m, h->ts, g);
	if (nr != EV_NR_NONE)
		call_ended(m, h->ts, g, nr, call_begin(m, g));
	g->call_over = h->ts;
}

void on_syscall(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_sys *ev = (const struct ev_sys *)h;
	struct g_state *g = caller(m, h);
	uint32_t nr;

	if (!g)
		return;
	if (g->life == G_SYSCALL && g->sys_begin != ev->begin) {
		model_fix(m, REPAIR_LOST_EXIT);
		syscall_end(m, h->ts, g);
	}
	if (g->life == G_RUNNING)
		syscall_begin_late(m, ev->begin, g, syscall_real_nr(g, nr_of(h)),
				   kept_find(&m->kept, ev_stack_id(h, len)));
	nr = g->nr;
	syscall_end(m, h->ts, g);
	notes_flush(m, h->ts, g);
	call_ended(m, h->ts, g, nr, ev->begin);
	g->call_over = h->ts;
}
