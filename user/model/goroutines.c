// SPDX-License-Identifier: BSD-2-Clause
/*
 * Goroutines of Go programs, of which only the annotations are known. They move between threads, so
 * what they annotate belongs to none: each is a G of its own, named by the function it began with.
 *
 * They live on one M and one P that no thread and no CPU has. There each wakes for the moment of an
 * annotation, and then waits again, for a reason that tells what is known. The thread that ran it
 * is not touched.
 *
 * Only so many are remembered, those used last, and of those that have regions open far more. When
 * one of these is forgotten it is gone from the trace with its regions. From then on ends in its
 * process that have no begin are dropped: they may be of one that is forgotten.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "util/xalloc.h"

#define IDLE_MAX 4096
#define BUSY_MAX 65536
#define FIRST_GID 1000000000001ull /* above all that threads have, below HUGE_GID of table.c */
#define REASON "only annotations are known"

struct goroutine {
	struct aged aged;  /* id: Go's */
	struct proc *proc; /* NULL unknown; they end with it */
	uint64_t gid;
	uint64_t seq;
	bool told;	/* readers know it */
	uint64_t start; /* EV_FRAME, 0 unknown: then it is named by its process */
	char name[32];
	uint64_t gen; /* in which the next two were made */
	uint32_t root, stack;
	struct regions regions;
};

/* The one that speaks for us. */
#define OUR_SCOPE 0 /* of nobody's process */
#define OUR_ID UINT64_MAX

static bool is_ours(const struct goroutine *g)
{
	return g->aged.scope == OUR_SCOPE && g->aged.id == OUR_ID;
}

/* ---- their place ---- */

static uint64_t proc_id(const struct model *m)
{
	return CPU_MAX + m->opts.first_proc;
}

static void write_proc_status(struct model *m, uint64_t ts)
{
	m->go.pseq = 0;
	wire_ev(m, ts, &m->m0, GO_EV_PROC_STATUS, proc_id(m), PROC_IDLE);
}

static void make_place(struct model *m, uint64_t ts)
{
	if (m->go.online)
		return;
	m->go.online = true;
	trace_stream_init(&m->go.stream, GO_M);
	write_proc_status(m, ts);
}

static void enter(struct model *m, uint64_t ts, struct goroutine *g)
{
	struct trace_stream *s = &m->go.stream;

	if (!m->live)
		return;
	make_place(m, ts);
	wire_ev(m, ts, s, GO_EV_PROC_START, proc_id(m), ++m->go.pseq);
	if (!g->told) {
		g->told = true;
		if (!is_ours(g))
			marks_count(m, MARK_COUNT_GOROUTINES);
		wire_ev(m, ts, s, GO_EV_GO_CREATE, g->gid, g->stack, 0);
	} else {
		wire_ev(m, ts, &m->m0, GO_EV_GO_UNBLOCK, g->gid, ++g->seq,
			stacks_of_frame(m, m->frame_mark));
	}
	wire_ev(m, ts, s, GO_EV_GO_START, g->gid, ++g->seq);
}

static void leave(struct model *m, uint64_t ts, struct goroutine *g)
{
	wire_ev(m, ts, &m->go.stream, GO_EV_GO_BLOCK, wire_string(m, REASON), g->stack);
	wire_ev(m, ts, &m->go.stream, GO_EV_PROC_STOP);
}

void goroutines_take_away(struct model *m, uint64_t ts, struct g_state *g)
{
	if (m->live) {
		make_place(m, ts);
		wire_ev(m, ts, &g->stream, GO_EV_PROC_START, proc_id(m), ++m->go.pseq);
		wire_go_start(m, ts, g);
		wire_ev(m, ts, &g->stream, GO_EV_GO_DESTROY);
		wire_ev(m, ts, &g->stream, GO_EV_PROC_STOP);
	}
	table_forget(m, g);
}

/* ---- who there is ---- */

static struct goroutine *of(struct aged *a)
{
	return (struct goroutine *)a;
}

static struct aged_list *list_of(struct goroutines *gs, const struct goroutine *g)
{
	return g->regions.cnt || g->regions.gone[EV_BY_GO] ? &gs->busy : &gs->idle;
}

static void forget(struct model *m, struct goroutine *g)
{
	aged_del(&m->go.known, &g->aged);
	regions_free(m, &g->regions);
	free(g);
}

/* ---- names ---- */

/* The root of its stacks in this generation, and the stack that is nothing else. */
static void make_root(struct model *m, struct goroutine *g)
{
	uint64_t gen = trace_writer__gen(m->w);

	if (!m->live || g->gen == gen)
		return;
	g->gen = gen;
	g->root = g->start ? trace_writer__name_frame(m->w, g->start) :
			     trace_writer__local_frame(m->w, g->name, "[goroutine]", 1);
	g->stack = trace_writer__stack(m->w, &g->root, 1);
}

static struct goroutine *add(struct model *m, const struct goroutine *as)
{
	struct goroutine *g = xcalloc(1, sizeof(*g));

	*g = *as;
	g->gid = FIRST_GID + m->go.given++;
	aged_add(&m->go.known, list_of(&m->go, g), &g->aged);
	return g;
}

static struct goroutine *make(struct model *m, const struct ev_mark *ev, uint32_t scope,
			      struct proc *p)
{
	struct goroutine g = {
		.aged = { .scope = scope, .id = ev->goroutine },
		.proc = p,
		.start = ev->start,
	};

	snprintf(g.name, sizeof(g.name), "goroutine of %.*s", EV_COMM_LEN,
		 p && p->comm[0] ? p->comm : "?");
	return add(m, &g);
}

