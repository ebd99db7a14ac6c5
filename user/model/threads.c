// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who there is: threads by key, the processes they belong to, the ids they have in the trace, and the records that
 * tell of birth, image, name and death.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "util/xalloc.h"

#define HUGE_GID (1ull << 48) /* from here on: tids that no Linux gives */

/* ---- ids ---- */

void model_new_gid(struct model *m, struct g_state *g, uint32_t tid)
{
	uint16_t **page;

	g->tid = tid;
	if (tid >= LIFETIME_STEP) {
		g->gid = HUGE_GID + m->huge_gid++;
		return;
	}
	page = &m->lifetimes[tid / LIFETIME_PAGE];
	if (!*page)
		*page = xcalloc(LIFETIME_PAGE, sizeof(**page));
	g->gid = tid + (*page)[tid % LIFETIME_PAGE]++ * LIFETIME_STEP;
}

/* ---- processes ---- */

struct proc *model_proc(struct model *m, uint32_t pid)
{
	uint64_t *slot = u64map_put(&m->procs, (uint64_t)pid + 1, NULL);
	struct proc *p = (struct proc *)(uintptr_t)*slot;

	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->pid = pid;
		*slot = (uintptr_t)p;
	}
	return p;
}

static void put_proc(struct model *m, struct proc *p)
{
	if (!p || --p->nthreads)
		return;
	u64map_del(&m->procs, (uint64_t)p->pid + 1);
	free(p->path);
	free(p);
}

void model_set_proc(struct model *m, struct g_state *g, uint32_t pid)
{
	struct proc *p = model_proc(m, pid);

	if (g->proc == p)
		return;
	p->nthreads++;
	put_proc(m, g->proc);
	g->proc = p;
}

static void set_path(struct proc *p, const char *path, size_t len)
{
	len = strnlen(path, len);
	if (!len || (p->path && strlen(p->path) == len && !memcmp(p->path, path, len)))
		return;
	free(p->path);
	p->path = xmalloc(len + 1);
	memcpy(p->path, path, len);
	p->path[len] = 0;
}

/* ---- threads ---- */

struct g_state *model_find(struct model *m, uint64_t key)
{
	uint64_t *slot = u64map_get(&m->by_key, key);

	return slot ? (struct g_state *)(uintptr_t)*slot : NULL;
}

void model_forget(struct model *m, struct g_state *g)
{
	uint64_t *owner = u64map_get(&m->by_m, g->stream.m + 1);

	names_settle(m, g);
	if (owner && *owner == (uintptr_t)g)
		u64map_del(&m->by_m, g->stream.m + 1);
	if (model_find(m, g->key) == g)
		u64map_del(&m->by_key, g->key);
	*g->link = g->next;
	if (g->next)
		g->next->link = g->link;
	put_proc(m, g->proc);
	free(g);
}

static struct p_state *idle_cpu(struct model *m)
{
	unsigned i;

	for (i = 0; i < m->ncpu; i++)
		if (m->cpu[i].online && !m->cpu[i].cur)
			return &m->cpu[i];
	return NULL;
}

/*
 * A tid came back, so the thread that had it is dead although no record said so. It is destroyed where a CPU is free
 * for the walk. Returns false when there is none: it then stays as it is, for ever.
 */
static bool destroy_stale(struct model *m, uint64_t ts, struct g_state *g)
{
	struct p_state *p;

	model_fix(m, REPAIR_TID_REUSED);
	if (g->life == G_NEW) {
		model_forget(m, g);
		return true;
	}
	p = g->p ? g->p : idle_cpu(m);
	if (!p)
		return false;
	g->pend = NR_NONE;
	g->synthetic = true;
	sched_in(m, ts, g, p);
	sched_destroy(m, ts, g);
	return true;
}

/*
 * The M of a new thread: its tid, so that the viewer's row says which thread it is. That M can still be another's: of a
 * thread that took its leader's tid by an exec, or of a dead one that could not be destroyed.
 */
static uint64_t choose_m(struct model *m, uint64_t ts, const struct g_state *g, uint32_t tid)
{
	uint64_t *slot = u64map_get(&m->by_m, (uint64_t)tid + 1);
	struct g_state *owner = slot ? (struct g_state *)(uintptr_t)*slot : NULL;

	if (!tid) /* a thread outside our pid namespace; M 0 is nobody's */
		return g->gid;
	if (owner && (owner->tid != tid || !destroy_stale(m, ts, owner)))
		return g->gid;
	return tid;
}

struct g_state *model_get(struct model *m, uint64_t ts, uint64_t key)
{
	struct g_state *g = model_find(m, key);
	uint32_t tid = (uint32_t)key;

