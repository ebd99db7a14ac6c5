// SPDX-License-Identifier: BSD-2-Clause
/*
 * Regions. On the wire those of a G nest: an end names the innermost open one, or the reader stops
 * for good. Programs do not always nest, so the open ones are kept, and an end that is for another
 * one ends those inside of it first.
 *
 * An end whose begin is not known is one from before the recording, as Go's own tracer has them:
 * readers let it begin with the trace. That is told only where they know of no open region, and not
 * of what was begun on another thread, or ended already because it was crossed.
 */
#include <stdlib.h>

#include "model/state.h"
#include "util/xalloc.h"

#define DEPTH_MAX 1024
#define NONE SIZE_MAX

/* Stack pointers that are further apart are of two stacks: that of a signal, of a coroutine. */
#define SAME_STACK (8u << 20)

static void write_end(struct model *m, const struct mark_at *at, uint64_t task,
		      struct mark_text *name)
{
	wire_ev(m, at->ts, at->stream, GO_EV_USER_REGION_END, task, marktext_string(m, name),
		at->stack);
}

static void close_innermost(struct model *m, const struct mark_at *at)
{
	struct region *r = &at->regions->r[--at->regions->cnt];

	at->regions->known -= !r->before;
	write_end(m, at, r->task, r->name);
	marktext_put(r->name);
}

/* Was the call left that this region is, by what is known of a later one with stack pointer sp? The
 * stack grows down. */
static bool is_dead(const struct region *r, uint64_t sp)
{
	return r->by == EV_BY_FUNC && r->id <= sp && sp - r->id < SAME_STACK;
}

/* Closes what is open down to index i, which stays. sp: of the call that proves it, 0 none. */
static void close_inside(struct model *m, const struct mark_at *at, size_t i, uint64_t sp)
{
	struct regions *rs = at->regions;

	while (rs->cnt > i) {
		if (is_dead(&rs->r[rs->cnt - 1], sp)) {
			marks_count(m, MARK_COUNT_UNWOUND);
		} else {
			marks_count(m, MARK_COUNT_CROSSED);
			rs->crossed[rs->r[rs->cnt - 1].by]++;
		}
		close_innermost(m, at);
	}
}

/*
 * A call with stack pointer sp shows that those whose frames lay at or below it are over: left by
 * a longjmp or an exception, which no probe sees. All that was begun inside of them is too.
 */
static void unwind(struct model *m, const struct mark_at *at, uint64_t sp)
{
	const struct regions *rs = at->regions;
	size_t i, dead = NONE;

	for (i = rs->cnt; i-- > 0;) {
		if (is_dead(&rs->r[i], sp))
			dead = i;
		else if (rs->r[i].by == EV_BY_FUNC && rs->r[i].id - sp < SAME_STACK)
			break; /* alive, and so are those around it */
	}
	if (dead != NONE)
		close_inside(m, at, dead, sp);
}

void regions_begin(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	struct regions *rs = at->regions;
	unsigned by = EV_MARK_BY(ev->h.arg);
	struct region r;

	if (by == EV_BY_FUNC)
		unwind(m, at, ev->id);
	if (rs->cnt >= DEPTH_MAX) {
		marks_count(m, MARK_COUNT_DEEP);
		return;
	}
	r = (struct region){
		.task = tasks_id(m, at, ev, ev->task),
		.id = ev->id,
		.name = marks_name(m, ev),
		.site = ev->site,
		.by = (uint8_t)by,
		.before = !m->live,
	};
	rs->r = xgrow(rs->r, rs->cnt, &rs->cap, sizeof(*rs->r));
	rs->r[rs->cnt++] = r;
	rs->known += !r.before;
	marks_count(m, MARK_COUNT_REGIONS);
	wire_ev(m, at->ts, at->stream, GO_EV_USER_REGION_BEGIN, r.task, marktext_string(m, r.name),
		at->stack);
}

/* ---- which one ends ---- */

/* By the rules of struct ev_mark. task: the trace's number; name: NULL none */
static bool ends(const struct region *r, const struct ev_mark *ev, uint64_t task,
		 const struct mark_text *name)
{
	if (r->by != EV_MARK_BY(ev->h.arg))
		return false;
	switch (r->by) {
	case EV_BY_HEADER:
		return ev->id && r->id == ev->id;
	case EV_BY_FUNC:
		return r->id == ev->id && r->site == ev->site;
	case EV_BY_GO:
		return !name || (r->task == task && marktext_same(r->name, name));
	default: /* what it is shown as may be one of its arguments */
		return r->site == ev->site && (r->site || !name || marktext_same(r->name, name));
	}
}

static size_t find(const struct regions *rs, const struct ev_mark *ev, uint64_t task,
		   const struct mark_text *name)
{
	size_t i;

	for (i = rs->cnt; i-- > 0;)
		if (ends(&rs->r[i], ev, task, name))
			return i;
	return NONE;
}

/* Is the region with this number open on another thread of the process? */
static bool is_elsewhere(const struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	const struct g_state *g;

	if (EV_MARK_BY(ev->h.arg) != EV_BY_HEADER || !ev->id)
		return false;
	for (g = m->threads; g; g = g->next)
		if (g != at->thread && g->proc == at->proc &&
		    find(&g->regions, ev, 0, NULL) != NONE)
			return true;
	return false;
}

/* An end whose begin is not known: from before the recording, where nothing speaks against it. A
 * number is given when somebody listens, so one with a number began in what was lost. */
static void end_unknown(struct model *m, const struct mark_at *at, const struct ev_mark *ev,
			uint64_t task, struct mark_text *name)
{
	unsigned by = EV_MARK_BY(ev->h.arg);
	struct regions *rs = at->regions;

	if (is_elsewhere(m, at, ev)) {
		marks_count(m, MARK_COUNT_ELSEWHERE);
	} else if (rs->crossed[by]) {
		rs->crossed[by]--;
		marks_count(m, MARK_COUNT_UNMATCHED);
	} else if (rs->known || !name || (by == EV_BY_HEADER && ev->id)) {
		marks_count(m, MARK_COUNT_UNMATCHED);
	} else {
		write_end(m, at, task, name);
	}
}

void regions_end(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	unsigned by = EV_MARK_BY(ev->h.arg);
	bool func = by == EV_BY_FUNC;
	bool named = ev->site || ev->nname || func || by == EV_BY_HEADER;
	struct mark_text *name = named ? marks_name(m, ev) : NULL;
	uint64_t task = tasks_id(m, at, ev, ev->task);
	size_t i = find(at->regions, ev, task, name);

	if (i != NONE) {
		close_inside(m, at, i + 1, func ? ev->id : 0);
		close_innermost(m, at);
	} else {
		if (func)
			unwind(m, at, ev->id);
		end_unknown(m, at, ev, task, name);
	}
	marktext_put(name);
}

void regions_free(struct regions *rs)
{
	while (rs->cnt)
		marktext_put(rs->r[--rs->cnt].name);
	free(rs->r);
	*rs = (struct regions){ 0 };
}
