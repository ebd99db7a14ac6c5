// SPDX-License-Identifier: BSD-2-Clause
/*
 * Regions. On the wire those of a G nest: an end names the innermost open one, or the reader stops
 * for good. Programs do not always nest, so the open ones are kept, and an end that is for another
 * one ends those inside of it first.
 *
 * An end whose begin is not known may be of a region from before the recording, as Go's own tracer
 * has them: readers let it begin with the trace. It may as well be of what was lost, crossed, left,
 * or of a program that ends more than it begins, and a region that never was is worse than one that
 * is missing. So it is told once for each thread and kind, only where no begin of that kind was
 * seen, only of threads that were there when the trace began, and where readers know of no open
 * region. Those of the header say themselves that they began while nobody listened, or have a
 * number, which ends once: then others listened, or we did before all programs were there.
 *
 * Calls that are left by an exception or a longjmp have no end. A later call shows it, as its frame
 * lies where theirs were, or further out. But where there are coroutines a thread has many stacks,
 * and a frame of another one shows nothing. Stacks in mappings of their own are told apart by
 * these; for those that share one, the first call that comes back after it was closed is the proof,
 * and from then on nothing on that thread is closed but by its end, or a call in its very place.
 */
#include <string.h>

#include "model/state.h"
#include "util/hash.h"

#define DEPTH_MAX 1024

/* Where the mapping of a stack is not known, frames that are further apart may be of two. */
#define SAME_STACK (32u << 10)

static uint32_t pid_of(const struct mark_at *at)
{
	return at->proc ? at->proc->pid : 0;
}

/* ---- kinds of regions ---- */

/* The bit of a kind: its site, or else its name. */
static uint64_t *seen_word(struct regions *rs, const struct ev_mark *ev,
			   const struct mark_text *name, uint64_t *bit)
{
	uint32_t kind = ev->site || !name ? ev->site : hash_bytes(name->text, name->len);
	unsigned nr = (kind * (EV_MARK_BY_MAX - 1u) + EV_MARK_BY(ev->h.arg)) % (SEEN_WORDS * 64u);

	*bit = 1ull << nr % 64;
	return &rs->seen[nr / 64];
}

/* Was this kind seen before? It is from now on. */
static bool is_seen(struct regions *rs, const struct ev_mark *ev, const struct mark_text *name)
{
	uint64_t bit, *word = seen_word(rs, ev, name, &bit);
	bool was = *word & bit;

	*word |= bit;
	return was;
}

/* ---- begin, and what closes ---- */

static void write_end(struct model *m, const struct mark_at *at, uint64_t task,
		      struct mark_text *name)
{
	wire_ev(m, at->ts, at->stream, GO_EV_USER_REGION_END, task, marktext_string(m, name),
		at->stack);
}

/* ended: by its own end */
static void close_innermost(struct model *m, const struct mark_at *at, bool ended)
{
	struct regions *rs = at->regions;
	struct region *r = rs->innermost;

	if (rs->ndeep) { /* what was deeper goes with it */
		memset(rs->deep, 0, sizeof(rs->deep));
		rs->ndeep = 0;
	}
	write_end(m, at, r->task, r->name);
	if (m->triggers.of[TRIGGER_REGION])
		triggers_region(m, at, r);
	openlist_del(m, r, ended);
}

/* Was the call left that this region is, by what a begin or an end of another call shows? The stack
 * grows down. */
static bool is_dead(const struct region *r, const struct ev_mark *ev)
{
	if (r->by != EV_BY_FUNC || EV_MARK_BY(ev->h.arg) != EV_BY_FUNC || r->id > ev->id)
		return false;
	if (r->of->many_stacks)
		return r->id == ev->id;
	return ev->stack_from ? r->id >= ev->stack_from : ev->id - r->id < SAME_STACK;
}

/* Closes what is open inside of r, as ev shows. */
static void close_inside(struct model *m, const struct mark_at *at, const struct region *r,
			 const struct ev_mark *ev)
{
	struct regions *rs = at->regions;

	while (rs->innermost != r) {
		if (is_dead(rs->innermost, ev))
			leftcalls_add(m, &rs->left, rs->innermost);
		else
			marks_count(m, MARK_COUNT_CROSSED);
		close_innermost(m, at, false);
	}
}

/*
 * A call shows that those whose frames lay where its own is, or below, are over: left by a longjmp
 * or an exception, which no probe sees. All that was begun inside of them is too.
 */
static void unwind(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	const struct region *r, *dead = NULL;

	for (r = at->regions->innermost; r; r = r->outer) {
		if (is_dead(r, ev))
			dead = r;
		else if (r->by == EV_BY_FUNC && r->id - ev->id < SAME_STACK)
			break; /* alive, and so are those around it */
	}
	if (dead)
		close_inside(m, at, dead->outer, ev);
	leftcalls_reused(&at->regions->left, ev->id);
}

