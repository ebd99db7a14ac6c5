// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the trace tells besides the states: when it began by the clock on the wall, where records
 * were lost, how much memory the program has, new names. The format wants a running goroutine for
 * each of these, so they wait for one; and for a record of it, because a thread that seems to run
 * may be in a syscall whose begin is not told yet, and an event written now would push that begin
 * forward.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "model/state.h"

static void log_text(struct model *m, uint64_t ts, struct g_state *g, const char *text)
{
	wire_ev(m, ts, &g->stream, GO_EV_USER_LOG, 0, wire_string(m, "ctrace"),
		wire_string(m, text), stacks_root(m, g));
}

static void log_start(struct model *m, uint64_t ts, struct g_state *g)
{
	uint64_t wall = m->opts.start_ts + (uint64_t)m->opts.wall_offset;
	time_t sec = (time_t)(wall / 1000000000);
	char text[96], when[40];
	unsigned i, n = 0;
	struct tm tm;

	m->start_logged = true;
	gmtime_r(&sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "start=%s.%09" PRIu64 "Z", when, wall % 1000000000);
	for (i = 0; i < m->ncpu; i++)
		n += m->cpu[i].online;
	wire_ev(m, ts, &g->stream, GO_EV_PROCS_CHANGE, n, stacks_root(m, g));
	log_text(m, ts, g, text);
}

/* Whoever runs next tells of every CPU: the threads of the one that lost records may be elsewhere
 * by then. */
static void log_lost(struct model *m, uint64_t ts, struct g_state *g)
{
	char text[96];
	unsigned i;

	m->lost_new = false;
	for (i = 0; i < m->ncpu; i++) {
		if (!m->cpu[i].lost)
			continue;
		snprintf(text, sizeof(text), "lost %" PRIu64 " records on CPU %u", m->cpu[i].lost,
			 i);
		m->cpu[i].lost = 0;
		log_text(m, ts, g, text);
	}
}

void notes_flush(struct model *m, uint64_t ts, struct g_state *g)
{
	if (!m->live)
		return;
	if (!m->start_logged)
		log_start(m, ts, g);
	if (m->lost_new)
		log_lost(m, ts, g);
	if (m->rss_new)
		wire_ev(m, ts, &g->stream, GO_EV_HEAP_ALLOC, m->rss);
	if (m->limit_new)
		wire_ev(m, ts, &g->stream, GO_EV_HEAP_GOAL, m->limit);
	m->rss_new = m->limit_new = false;
	names_label(m, ts, g);
}
