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
#include "util/xalloc.h"

#define OPEN_MAX 65536
#define ENDED_MAX 16384

enum task_state {
	TASK_OPEN,
	TASK_BEFORE, /* named by an annotation; it began before the recording, or in what was lost */
	TASK_ENDED,
};

struct task {
	struct aged aged; /* id: the process's; scope: see key_scope() */
	uint64_t trace_id;
	uint64_t serial;
	uint32_t scope;
	enum task_state state;
	uint32_t triggers;	/* that wait for its end, as bits */
	struct mark_text *name; /* where there are some; NULL */
	uint64_t begin_ts;
};

/* ---- remembering and forgetting ---- */

/* Go numbers its tasks apart from those of ctrace.h in the same process. */
static uint64_t key_scope(uint32_t scope, bool go)
{
	return (uint64_t)scope << 1 | go;
}

static struct aged_list *list_of(struct tasks *ts, enum task_state state)
{
	return state == TASK_ENDED ? &ts->ended : &ts->open;
}

static void forget(struct tasks *ts, struct task *t)
{
	aged_del(&ts->known, &t->aged);
	marktext_put(t->name);
	free(t);
}

static struct task *oldest(const struct aged_list *l)
{
	return (struct task *)l->last;
}

static void make_room(struct model *m)
{
	struct tasks *ts = &m->tasks;

	while (ts->ended.cnt > ENDED_MAX)
		forget(ts, oldest(&ts->ended));
	while (ts->open.cnt > OPEN_MAX) {
		struct task *t = oldest(&ts->open);

		if (t->state == TASK_OPEN && u64map_get(&ts->scopes, t->scope))
			marks_count(m, MARK_COUNT_FORGOTTEN);
		forget(ts, t);
	}
}

/* ---- finding ---- */

static struct task *find_in(struct tasks *ts, uint32_t scope, bool go, uint64_t id)
{
	return (struct task *)aged_find(&ts->known, key_scope(scope, go), id);
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

	*t = (struct task){
		.aged = { .scope = key_scope(scope, go), .id = id },
		.trace_id = ++ts->last_id,
		.serial = ++ts->serial,
		.scope = scope,
		.state = state,
	};
	aged_add(&ts->known, list_of(ts, state), &t->aged);
	make_room(m);
	return t;
}

static void set_state(struct model *m, struct task *t, enum task_state state)
{
	t->state = state;
	aged_use(list_of(&m->tasks, state), &t->aged);
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
	t->begin_ts = at->said_ts;
	t->triggers = triggers_of_task(m, name);
	if (t->triggers)
		t->name = marktext_hold(name);
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
	if (t->triggers)
		triggers_task(m, at, t->triggers, t->name, t->begin_ts);
	t->triggers = 0;
	set_state(m, t, TASK_ENDED);
}

/* A task is met once. */
void tasks_look(struct model *m, uint64_t ts)
{
	struct aged *a;
	struct task *t;

	for (a = m->tasks.open.first; a; a = a->next) {
		t = (struct task *)a;
		if (t->triggers && triggers_open_task(m, ts, t->triggers, t->name, t->begin_ts))
			t->triggers = 0;
	}
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
	while (ts->open.cnt)
		forget(ts, oldest(&ts->open));
	while (ts->ended.cnt)
		forget(ts, oldest(&ts->ended));
	aged_free(&ts->known);
	u64map_free(&ts->scopes);
}
