// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tasks. A process numbers its own, and numbers come again: in other processes, after an exec, in a
 * program that takes addresses for numbers. In the trace each has a number of its own, for good.
 *
 * Only so many are remembered, those used last. A task that is forgotten while it is open does not
 * end; a second end of one that is forgotten passes as the end of a task from before the recording,
 * which is legal.
 *
 * A child knows the tasks of its parent, and both may be about to end them, so that an end counts
 * only in the process that began the task. What a child does not know began in its parent.
 */
#include <stdlib.h>

#include "model/state.h"
#include "util/hash.h"
#include "util/xalloc.h"

#define OPEN_MAX 65536
#define ENDED_MAX 16384

enum task_state {
	TASK_OPEN,
	TASK_BEFORE, /* named by an annotation; it began before the recording, or in what was lost */
	TASK_ENDED,
};

struct task {
	struct task *prev, *next; /* in its list */
	struct task *same;	  /* with the same hash */
	uint64_t id;		  /* the process's */
	uint64_t trace_id;
	uint64_t serial;
	uint32_t scope;
	bool go; /* Go numbers them apart */
	enum task_state state;
};

/* ---- lists ---- */

static struct task_list *list_of(struct tasks *ts, const struct task *t)
{
	return t->state == TASK_ENDED ? &ts->ended : &ts->open;
}

static void list_add(struct task_list *l, struct task *t)
{
	t->prev = NULL;
	t->next = l->first;
	if (l->first)
		l->first->prev = t;
	else
		l->last = t;
	l->first = t;
	l->cnt++;
}

static void list_del(struct task_list *l, struct task *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		l->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		l->last = t->prev;
	l->cnt--;
}

static uint64_t hash_of(uint32_t scope, bool go, uint64_t id)
{
	uint64_t h = hash_u64(hash_u64(id) + ((uint64_t)scope << 1 | go));

	return h ? h : 1;
}

static void forget(struct tasks *ts, struct task *t)
{
	uint64_t hash = hash_of(t->scope, t->go, t->id);
	struct task *at = (struct task *)(uintptr_t)*u64map_get(&ts->by_hash, hash);

	if (at == t && !t->same) {
		u64map_del(&ts->by_hash, hash);
	} else if (at == t) {
		*u64map_get(&ts->by_hash, hash) = (uintptr_t)t->same;
	} else {
		while (at->same != t)
			at = at->same;
		at->same = t->same;
	}
	list_del(list_of(ts, t), t);
	free(t);
}

static void make_room(struct model *m)
{
	struct tasks *ts = &m->tasks;

	while (ts->ended.cnt > ENDED_MAX)
		forget(ts, ts->ended.last);
	while (ts->open.cnt > OPEN_MAX) {
		if (ts->open.last->state == TASK_OPEN &&
		    u64map_get(&ts->scopes, ts->open.last->scope))
			marks_count(m, MARK_COUNT_FORGOTTEN);
		forget(ts, ts->open.last);
	}
}

/* ---- finding ---- */

static struct task *find_in(struct tasks *ts, uint32_t scope, bool go, uint64_t id)
{
	uint64_t *slot = u64map_get(&ts->by_hash, hash_of(scope, go, id));
	struct task *t = slot ? (struct task *)(uintptr_t)*slot : NULL;

	while (t && (t->scope != scope || t->go != go || t->id != id))
		t = t->same;
	return t;
}

/* In the process, or in those that it was forked from. */
static struct task *find(struct tasks *ts, const struct proc *p, uint32_t scope, bool go,
			 uint64_t id)
{
	struct task *t = find_in(ts, scope, go, id);
	unsigned i;

	for (i = 0; !t && p && i < p->scope.ncestor; i++) {
		t = find_in(ts, p->scope.ancestor[i].nr, go, id);
		if (t && t->serial >= p->scope.ancestor[i].before)
			t = NULL;
	}
	return t;
}

static struct task *make(struct model *m, uint32_t scope, bool go, uint64_t id,
			 enum task_state state)
{
	struct tasks *ts = &m->tasks;
	struct task *t = xmalloc(sizeof(*t));
	uint64_t *slot = u64map_put(&ts->by_hash, hash_of(scope, go, id), NULL);

	*t = (struct task){
		.same = (struct task *)(uintptr_t)*slot,
		.id = id,
		.trace_id = ++ts->last_id,
		.serial = ++ts->serial,
		.scope = scope,
		.go = go,
		.state = state,
	};
	*slot = (uintptr_t)t;
	list_add(list_of(ts, t), t);
	make_room(m);
	return t;
}

