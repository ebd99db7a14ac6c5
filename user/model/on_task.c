// SPDX-License-Identifier: BSD-2-Clause
/* Records of threads and processes: birth, first state, image, name, death; and the memory they
 * have. */
#include <stdlib.h>
#include <string.h>

#include "event/evspec.h"
#include "model/state.h"

#define HEAP_GOAL_MAX (1ull << 50) /* readers take more for "no limit" and show 0 */

void on_thread(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_thread *ev = (const struct ev_thread *)h;
	struct g_state *g = thread_get(m, h->ts, ev->thr);

	(void)len;
	if (!g)
		return;
	table_set_proc(m, g, h->arg);
	g->kthread = h->flags & EVF_KTHREAD;
	memcpy(g->comm, ev->comm, EV_COMM_LEN);
	if (h->arg == g->tid)
		memcpy(g->proc->comm, ev->comm, EV_COMM_LEN);
}

/* What the iterator saw, for a thread that no record has told of yet. */
void on_snap(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_snap *ev = (const struct ev_snap *)h;
	uint8_t state = EV_ST_STATE(ev->st);
	struct p_state *p;
	uint32_t nr;
	struct g_state *g;

	on_thread(m, h, len);
	g = table_find(m, ev->t.thr);
	if (!g || m->live || g->life != G_NEW)
		return;
	nr = syscall_real_nr(g, EV_ST_NR(ev->st));
	p = table_cpu(m, h->ts, h->cpu);
	if (h->flags & EVF_ONCPU) {
		if (!p || p->cur) {
			g->life = G_RUNNABLE;
			return;
		}
		g->life = G_RUNNING;
		g->p = p;
		p->cur = g;
		return;
	}
	g->pend = m->has_syscalls ? nr : EV_NR_NONE;
	if (state == EV_ST_RUNNABLE) {
		g->life = G_RUNNABLE;
		return;
	}
	kept_hold(&g->stack, kept_find(&m->kept, ev->stack));
	g->reason = classify_sleep(state, nr, EV_ST_FDCLASS(ev->st), g->kthread);
	g->life = g->reason ? G_WAITING : G_BLOCKED;
	g->synthetic = nr == EV_NR_NONE || !m->has_syscalls;
	g->nr = nr;
}

/* A new process runs what its parent runs, whoever had its pid before. */
static void inherit_image(struct model *m, struct g_state *child, const struct g_state *parent)
{
	struct proc *to = child->proc, *from = parent ? parent->proc : NULL;

	if (from && to && from != to && to->pid == child->tid)
		tasks_inherit(m, to, from);
	if (from && to && from != to && from->path && (!to->path || to->pid == child->tid))
		table_set_path(to, from->path, strlen(from->path));
}

void on_fork(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_fork *ev = (const struct ev_fork *)h;
	struct g_state *child = thread_get(m, h->ts, ev->child);
	struct g_state *parent = table_find(
		m, ev->parent); /* not before: the child may have its tid */
	struct kept_stack *st = kept_find(&m->kept, ev_stack_id(h, len));
	struct p_state *p = table_cpu(m, h->ts, h->cpu);
	uint32_t nr = EV_NR_NONE;

	if (!child || child == parent || child->life != G_NEW || !p)
		return;
	inherit_image(m, child, parent);
	if (!parent || parent->life == G_NEW) {
		if (ev->parent)
			model_fix(m, REPAIR_FORK_ORPHAN);
		if (!m->live) /* the snapshot has not come to its parent */
			child->life = G_RUNNABLE;
		return; /* it comes into the trace when it runs */
	}
	sched_prove(m, h->ts, parent, p);
	if (parent->life == G_SYSCALL) {
		nr = parent->nr;
		syscall_end(m, h->ts, parent);
		if (st)
			kept_hold(&parent->stack, st);
		st = parent->stack;
	}
	wire_go_create(m, h->ts, parent, child, stacks_root(m, child),
		       stacks_of(m, parent, nr, st, STACK_FULL));
	child->life = G_RUNNABLE;
	child->ready_ts = h->ts;
	child->seq = 0;
	if (nr != EV_NR_NONE)
		syscall_begin(m, h->ts, parent, nr);
}

