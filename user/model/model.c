// SPDX-License-Identifier: BSD-2-Clause
/*
 * The door of the model: life, dispatch, begin and end of the trace and of its generations.
 *
 * Before EV_START records only bring the state up to date. At EV_START every known thread is walked
 * through a CPU, so that the state it is in has a reason and a stack: a bare status has neither,
 * and viewers would show "Block time ()" and book a blocked syscall as execution. The walk costs
 * some ns of trace time for each thread.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "util/xalloc.h"

typedef void (*handler)(struct model *m, const struct ev_hdr *h, size_t len);

/* ---- life ---- */

struct model *model__new(const struct model_opts *opts)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->opts = *opts;
	m->w = opts->writer;
	m->triggers.spec = opts->trigger;
	m->triggers.n = (unsigned)opts->ntrigger;
	m->triggers.sink = opts->triggered;
	triggers_init(m);
	trace_stream_init(&m->m0, 0);
	stacks_init(m);
	return m;
}

void model__free(struct model *m)
{
	if (!m)
		return;
	m->live = false;
	while (m->threads) {
		m->threads->late = false;
		table_forget(m, m->threads);
	}
	marks_free(m);
	u64map_free(&m->by_key);
	u64map_free(&m->by_m);
	for (size_t i = 0; i < LIFETIME_PAGES; i++)
		free(m->lifetimes[i]);
	u64map_free(&m->procs);
	u64map_free(&m->ksyms);
	u64map_free(&m->sys_frames);
	u64map_free(&m->modules);
	free(m->stats.module);
	triggers_free(&m->triggers);
	kept_free(&m->kept);
	free(m->cpu);
	free(m);
}

const struct model_stats *model__stats(const struct model *m)
{
	return &m->stats;
}

bool model__has_threads(const struct model *m)
{
	return m->threads;
}

/* ---- CPUs and configuration ---- */

static void on_cpu(struct model *m, const struct ev_hdr *h, size_t len)
{
	(void)len;
	table_cpu(m, h->ts, h->arg);
}

static void on_config(struct model *m, const struct ev_hdr *h, size_t len)
{
	(void)len;
	if (m->live)
		return;
	m->has_syscalls = h->arg & EV_CONFIG_SYSCALLS;
	m->no_names = h->arg & EV_CONFIG_NONAMES;
	m->many = h->arg & EV_CONFIG_MANY;
}

/* ---- begin and end ---- */

static void walk(struct model *m, uint64_t ts, struct g_state *g, struct p_state *p)
{
	enum g_life life = g->life;

	g->seq = 0;
	if (life == G_RUNNABLE && m->opts.go_minor >= 23) {
		wire_ev(m, ts, &m->m0, GO_EV_GO_STATUS_STACK, g->gid, GO_NO_THREAD, GO_RUNNABLE,
			stacks_root(m, g));
		return;
	}
	wire_proc_start(m, ts, g, p);
	if (m->opts.go_minor >= 23)
		wire_ev(m, ts, &g->stream, GO_EV_GO_STATUS_STACK, g->gid, g->stream.m, GO_RUNNING,
			stacks_root(m, g));
	else
		wire_ev(m, ts, &g->stream, GO_EV_GO_STATUS, g->gid, g->stream.m, GO_RUNNING);
	switch (life) {
	case G_SYSCALL:
		syscall_begin(m, ts, g, g->nr);
		return;
	case G_RUNNING:
	case G_NEW:
		return;
	case G_RUNNABLE:
		wire_ev(m, ts, &g->stream, GO_EV_GO_STOP,
			wire_string(m, reason_text(REASON_PREEMPTED)),
			stacks_of(m, g, g->pend, g->stack, STACK_CALL));
		break;
	case G_WAITING:
		wire_ev(m, ts, &g->stream, GO_EV_GO_BLOCK, wire_string(m, reason_text(g->reason)),
			stacks_wait(m, g, g->nr));
		break;
	case G_BLOCKED:
		syscall_begin_wait(m, ts, g, g->nr);
		break;
	}
	g->life = life;
	wire_proc_stop(m, ts, g);
}

static bool is_on_cpu(const struct g_state *g)
{
	return g->life == G_RUNNING || g->life == G_SYSCALL;
}

/* There is one from EV_START on. */
static struct p_state *first_cpu(const struct model *m)
{
	struct p_state *p = m->cpu;

	while (!p->online)
		p++;
	return p;
}

/* The states of all, with what they are in, as nobody has been told of them before. */
static void tell_states(struct model *m, uint64_t ts)
{
	struct p_state *p, *p0;
	struct g_state *g;
	unsigned i;

	for (i = 0; i < m->ncpu; i++) { /* all are idle while the sleepers are walked */
		p = &m->cpu[i];
		g = p->cur;
		p->cur = NULL;
		if (p->online)
			wire_proc_status(m, ts, p);
		p->cur = g;
	}
	p0 = first_cpu(m);
	g = p0->cur;
	for (struct g_state *s = m->threads; s; s = s->next)
		if (s->life != G_NEW && !is_on_cpu(s))
			walk(m, ts, s, p0);
	p0->cur = g;
	for (i = 0; i < m->ncpu; i++)
		if (m->cpu[i].cur)
			walk(m, ts, m->cpu[i].cur, &m->cpu[i]);
	goroutines_tell(m, ts);
}

/*
 * Closes the generation and opens the next with the state of everything. Where a file may have to
 * begin between the two there is an opening; why: EV_CUT_*, 0 it was full.
 */
