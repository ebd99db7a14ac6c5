// SPDX-License-Identifier: BSD-2-Clause
/* Who there is: threads by key, the processes they belong to, the ids they have in the trace, the
 * CPUs. */
#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "util/xalloc.h"

#define HUGE_GID (1ull << 48) /* from here on: tids that no Linux gives */

/* ---- ids ---- */

/* How often the tid was used before, counting this time; -1 when it is no tid of Linux, or came
 * back too often. */
static int64_t count_lifetime(struct model *m, uint32_t tid)
{
	uint16_t **page;

	if (!tid || tid == GO_M || tid >= LIFETIME_STEP)
		return -1;
	page = &m->lifetimes[tid / LIFETIME_PAGE];
	if (!*page)
		*page = xcalloc(LIFETIME_PAGE, sizeof(**page));
	if ((*page)[tid % LIFETIME_PAGE] == UINT16_MAX)
		return -1;
	return (*page)[tid % LIFETIME_PAGE]++;
}

void table_new_gid(struct model *m, struct g_state *g, uint32_t tid)
{
	int64_t n = count_lifetime(m, tid);

	g->tid = tid;
	g->gid = n < 0 ? HUGE_GID + m->huge_gid++ : tid + (uint64_t)n * LIFETIME_STEP;
}

/* ---- processes ---- */

struct proc *table_proc(struct model *m, uint32_t pid)
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
	tasks_end_scope(m, p);
	u64map_del(&m->procs, (uint64_t)p->pid + 1);
	free(p->path);
	free(p);
}

void table_set_proc(struct model *m, struct g_state *g, uint32_t pid)
{
	struct proc *p = table_proc(m, pid);

	if (g->proc == p)
		return;
	p->nthreads++;
	put_proc(m, g->proc);
	g->proc = p;
}

void table_set_path(struct proc *p, const char *path, size_t len)
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

struct g_state *table_find(struct model *m, uint64_t key)
{
	uint64_t *slot = u64map_get(&m->by_key, key);

	return slot ? (struct g_state *)(uintptr_t)*slot : NULL;
}

void table_forget(struct model *m, struct g_state *g)
{
	uint64_t *owner = u64map_get(&m->by_m, g->stream.m + 1);

	names_settle(m, g);
	marks_forget(m, g);
	if (owner && *owner == (uintptr_t)g)
		u64map_del(&m->by_m, g->stream.m + 1);
	if (table_find(m, g->key) == g)
		u64map_del(&m->by_key, g->key);
	*g->link = g->next;
	if (g->next)
		g->next->link = g->link;
	put_proc(m, g->proc);
	kept_hold(&g->stack, NULL);
	kept_hold(&g->wake_stack, NULL);
	free(g);
}

/* ---- CPUs ---- */

/* Growing moves the array; the threads on CPUs follow. */
static void grow_cpus(struct model *m, unsigned n)
{
	unsigned i;

	m->cpu = xrealloc(m->cpu, n * sizeof(*m->cpu));
	memset(m->cpu + m->ncpu, 0, (n - m->ncpu) * sizeof(*m->cpu));
	for (i = 0; i < m->ncpu; i++)
		if (m->cpu[i].cur)
			m->cpu[i].cur->p = &m->cpu[i];
	m->ncpu = n;
}

struct p_state *table_cpu(struct model *m, uint64_t ts, unsigned cpu)
{
	if (cpu >= CPU_MAX) {
		model_fix(m, REPAIR_BAD_RECORD);
		return NULL;
	}
	if (cpu >= m->ncpu)
		grow_cpus(m, cpu + 1);
	if (!m->cpu[cpu].online) {
		m->cpu[cpu].online = true;
		wire_proc_status(m, ts, &m->cpu[cpu]);
	}
	return &m->cpu[cpu];
}

struct p_state *table_idle_cpu(struct model *m)
{
	unsigned i;

	for (i = 0; i < m->ncpu; i++)
		if (m->cpu[i].online && !m->cpu[i].cur)
			return &m->cpu[i];
	return NULL;
}