void on_exec(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_exec *ev = (const struct ev_exec *)h;
	struct g_state *g = thread_get(m, h->ts, ev->thr);
	struct p_state *p = table_cpu(m, h->ts, h->cpu);
	uint32_t nr = EV_NR_NONE, old_stack = 0;

	if (!g || !p)
		return;
	if (g->life != G_NEW) {
		sched_prove(m, h->ts, g, p);
		nr = g->life == G_SYSCALL ? g->nr : EV_NR_NONE;
		old_stack = stacks_of(m, g, nr, nr != EV_NR_NONE ? g->stack : NULL, STACK_CALL);
		kept_hold(&g->stack, NULL); /* of the old image */
		if (nr != EV_NR_NONE)
			syscall_end(m, h->ts, g);
		names_new_image(m, g);
		table_new_gid(m, g, ev->tid);
	} else if (g->tid != ev->tid) {
		table_new_gid(m, g, ev->tid); /* it came while the exec was under way */
	}
	table_set_proc(m, g, h->arg);
	tasks_end_scope(m, g->proc);
	regions_over(m, &g->regions);
	g->early = false;
	memcpy(g->comm, ev->comm, EV_COMM_LEN);
	memcpy(g->proc->comm, ev->comm, EV_COMM_LEN);
	table_set_path(g->proc, ev->path, len - EV_EXEC_SHORT);
	g->kthread = false; /* the kernel starts programs in threads of its own */
	if (g->life == G_NEW) {
		sched_prove(m, h->ts, g, p);
		return;
	}
	/* the G that is bound to the M is still the old one: it makes the new one and is gone */
	wire_go_create(m, h->ts, g, g, stacks_root(m, g), old_stack);
	wire_ev(m, h->ts, &g->stream, GO_EV_GO_DESTROY);
	g->seq = 0;
	wire_go_start(m, h->ts, g);
	if (nr != EV_NR_NONE)
		syscall_begin(m, h->ts, g, nr);
}

/* The thread still runs, and wakes who waits for it; its last switch is its end. */
void on_exit_(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_exit *ev = (const struct ev_exit *)h;
	struct g_state *g = thread_get(m, h->ts, ev->thr);
	struct p_state *p = table_cpu(m, h->ts, h->cpu);

	if (!g || !p)
		return;
	sched_prove(m, h->ts, g, p);
	if (len <= EV_EXIT_SHORT || !ev->group || !g->proc || g->proc->end_told)
		return;
	g->proc->end_told = true; /* its other threads tell the same */
	if (m->triggers.of[TRIGGER_SIGNAL] | m->triggers.of[TRIGGER_EXIT])
		triggers_exit(m, h->ts, g, ev->code);
}

/* Its threads end here, those that run first: that makes room for the others. */
void on_leave(struct model *m, const struct ev_hdr *h, size_t len)
{
	struct g_state *g, *next;
	int pass;

	(void)len;
	if (!u64map_get(&m->procs, (uint64_t)h->arg + 1))
		return;
	for (pass = 0; pass < 2; pass++) {
		for (g = m->threads; g; g = next) {
			next = g->next;
			if (!g->proc || g->proc->pid != h->arg || (!pass && !g->p))
				continue;
			if (g_is_asleep(g))
				sched_unblock(m, h->ts, g, 0, 0, m->frame_other, NULL);
			sched_vanish(m, h->ts, g);
		}
	}
}

void on_rename(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_rename *ev = (const struct ev_rename *)h;
	struct g_state *g = table_find(m, ev->thr);

	(void)len;
	if (!g)
		return;
	if (h->flags & EVF_EXEC) {
		names_settle(m, g); /* the G that ends keeps its name; the exec's record brings the
				       new one */
		return;
	}
	names_renamed(m, g, ev->comm);
	if (g->p)
		names_label(m, h->ts, g);
}

void on_proc(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_proc *ev = (const struct ev_proc *)h;
	uint64_t *slot = u64map_get(&m->procs, (uint64_t)h->arg + 1);
	struct proc *p = slot ? (struct proc *)(uintptr_t)*slot : NULL;

	if (!p)
		return; /* none of its threads is known */
	memcpy(p->comm, ev->comm, EV_COMM_LEN);
	table_set_path(p, ev->path, len - EV_PROC_SHORT);
}

void on_metric(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_metric_rec *ev = (const struct ev_metric_rec *)h;

	(void)len;
	if (h->arg == EV_METRIC_RSS) {
		m->rss = ev->value;
		m->rss_new = true;
	} else if (h->arg == EV_METRIC_LIMIT && ev->value && ev->value < HEAP_GOAL_MAX) {
		m->limit = ev->value;
		m->limit_new = true;
	}
}
