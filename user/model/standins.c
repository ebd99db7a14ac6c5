// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who has a CPU in a recording of the whole system and is not in it: kernel threads, unless they
 * are asked for, and the recorder. Each CPU has a goroutine for each of the two kinds, which has
 * the CPU while one of them does and waits otherwise. So a row shows what the CPU's time went to,
 * and a gap in it is an idle CPU.
 *
 * A stand-in is a struct g_state like a thread's, with a G and an M of its own, but belongs to no
 * process and has no key: only records of switches come to it. It is made when it is first needed.
 */
#include <string.h>

#include "event/evspec.h"
#include "model/state.h"
#include "util/xalloc.h"

#define FIRST_GID 900000000001ull /* above all that threads have, below those of goroutines */

/* As long as the name of a thread may be. */
static const char names[STRANGER_MAX][EV_COMM_LEN + 1] = {
	[STRANGER_KERNEL] = "[kernel threads]",
	[STRANGER_OURS] = "[ctrace-bpf]",
};

static struct g_state *make(struct model *m, const struct p_state *p, enum stranger who)
{
	struct g_state *g = xcalloc(1, sizeof(*g));

	g->gid = FIRST_GID + (uint64_t)(p - m->cpu) * STRANGER_MAX + who;
	g->nr = g->pend = g->last_nr = EV_NR_NONE;
	g->stand_in = g->kthread = true;
	memcpy(g->comm, names[who], EV_COMM_LEN);
	trace_stream_init(&g->stream, g->gid);
	g->next = m->threads;
	if (g->next)
		g->next->link = &g->next;
	g->link = &m->threads;
	m->threads = g;
	return g;
}

void standins_in(struct model *m, uint64_t ts, struct p_state *p, uint8_t flags)
{
	enum stranger who = flags & EVF_OURS ? STRANGER_OURS : STRANGER_KERNEL;
	struct g_state *g = p->stand_in[who];

	if (!(flags & (EVF_OURS | EVF_KTHREAD)) || p->cur)
		return;
	if (!g)
		g = p->stand_in[who] = make(m, p, who);
	if (g->life == G_NEW) {
		wire_proc_start(m, ts, g, p);
		wire_ev(m, ts, &g->stream, GO_EV_GO_CREATE, g->gid, stacks_root(m, g), 0);
	} else {
		sched_unblock(m, ts, g, 0, 0, m->frame_unknown, NULL);
		wire_proc_start(m, ts, g, p);
	}
	wire_go_start(m, ts, g);
}

void standins_out(struct model *m, uint64_t ts, struct g_state *g)
{
	sched_sleep(m, ts, g, EV_ST_PACK(EV_ST_IDLE, 0, EV_NR_NONE), NULL);
}

void standins_all_out(struct model *m, uint64_t ts)
{
	unsigned i;

	for (i = 0; i < m->ncpu; i++)
		if (m->cpu[i].cur && m->cpu[i].cur->stand_in)
			standins_out(m, ts, m->cpu[i].cur);
}