	if (g || !key)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->key = key;
	g->nr = g->pend = g->last_nr = NR_NONE;
	model_new_gid(m, g, tid ? tid : UINT32_MAX);
	trace_stream_init(&g->stream, choose_m(m, ts, g, tid));
	g->next = m->threads;
	if (g->next)
		g->next->link = &g->next;
	g->link = &m->threads;
	m->threads = g;
	*u64map_put(&m->by_key, key, NULL) = (uintptr_t)g;
	*u64map_put(&m->by_m, g->stream.m + 1, NULL) = (uintptr_t)g;
	return g;
}

/* ---- records ---- */

void on_thread(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_thread *ev = (const struct ev_thread *)h;
	struct g_state *g = model_get(m, h->ts, ev->thr);

	(void)len;
	if (!g)
		return;
	model_set_proc(m, g, h->arg);
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
	uint32_t nr = EV_ST_NR(ev->st);
	struct p_state *p;
	struct g_state *g;

	on_thread(m, h, len);
	g = model_find(m, ev->t.thr);
	if (!g || m->live || g->life != G_NEW)
		return;
	if (nr == EV_NR_COMPAT)
		nr |= NR_COMPAT;
	else if (nr == EV_NR_NONE)
		nr = NR_NONE;
	nr = syscall_real_nr(g, nr);
	p = model_cpu(m, h->ts, h->cpu);
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
	g->pend = m->has_syscalls ? nr : NR_NONE;
	if (state == EV_ST_RUNNABLE) {
		g->life = G_RUNNABLE;
		return;
	}
	g->kstack = ev->kstack;
	g->reason = classify_sleep(state, nr, EV_ST_FDCLASS(ev->st), g->kthread);
	g->life = g->reason ? G_WAITING : G_BLOCKED;
	g->synthetic = nr == NR_NONE;
	g->nr = nr;
}

void on_fork(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_fork *ev = (const struct ev_fork *)h;
	struct g_state *child = model_get(m, h->ts, ev->child);
	struct g_state *parent = model_find(
		m, ev->parent); /* not before: the child may have its tid */
	struct p_state *p = model_cpu(m, h->ts, h->cpu);
	uint32_t nr = NR_NONE;

	(void)len;
	if (!child || child == parent || child->life != G_NEW || !p)
		return;
	if (parent && parent->proc && parent->proc->path && child->proc && !child->proc->path)
		set_path(child->proc, parent->proc->path, strlen(parent->proc->path));
	if (!parent || parent->life == G_NEW) {
		if (ev->parent)
			model_fix(m, REPAIR_FORK_ORPHAN);
		return; /* it comes into the trace when it runs */
	}
	sched_prove(m, h->ts, parent, p);
	if (parent->life == G_SYSCALL) {
		nr = parent->nr;
		syscall_end(m, h->ts, parent);
	}
	wire_go_create(m, h->ts, parent, child, names_root_stack(m, child),
		       names_sys_stack(m, parent, nr));
	child->life = G_RUNNABLE;
	child->seq = 0;
	if (nr != NR_NONE)
		syscall_begin(m, h->ts, parent, nr);
}

void on_exec(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_exec *ev = (const struct ev_exec *)h;
	struct g_state *g = model_get(m, h->ts, ev->thr);
	struct p_state *p = model_cpu(m, h->ts, h->cpu);
	uint32_t nr = NR_NONE, old_stack = 0;

	if (!g || !p)
		return;
	if (g->life != G_NEW) {
		sched_prove(m, h->ts, g, p);
		nr = g->life == G_SYSCALL ? g->nr : NR_NONE;
		old_stack = names_sys_stack(m, g, nr);
		if (nr != NR_NONE)
			syscall_end(m, h->ts, g);
		names_new_image(m, g);
		model_new_gid(m, g, ev->tid);
	}
	model_set_proc(m, g, h->arg);
	memcpy(g->comm, ev->comm, EV_COMM_LEN);
	memcpy(g->proc->comm, ev->comm, EV_COMM_LEN);
	set_path(g->proc, ev->path, len - EV_EXEC_SHORT);
	if (g->life == G_NEW)
		return;
	/* the G that is bound to the M is still the old one: it makes the new one and is gone */
	wire_go_create(m, h->ts, g, g, names_root_stack(m, g), old_stack);
	wire_ev(m, h->ts, &g->stream, GO_EV_GO_DESTROY);
	g->seq = 0;
	wire_go_start(m, h->ts, g);
	if (nr != NR_NONE)
		syscall_begin(m, h->ts, g, nr);
}

/* The thread still runs, and wakes who waits for it; its last switch is its end. */
void on_exit_(struct model *m, const struct ev_hdr *h, size_t len)
{
	struct g_state *g = model_find(m, ((const struct ev_exit *)h)->thr);

	(void)len;
	if (g)
		g->exiting = true;
}

void on_rename(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_rename *ev = (const struct ev_rename *)h;
	struct g_state *g = model_find(m, ev->thr);

	(void)len;
	if (!g)
		return;
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
	set_path(p, ev->path, len - EV_PROC_SHORT);
}