static void destroy(struct model *m, uint64_t ts, struct goroutine *g)
{
	if (g->told) {
		make_root(m, g);
		enter(m, ts, g);
		wire_ev(m, ts, &m->go.stream, GO_EV_GO_DESTROY);
		wire_ev(m, ts, &m->go.stream, GO_EV_PROC_STOP);
	}
	forget(m, g);
}

/* Those that were used longest ago go. */
static void make_room(struct model *m, uint64_t ts)
{
	struct goroutines *gs = &m->go;

	while (gs->idle.cnt > IDLE_MAX)
		destroy(m, ts, of(gs->idle.last));
	while (gs->busy.cnt > BUSY_MAX) {
		struct goroutine *g = of(gs->busy.last);

		if (g->proc)
			g->proc->scope.forgot = true;
		marks_count(m, MARK_COUNT_FORGOTTEN);
		destroy(m, ts, g);
	}
}

/* ---- the door ---- */

/* Nothing of it could be shown: the end of a region of a goroutine that is not known, or not any
 * more. */
static bool is_stray(const struct proc *p, const struct ev_mark *ev)
{
	return EV_MARK_OP(ev->h.arg) == EV_MARK_REGION_END &&
	       ((!ev->nname && !ev->site) || !p || !p->scope.early || p->scope.forgot);
}

void goroutines_mark(struct model *m, const struct ev_mark *ev, struct kept_stack *st)
{
	const struct g_state *on = table_find(m, ev->thr);
	struct proc *p = on ? on->proc : NULL;
	uint32_t scope = tasks_scope(m, p);
	struct goroutine *g = of(aged_find(&m->go.known, scope, ev->goroutine));
	uint64_t ts = ev->h.ts;

	if (!g && is_stray(p, ev)) {
		marks_count(m, MARK_COUNT_UNMATCHED);
		return;
	}
	if (p)
		p->scope.go = true;
	if (!g)
		g = make(m, ev, scope, p);
	make_root(m, g);
	enter(m, ts, g);
	marks_write(m,
		    &(struct mark_at){
			    .ts = ts,
			    .said_ts = ts,
			    .stream = &m->go.stream,
			    .stack = st ? stacks_rooted(m, st, g->root) : g->stack,
			    .proc = p,
			    .regions = &g->regions,
		    },
		    ev);
	leave(m, ts, g);
	aged_use(list_of(&m->go, g), &g->aged);
	make_room(m, ts);
}

void goroutines_say(struct model *m, uint64_t ts, const char *category, const char *text)
{
	struct goroutine *g = of(aged_find(&m->go.known, OUR_SCOPE, OUR_ID));

	if (!g)
		g = add(m, &(struct goroutine){
				   .aged = { .scope = OUR_SCOPE, .id = OUR_ID },
				   .name = "[trigger]",
			   });
	make_root(m, g);
	enter(m, ts, g);
	wire_ev(m, ts, &m->go.stream, GO_EV_USER_LOG, 0, wire_string(m, category),
		marktext_once(m, text, strlen(text), MARK_WHOLE), g->stack);
	leave(m, ts, g);
	aged_use(&m->go.idle, &g->aged);
	make_room(m, ts);
}

void goroutines_look(struct model *m, uint64_t ts)
{
	struct region *r;
	struct aged *a;

	for (a = m->go.busy.first; a; a = a->next)
		for (r = of(a)->regions.innermost; r; r = r->outer)
			triggers_open_region(m, ts, NULL, r);
}

static void write_status(struct model *m, uint64_t ts, struct goroutine *g)
{
	wire_ev(m, ts, &m->m0, GO_EV_GO_STATUS, g->gid, GO_NO_THREAD, GO_WAITING);
}

/* As if it had come here from a P, which gives it a name and a reason to wait. */
static void tell(struct model *m, uint64_t ts, struct goroutine *g)
{
	struct trace_stream *s = &m->go.stream;

	make_root(m, g);
	wire_ev(m, ts, s, GO_EV_PROC_START, proc_id(m), ++m->go.pseq);
	if (m->opts.go_minor >= 23)
		wire_ev(m, ts, s, GO_EV_GO_STATUS_STACK, g->gid, s->m, GO_RUNNING, g->stack);
	else
		wire_ev(m, ts, s, GO_EV_GO_STATUS, g->gid, s->m, GO_RUNNING);
	leave(m, ts, g);
}

typedef void (*state_fn)(struct model *m, uint64_t ts, struct goroutine *g);

/* The states of their P, and of each that readers know. */
static void write_states(struct model *m, uint64_t ts, state_fn fn)
{
	struct aged *lists[] = { m->go.idle.first, m->go.busy.first }, *a;
	unsigned i;

	if (!m->go.online)
		return;
	write_proc_status(m, ts);
	for (i = 0; i < 2; i++) {
		for (a = lists[i]; a; a = a->next) {
			if (!of(a)->told)
				continue;
			of(a)->seq = 0;
			fn(m, ts, of(a));
		}
	}
}

void goroutines_status(struct model *m, uint64_t ts)
{
	write_states(m, ts, write_status);
}

void goroutines_tell(struct model *m, uint64_t ts)
{
	write_states(m, ts, tell);
}

static void end_those(struct model *m, uint64_t ts, struct aged *a, uint32_t scope)
{
	struct aged *next;

	for (; a; a = next) {
		next = a->next;
		if (a->scope == scope)
			destroy(m, ts, of(a));
	}
}

void goroutines_end(struct model *m, uint64_t ts, uint32_t scope)
{
	end_those(m, ts, m->go.idle.first, scope);
	end_those(m, ts, m->go.busy.first, scope);
}

void goroutines_free(struct model *m)
{
	while (m->go.idle.first)
		forget(m, of(m->go.idle.first));
	while (m->go.busy.first)
		forget(m, of(m->go.busy.first));
	aged_free(&m->go.known);
}
