// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames and stacks: what a thread does as one frame (sys_NAME, a stand-in for a waker that is no
 * thread of ours, the kernel's own functions) on top of the frame that carries its name, see
 * names.c.
 *
 * Frames of the kernel are there for the whole trace: there are as many as functions and syscalls.
 * Stacks are made in each generation again; what a thread uses often is remembered with it.
 */
#include <stdio.h>
#include <string.h>

#include "model/state.h"

#define KERNEL_FILE "[kernel]"
#define STACK_MAX (EV_KSTACK_MAX + 2)

static uint32_t kernel_frame(struct model *m, const char *func)
{
	return trace_writer__frame(m->w, func, KERNEL_FILE, 1);
}

void stacks_init(struct model *m)
{
	m->frame_fault = kernel_frame(m, "[page fault]");
	m->frame_irq = kernel_frame(m, "[interrupt]");
	m->frame_timer = kernel_frame(m, "[timer]");
	m->frame_other = kernel_frame(m, "[other process]");
	m->frame_unknown = kernel_frame(m, "[unknown waker]");
	m->frame_blocked = kernel_frame(m, "[blocked]");
}

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
	uint32_t frames[2] = { leaf, names_frame(m, g) };

	return leaf ? trace_writer__stack(m->w, frames, 2) :
		      trace_writer__stack(m->w, frames + 1, 1);
}

uint32_t stacks_root(struct model *m, struct g_state *g)
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
	else if (nr & EV_NR_COMPAT)
		snprintf(text, sizeof(text), "sys_ia32_%u", nr & ~EV_NR_COMPAT);
	else if (nr == EV_NR_BAD)
		snprintf(text, sizeof(text), "sys_unknown");
	else
		snprintf(text, sizeof(text), "sys_%u", nr);
	return (uint32_t)(*frame = kernel_frame(m, text));
}

uint32_t stacks_sys(struct model *m, struct g_state *g, uint32_t nr)
{
	struct syscall_cache *c;
	unsigned i = nr % SYSCACHE;

	if (!m->live)
		return 0;
	if (nr == EV_NR_NONE || m->no_names)
		return stacks_root(m, g);
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

uint32_t stacks_wait(struct model *m, struct g_state *g, uint32_t nr)
{
	uint32_t frames[STACK_MAX];
	size_t n;

	if (!m->live)
		return 0;
	if (nr != EV_NR_NONE && !m->no_names)
		return stacks_sys(m, g, nr);
	n = kernel_frames(m, g->kstack, frames);
	if (!n && nr != EV_NR_NONE)
		frames[n++] = m->frame_blocked;
	else if (!n && !g->reason)
		frames[n++] = m->frame_fault;
	frames[n++] = names_frame(m, g);
	return trace_writer__stack(m->w, frames, n);
}

uint32_t stacks_of_frame(struct model *m, uint32_t frame)
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
