// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames, stacks and the names of threads.
 *
 * Viewers name a goroutine for good by the outermost frame of the first stack it shows, and group by it. So every
 * stack of a thread ends in one synthetic frame, and its text is decided late, when the generation closes:
 * at its creation a thread still has its creator's name. A rename after that is a label.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "model/state.h"
#include "util/xalloc.h"

#define KERNEL_FILE "[kernel]"
#define STACK_MAX (EV_KSTACK_MAX + 2)

static uint32_t kernel_frame(struct model *m, const char *func)
{
	return trace_writer__frame(m->w, func, KERNEL_FILE, 1);
}

void names_init(struct model *m)
{
	m->frame_fault = kernel_frame(m, "[page fault]");
	m->frame_irq = kernel_frame(m, "[interrupt]");
	m->frame_timer = kernel_frame(m, "[timer]");
	m->frame_other = kernel_frame(m, "[other process]");
	m->frame_unknown = kernel_frame(m, "[unknown waker]");
	m->frame_blocked = kernel_frame(m, "[blocked]");
}

/* ---- names ---- */

/* worker-12 and worker-7 become worker-# */
static void group_digits(char *name)
{
	size_t end = strlen(name), begin = end;

	while (begin && isdigit((unsigned char)name[begin - 1]))
		begin--;
	if (begin && begin < end)
		strcpy(name + begin, "#");
}

/* process/thread where several processes are recorded and the two differ */
static void thread_name(const struct model *m, const struct g_state *g, char *out, size_t sz)
{
	char comm[EV_COMM_LEN + 1], proc[EV_COMM_LEN + 1];
	const char *prefix = "", *slash = "";

	snprintf(comm, sizeof(comm), "%.*s", EV_COMM_LEN, g->comm);
	snprintf(proc, sizeof(proc), "%.*s", EV_COMM_LEN, g->proc ? g->proc->comm : "");
	if (m->opts.group_digits)
		group_digits(comm);
	if (m->many && proc[0] && strcmp(proc, g->comm)) {
		prefix = proc;
		slash = "/";
	}
	if (!comm[0])
		snprintf(comm, sizeof(comm), "tid %u", g->tid);
	snprintf(out, sz, "%s%s%s", prefix, slash, comm);
	if (!strncmp(out, "runtime.", 8)) /* viewers would take it for a part of Go and hide it */
		snprintf(out, sz, "thread %s%s%s", prefix, slash, comm);
}

static uint32_t root_frame(struct model *m, struct g_state *g)
{
	if (!g->root) {
		g->root = trace_writer__late_frame(m->w);
		g->late = true;
		g->next_late = m->late;
		m->late = g;
	}
	return g->root;
}

static void settle(struct model *m, struct g_state *g)
{
	char name[3 * EV_COMM_LEN];
	uint32_t frame;

	thread_name(m, g, name, sizeof(name));
	frame = trace_writer__frame(m->w, name, g->proc && g->proc->path ? g->proc->path : "?", 1);
	trace_writer__settle(m->w, g->root, frame);
	g->root = frame;
	g->late = false;
}

void names_settle_all(struct model *m)
{
	struct g_state *g;

	while ((g = m->late)) {
		m->late = g->next_late;
		settle(m, g);
	}
}

void names_settle(struct model *m, struct g_state *g)
{
	struct g_state **at;

	if (!g->late)
		return;
	for (at = &m->late; *at != g; at = &(*at)->next_late)
		;
	*at = g->next_late;
	settle(m, g);
}

void names_new_image(struct model *m, struct g_state *g)
{
	names_settle(m, g);
	g->root = 0;
	g->label = false;
	g->cache.gen = 0;
}

void names_renamed(struct model *m, struct g_state *g, const char *comm)
{
	if (!strncmp(g->comm, comm, EV_COMM_LEN))
		return;
	memcpy(g->comm, comm, EV_COMM_LEN);
	if (g->proc && g->proc->pid == g->tid)
		memcpy(g->proc->comm, comm, EV_COMM_LEN);
	g->label = m->live && g->root && !g->late;
}

void names_label(struct model *m, uint64_t ts, struct g_state *g)
{
	char name[EV_COMM_LEN + 1];

	if (!g->label)
		return;
	g->label = false;
	snprintf(name, sizeof(name), "%.*s", EV_COMM_LEN, g->comm);
	if (name[0])
		wire_ev(m, ts, &g->stream, GO_EV_GO_LABEL, wire_string(m, name));
}

/* ---- stacks ---- */

static struct syscall_cache *cache_of(struct model *m, struct g_state *g)
{
	uint64_t gen = trace_writer__gen(m->w);

	if (g->cache.gen != gen) {
		memset(&g->cache, 0, sizeof(g->cache));
		g->cache.gen = gen;
	}
	return &g->cache;
}

