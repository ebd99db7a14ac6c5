// SPDX-License-Identifier: BSD-2-Clause
/*
 * The wire events of the scheduler, one function each, with the sequence numbers that the format
 * asks for. Silent while the model is not live: the same transitions then only bring its state up
 * to date.
 */
#include <string.h>

#include "model/state.h"

void wire_put(struct model *m, uint64_t ts, struct trace_stream *s, enum go_ev ev,
	      const uint64_t *arg, unsigned narg)
{
	if (m->live)
		trace_writer__put(m->w, s, trace_writer__tick(m->w, ts), ev, arg, narg);
}

uint32_t wire_string(struct model *m, const char *text)
{
	return m->live ? trace_writer__string(m->w, text, strlen(text)) : 0;
}

static uint64_t proc_id(const struct model *m, const struct p_state *p)
{
	return (uint64_t)(p - m->cpu) + m->opts.first_proc;
}

void wire_proc_status(struct model *m, uint64_t ts, struct p_state *p)
{
	enum proc_status status = PROC_IDLE;

	if (p->cur)
		status = p->cur->life == G_SYSCALL ? PROC_SYSCALL : PROC_RUNNING;
	p->seq = 0;
	wire_ev(m, ts, p->cur ? &p->cur->stream : &m->m0, GO_EV_PROC_STATUS, proc_id(m, p), status);
}

void wire_proc_start(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	wire_ev(m, ts, &g->stream, GO_EV_PROC_START, proc_id(m, p), ++p->seq);
	p->cur = g;
	g->p = p;
}

void wire_proc_stop(struct model *m, uint64_t ts, struct g_state *g)
{
	wire_ev(m, ts, &g->stream, GO_EV_PROC_STOP);
	g->p->cur = NULL;
	g->p = NULL;
}

void wire_go_create(struct model *m, uint64_t ts, struct g_state *on, const struct g_state *g,
		    uint32_t newstack, uint32_t stack)
{
	if (m->live)
		m->stats.threads++;
	wire_ev(m, ts, &on->stream, GO_EV_GO_CREATE, g->gid, newstack, stack);
}

void wire_go_start(struct model *m, uint64_t ts, struct g_state *g)
{
	wire_ev(m, ts, &g->stream, GO_EV_GO_START, g->gid, ++g->seq);
	g->life = G_RUNNING;
}

void wire_go_status(struct model *m, uint64_t ts, struct g_state *g)
{
	uint64_t no_m = GO_NO_THREAD, own = g->stream.m;

	g->seq = 0;
	switch (g->life) {
	case G_NEW:
		break;
	case G_RUNNING:
		wire_ev(m, ts, &g->stream, GO_EV_GO_STATUS, g->gid, own, GO_RUNNING);
		break;
	case G_SYSCALL:
	case G_BLOCKED:
		wire_ev(m, ts, &g->stream, GO_EV_GO_STATUS, g->gid, own, GO_SYSCALL);
		break;
	case G_RUNNABLE:
		wire_ev(m, ts, &m->m0, GO_EV_GO_STATUS, g->gid, no_m, GO_RUNNABLE);
		break;
	case G_WAITING:
		wire_ev(m, ts, &m->m0, GO_EV_GO_STATUS, g->gid, no_m, GO_WAITING);
		break;
	}
}

void wire_sample(struct model *m, uint64_t ts, const struct g_state *g, const struct p_state *p,
		 uint32_t stack)
{
	trace_writer__sample(m->w, trace_writer__tick(m->w, ts), g->stream.m, proc_id(m, p), g->gid,
			     stack);
}