void regions_begin(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	struct regions *rs = at->regions;
	unsigned by = EV_MARK_BY(ev->h.arg);
	struct mark_text *name;
	struct region r;

	if (by == EV_BY_FUNC)
		unwind(m, at, ev);
	name = marks_name(m, ev);
	is_seen(rs, ev, name);
	if (rs->cnt >= DEPTH_MAX || rs->ndeep) {
		rs->deep[by]++;
		rs->ndeep++;
		marks_count(m, MARK_COUNT_DEEP);
		marktext_put(name);
		return;
	}
	r = (struct region){
		.task = tasks_id(m, at, ev, ev->task),
		.id = ev->id,
		.name = name,
		.site = ev->site,
		.pid = pid_of(at),
		.by = (uint8_t)by,
		.begin_ts = at->said_ts,
		.before = !m->live,
	};
	marks_count(m, MARK_COUNT_REGIONS);
	wire_ev(m, at->ts, at->stream, GO_EV_USER_REGION_BEGIN, r.task, marktext_string(m, r.name),
		at->stack);
	openlist_add(m, rs, &r);
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

static const struct region *find(const struct regions *rs, const struct ev_mark *ev, uint64_t task,
				 const struct mark_text *name)
{
	const struct region *r = rs->innermost;

	while (r && !ends(r, ev, task, name))
		r = r->outer;
	return r;
}

/* Takes an end for that of one which was left out for its depth, if there is one of its kind. */
static bool ends_deep(struct regions *rs, unsigned by)
{
	if (!rs->deep[by])
		return false;
	rs->deep[by]--;
	rs->ndeep--;
	return true;
}

/* Of a thread, or a process of goroutines, that can have one from before the recording. */
static bool is_early(const struct mark_at *at)
{
	return at->thread ? at->thread->early :
			    at->proc && at->proc->scope.early && !at->proc->scope.forgot;
}

/* Is nothing known of its kind that speaks against a begin before the recording? */
static bool may_be_older(struct model *m, struct regions *rs, const struct ev_mark *ev,
			 const struct mark_text *name)
{
	uint64_t bit;
	const uint64_t *word = seen_word(rs, ev, name, &bit);

	if (EV_MARK_BY(ev->h.arg) != EV_BY_HEADER)
		return !is_seen(rs, ev, name);
	return !ev->id || (!m->stats.lost && !(*word & bit));
}

/* An end whose begin is not known; see above. */
static void end_unknown(struct model *m, const struct mark_at *at, const struct ev_mark *ev,
			uint64_t task, struct mark_text *name)
{
	unsigned by = EV_MARK_BY(ev->h.arg);
	bool header = by == EV_BY_HEADER;
	enum number_is number = header ? numbers_find(&m->numbers, pid_of(at), ev->id) :
					 NUMBER_UNKNOWN;

	if (number == NUMBER_ENDED || number == NUMBER_OPEN) {
		marks_count(m, number == NUMBER_ENDED ? MARK_COUNT_REGION_TWICE :
							MARK_COUNT_ELSEWHERE);
		return;
	}
	if (ends_deep(at->regions, by))
		return;
	if (at->regions->gone[by]) {
		at->regions->gone[by]--; /* counted when it was forgotten */
		return;
	}
	if (!m->live)
		return;
	if (!name || number == NUMBER_CLOSED || at->regions->known || !is_early(at) ||
	    !may_be_older(m, at->regions, ev, name)) {
		marks_count(m, MARK_COUNT_UNMATCHED);
		return;
	}
	write_end(m, at, task, name);
	numbers_end_unknown(&m->numbers, pid_of(at), header ? ev->id : 0);
}

void regions_end(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	unsigned by = EV_MARK_BY(ev->h.arg);
	bool func = by == EV_BY_FUNC;
	bool named = ev->site || ev->nname || func || by == EV_BY_HEADER;
	struct mark_text *name = named ? marks_name(m, ev) : NULL;
	uint64_t task = tasks_id(m, at, ev, ev->task);
	const struct region *r;

	/* these are told apart by nothing but their order, and what was left out is the innermost */
	if ((by == EV_BY_USDT || by == EV_BY_GO) && ends_deep(at->regions, by)) {
		marktext_put(name);
		return;
	}
	r = find(at->regions, ev, task, name);
	if (r) {
		close_inside(m, at, r, ev);
		close_innermost(m, at, true);
	} else if (func && leftcalls_back(m, &at->regions->left, ev->id, ev->site)) {
		at->regions->many_stacks = true;
	} else {
		end_unknown(m, at, ev, task, name);
	}
	marktext_put(name);
}

void regions_over(struct model *m, struct regions *rs)
{
	const struct region *r;

	for (r = rs->innermost; r; r = r->outer)
		if (r->by == EV_BY_FUNC)
			marks_count(m, MARK_COUNT_UNENDED);
	regions_free(m, rs);
}

void regions_free(struct model *m, struct regions *rs)
{
	leftcalls_free(&rs->left);
	while (rs->innermost)
		openlist_del(m, rs->innermost, false);
	*rs = (struct regions){ 0 };
}