static uint32_t stack_on_root(struct model *m, struct g_state *g, uint32_t leaf)
{
	uint32_t frames[2] = { leaf, root_frame(m, g) };

	return leaf ? trace_writer__stack(m->w, frames, 2) :
		      trace_writer__stack(m->w, frames + 1, 1);
}

uint32_t names_root_stack(struct model *m, struct g_state *g)
{
	struct syscall_cache *c;

	if (!m->live)
		return 0;
	c = cache_of(m, g);
	if (!c->root)
		c->root = stack_on_root(m, g, 0);
	return c->root;
}

static uint32_t syscall_frame(struct model *m, uint32_t nr)
{
	bool fresh;
	uint64_t *frame = u64map_put(&m->sys_frames, (uint64_t)nr + 1, &fresh);
	const char *name = syscall_name(nr);
	char text[64];

	if (!fresh)
		return (uint32_t)*frame;
	if (name)
		snprintf(text, sizeof(text), "sys_%s", name);
	else if (nr == (NR_COMPAT | EV_NR_COMPAT))
		snprintf(text, sizeof(text), "sys_ia32");
	else if (nr & NR_COMPAT)
		snprintf(text, sizeof(text), "sys_ia32_%u", nr & 0xffff);
	else
		snprintf(text, sizeof(text), "sys_%u", nr);
	return (uint32_t)(*frame = kernel_frame(m, text));
}

uint32_t names_sys_stack(struct model *m, struct g_state *g, uint32_t nr)
{
	struct syscall_cache *c;
	unsigned i = nr % SYSCACHE;

	if (!m->live)
		return 0;
	if (nr == NR_NONE || m->no_names)
		return names_root_stack(m, g);
	c = cache_of(m, g);
	if (!c->stack[i] || c->nr[i] != nr) {
		c->stack[i] = stack_on_root(m, g, syscall_frame(m, nr));
		c->nr[i] = nr;
	}
	return c->stack[i];
}

/* Is this the machinery of going to sleep and of observing it, the same in every stack? */
static bool is_noise(const char *func)
{
	static const char *const starts[] = { "bpf_",	    "__bpf_",	"__traceiter_",
					      "__schedule", "schedule", "preempt_schedule",
					      "0x" };
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(func, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* Frames of the kernel stack from the first one that explains the wait; returns how many. */
static size_t kernel_frames(struct model *m, uint32_t id, uint32_t *out)
{
	const struct kstack *ks = &m->kstack[id % KSTACKS];
	char text[32];
	uint64_t *sym;
	size_t i, n = 0;

	if (!id || ks->id != id)
		return 0;
	for (i = 0; i < ks->cnt; i++) {
		sym = u64map_get(&m->ksyms, ks->pc[i]);
		if (sym && !*sym && !n)
			continue; /* noise, see on_ksym */
		if (sym && *sym) {
			out[n++] = (uint32_t)*sym;
			continue;
		}
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)ks->pc[i]);
		out[n++] = kernel_frame(m, text);
	}
	return n;
}

uint32_t names_wait_stack(struct model *m, struct g_state *g, uint32_t nr)
{
	uint32_t frames[STACK_MAX];
	size_t n;

	if (!m->live)
		return 0;
	if (nr != NR_NONE && !m->no_names)
		return names_sys_stack(m, g, nr);
	n = kernel_frames(m, g->kstack, frames);
	if (!n && nr != NR_NONE)
		frames[n++] = m->frame_blocked;
	else if (!n && !g->reason)
		frames[n++] = m->frame_fault;
	frames[n++] = root_frame(m, g);
	return trace_writer__stack(m->w, frames, n);
}

uint32_t names_frame_stack(struct model *m, uint32_t frame)
{
	return m->live ? trace_writer__stack(m->w, &frame, 1) : 0;
}

/* ---- records ---- */

void on_stack(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_stack *ev = (const struct ev_stack *)h;
	struct kstack *ks = &m->kstack[h->arg % KSTACKS];
	size_t room = (len - EV_STACK_SHORT) / sizeof(ev->pc[0]);

	ks->id = h->arg;
	ks->cnt = ev->nkernel < room ? ev->nkernel : (uint32_t)room;
	memcpy(ks->pc, ev->pc, ks->cnt * sizeof(ev->pc[0]));
}

void on_ksym(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_ksym *ev = (const struct ev_ksym *)h;
	char name[sizeof(ev->name) + 1];

	snprintf(name, sizeof(name), "%.*s", (int)(len - EV_KSYM_SHORT), ev->name);
	if (ev->addr && name[0])
		*u64map_put(&m->ksyms, ev->addr, NULL) = is_noise(name) ? 0 : kernel_frame(m, name);
}