static void set_state(struct model *m, struct task *t, enum task_state state)
{
	list_del(list_of(&m->tasks, t), t);
	t->state = state;
	list_add(list_of(&m->tasks, t), t);
	make_room(m);
}

static bool is_go(const struct ev_mark *ev)
{
	return EV_MARK_BY(ev->h.arg) == EV_BY_GO;
}

uint64_t tasks_id(struct model *m, const struct mark_at *at, const struct ev_mark *ev, uint64_t id)
{
	uint32_t scope;
	struct task *t;

	if (!id)
		return 0;
	scope = tasks_scope(m, at->proc);
	t = find(&m->tasks, at->proc, scope, is_go(ev), id);
	if (!t)
		t = make(m, scope, is_go(ev), id, TASK_BEFORE);
	else
		set_state(m, t, t->state); /* used last */
	return t->trace_id;
}

/* ---- begin and end ---- */

static void write_end(struct model *m, const struct mark_at *at, struct task *t)
{
	wire_ev(m, at->ts, at->stream, GO_EV_USER_TASK_END, t->trace_id, at->stack);
}

void tasks_begin(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	uint32_t scope = tasks_scope(m, at->proc);
	uint64_t parent;
	struct mark_text *name;
	struct task *t;

	if (!ev->task) {
		marks_count(m, MARK_COUNT_NONSENSE);
		return;
	}
	parent = ev->id == ev->task ? 0 : tasks_id(m, at, ev, ev->id);
	t = find_in(&m->tasks, scope, is_go(ev), ev->task);
	if (t && t->state == TASK_OPEN) {
		marks_count(m, MARK_COUNT_BEGUN_TWICE);
		write_end(m, at, t);
	}
	if (t && t->state != TASK_BEFORE) {
		forget(&m->tasks, t);
		t = NULL;
	}
	if (!t)
		t = make(m, scope, is_go(ev), ev->task, TASK_BEFORE);
	if (!m->live)
		return; /* readers will not know it */
	set_state(m, t, TASK_OPEN);
	marks_count(m, MARK_COUNT_TASKS);
	name = marks_name(m, ev);
	wire_ev(m, at->ts, at->stream, GO_EV_USER_TASK_BEGIN, t->trace_id, parent,
		marktext_string(m, name), at->stack);
	marktext_put(name);
}

void tasks_end(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	uint32_t scope = tasks_scope(m, at->proc);
	struct task *t;

	if (!ev->task) {
		marks_count(m, MARK_COUNT_NONSENSE);
		return;
	}
	t = find(&m->tasks, at->proc, scope, is_go(ev), ev->task);
	if (t ? t->scope != scope : at->proc && at->proc->scope.forked) {
		marks_count(m, MARK_COUNT_INHERITED);
		return;
	}
	if (t && t->state == TASK_ENDED) {
		marks_count(m, MARK_COUNT_ENDED_TWICE);
		return;
	}
	if (!t)
		t = make(m, scope, is_go(ev), ev->task, TASK_BEFORE);
	write_end(m, at, t);
	set_state(m, t, TASK_ENDED);
}

/* ---- processes ---- */

uint32_t tasks_scope(struct model *m, struct proc *p)
{
	if (!p)
		return 0; /* what is known of nobody */
	if (!p->scope.nr) {
		p->scope.nr = ++m->tasks.last_scope;
		u64map_put(&m->tasks.scopes, p->scope.nr, NULL);
	}
	return p->scope.nr;
}

void tasks_inherit(struct model *m, struct proc *child, struct proc *parent)
{
	const struct scope *from = &parent->scope;
	struct scope *to = &child->scope;
	unsigned i;

	tasks_end_scope(m, child); /* of who had its pid before */
	to->forked = true;
	if (!from->nr && !from->ncestor)
		return; /* no annotation yet: there is nothing to know */
	to->ancestor[0].nr = tasks_scope(m, parent);
	to->ancestor[0].before = m->tasks.serial + 1;
	for (i = 0; i < from->ncestor && i + 1 < SCOPE_ANCESTORS; i++)
		to->ancestor[i + 1] = from->ancestor[i];
	to->ncestor = (uint8_t)(i + 1);
}

void tasks_end_scope(struct model *m, struct proc *p)
{
	if (p->scope.go)
		goroutines_end(m, m->last_ts, p->scope.nr);
	if (p->scope.nr)
		u64map_del(&m->tasks.scopes, p->scope.nr);
	p->scope = (struct scope){ 0 };
}

void tasks_free(struct tasks *ts)
{
	while (ts->open.last)
		forget(ts, ts->open.last);
	while (ts->ended.last)
		forget(ts, ts->ended.last);
	u64map_free(&ts->by_hash);
	u64map_free(&ts->scopes);
}