static void next_generation(struct model *m, uint64_t ts, uint32_t why)
{
	struct g_state *g;
	unsigned i;

	if (why || m->opts.openings) {
		/* a file may end here: as at the end of all, the last states have their whole
		 * length */
		wire_proc_status(m, ts, first_cpu(m));
		names_settle_all(m);
		trace_writer__opening(m->w, ts, why);
		tell_states(m, ts);
	}
	names_settle_all(m);
	trace_writer__next_gen(m->w, ts);
	for (i = 0; i < m->ncpu; i++)
		if (m->cpu[i].online)
			wire_proc_status(m, ts, &m->cpu[i]);
	for (g = m->threads; g; g = g->next)
		wire_go_status(m, ts, g);
	goroutines_status(m, ts);
	trace_writer__states_told(m->w);
}

static void on_start(struct model *m, const struct ev_hdr *h, size_t len)
{
	struct g_state *g;
	unsigned i;

	(void)len;
	if (m->live)
		return;
	if (!m->ncpu)
		table_cpu(m, h->ts, 0);
	m->live = true;
	m->stats.begin_ts = h->ts;
	marks_start(m);
	for (g = m->threads; g; g = g->next)
		m->stats.threads += (g->life != G_NEW || g->p) && !g->stand_in;
	tell_states(m, h->ts);
	for (i = 0; i < m->ncpu; i++)
		if (m->cpu[i].cur)
			notes_flush(m, h->ts, m->cpu[i].cur);
	if (h->arg & EV_START_FLUSH)
		next_generation(m, h->ts, 0);
}

/* A file ends here, or a snapshot of the recording. */
static void on_cut(struct model *m, const struct ev_hdr *h, size_t len)
{
	(void)len;
	if (m->live)
		next_generation(m, h->ts, h->arg);
}

/* A loss up to the end has nobody who runs behind it: a thread that is off its CPU is brought there
 * to tell. */
static void tell_last_loss(struct model *m, uint64_t ts)
{
	struct p_state *p = table_idle_cpu(m);
	struct g_state *g, *best = NULL;
	unsigned i;

	for (i = 0; m->lost_new && i < m->ncpu; i++)
		if (m->cpu[i].cur)
			notes_flush(m, ts, m->cpu[i].cur);
	for (g = m->threads; g; g = g->next)
		if (g->life == G_RUNNABLE || (g_is_asleep(g) && !best))
			best = g;
	if (!m->lost_new || !p || !best)
		return;
	sched_in(m, ts, best, p);
	sched_out_runnable(m, ts, best, NULL);
}

/* One more event at the very end, so that the last states have their whole length. */
static void finish(struct model *m, uint64_t ts)
{
	if (!m->live)
		return;
	standins_all_out(m, ts);
	tell_last_loss(m, ts);
	marks_finish(m, ts);
	wire_proc_status(m, ts, first_cpu(m));
	names_settle_all(m);
	m->live = false;
	m->stopped = true;
	m->stats.end_ts = ts;
}

static void on_stop(struct model *m, const struct ev_hdr *h, size_t len)
{
	(void)len;
	finish(m, h->ts);
}

void model__advance(struct model *m, uint64_t ts)
{
	triggers_look(m, ts);
}

void model__finish(struct model *m)
{
	finish(m, m->last_ts);
}

/* ---- dispatch ---- */

static const struct {
	handler fn;
	uint8_t events; /* firings of a hook that the record stands for */
} handlers[EV_KIND_MAX] = {
	[EV_THREAD] = { on_thread, 0 },
	[EV_SWITCH] = { on_switch, 1 },
	[EV_WAKING] = { on_waking, 1 },
	[EV_WAKEUP] = { on_wakeup, 1 },
	[EV_FORK] = { on_fork, 1 },
	[EV_EXEC] = { on_exec, 1 },
	[EV_EXIT] = { on_exit_, 1 },
	[EV_RENAME] = { on_rename, 1 },
	[EV_SYS_ENTER] = { on_sys_enter, 1 },
	[EV_SYS_EXIT] = { on_sys_exit, 1 },
	[EV_SYSCALL] = { on_syscall, 2 },
	[EV_STACK] = { on_stack, 0 },
	[EV_SNAP] = { on_snap, 0 },
	[EV_START] = { on_start, 0 },
	[EV_STOP] = { on_stop, 0 },
	[EV_LOST] = { on_lost, 0 },
	[EV_METRIC] = { on_metric, 0 },
	[EV_PROC] = { on_proc, 0 },
	[EV_KSYM] = { on_ksym, 0 },
	[EV_CPU] = { on_cpu, 0 },
	[EV_CONFIG] = { on_config, 0 },
	[EV_SAMPLE] = { on_sample, 1 },
	[EV_MODULE] = { on_module, 0 },
	[EV_EPOCH] = { on_epoch, 0 },
	[EV_MARK] = { on_mark, 1 },
	[EV_IRQ] = { on_irq, 2 },
	[EV_LEAVE] = { on_leave, 0 },
	[EV_SITE] = { on_site, 0 },
	[EV_CUT] = { on_cut, 0 },
};

void model__feed(struct model *m, const struct ev_hdr *h, size_t len)
{
	if (h->kind >= EV_KIND_MAX || !handlers[h->kind].fn || m->stopped)
		return;
	m->stats.records[h->kind]++;
	if (h->ts > m->last_ts)
		m->last_ts = h->ts;
	else if (h->ts < m->last_ts && h->kind != EV_MARK) /* these may; see marks.c */
		model_fix(m, REPAIR_TIME_BACK);
	if (m->live) {
		m->stats.events += handlers[h->kind].events;
		if (trace_writer__gen_full(m->w, h->ts))
			next_generation(m, h->ts, 0);
	}
	handlers[h->kind].fn(m, h, len);
}
