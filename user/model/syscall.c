// SPDX-License-Identifier: BSD-2-Clause
/*
 * Syscalls of running threads. The begin of a whole syscall is known at its end only and goes to its place in the past:
 * behind the last event of its thread, inside the generation, on a tick of its own (gotrace/ticks.h).
 */
#include "model/state.h"

uint32_t syscall_real_nr(struct g_state *g, uint32_t nr)
{
	if (nr == NR_NONE)
		return nr;
	if (syscall_is_restart(nr) && g->last_nr != NR_NONE)
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
		put_begin(m, trace_writer__tick(m->w, ts), g, names_sys_stack(m, g, nr));
	g->life = G_SYSCALL;
	g->nr = nr;
}

void syscall_begin_wait(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr)
{
	if (m->live)
		put_begin(m, trace_writer__tick(m->w, ts), g, names_wait_stack(m, g, nr));
	g->life = G_SYSCALL;
	g->nr = nr;
}

static void begin_late(struct model *m, uint64_t begin, struct g_state *g, uint32_t nr)
{
	if (m->live)
		put_begin(m, trace_writer__tick_late(m->w, &g->stream, begin), g,
			  names_sys_stack(m, g, nr));
	g->life = G_SYSCALL;
	g->nr = nr;
	g->sys_begin = begin;
}

void syscall_end(struct model *m, uint64_t ts, struct g_state *g)
{
	wire_ev(m, ts, &g->stream, GO_EV_GO_SYSCALL_END);
	g->life = G_RUNNING;
	g->nr = NR_NONE;
}

static uint32_t nr_of(const struct ev_hdr *h)
{
	return (h->arg & 0xffff) | (h->flags & EVF_COMPAT ? NR_COMPAT : 0);
}

/* The thread of a syscall record, which proves that it is on this CPU. */
static struct g_state *caller(struct model *m, const struct ev_hdr *h)
{
	struct g_state *g = model_get(m, h->ts, ((const struct ev_sys *)h)->thr);
	struct p_state *p = model_cpu(m, h->ts, h->cpu);

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

	(void)len;
	if (h->flags & EVF_ASKED) {
		g = model_find(m, ev->thr);
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
	begin_late(m, ev->begin, g, syscall_real_nr(g, nr_of(h)));
}

void on_sys_exit(struct model *m, const struct ev_hdr *h, size_t len)
{
	struct g_state *g = caller(m, h);

	(void)len;
	if (!g)
		return;
	if (g->life == G_SYSCALL)
		syscall_end(m, h->ts, g);
	notes_flush(m, h->ts, g);
}

void on_syscall(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_sys *ev = (const struct ev_sys *)h;
	struct g_state *g = caller(m, h);

	(void)len;
	if (!g)
		return;
	if (g->life == G_SYSCALL && g->sys_begin != ev->begin) {
		model_fix(m, REPAIR_LOST_EXIT);
		syscall_end(m, h->ts, g);
	}
	if (g->life == G_RUNNING)
		begin_late(m, ev->begin, g, syscall_real_nr(g, nr_of(h)));
	syscall_end(m, h->ts, g);
	notes_flush(m, h->ts, g);
}
