// SPDX-License-Identifier: BSD-2-Clause
/*
 * Stacks, leaf first:
 *
 *	functions of the kernel, without the machinery of sleeping and of observing it
 *	sys_NAME, or what stands for it ([page fault]; for a waker that is no thread of ours
 *	  [interrupt], [timer] …, which are all there is then)
 *	user frames
 *	the name of the thread, by which viewers group; see names.c
 *
 * Frames of the kernel are there for the whole trace: there are as many as functions and syscalls.
 * User frames are addresses, which the encoder makes functions of. Stacks are made in each
 * generation again. An event costs one look into the cache of its thread where that has met the
 * stack lately; else the handles of the frames, which the stack remembers, are hashed.
 */
#include <stdio.h>
#include <string.h>

#include "gotrace/stacktab.h"
#include "model/state.h"
#include "model/walkend.h"
#include "util/hash.h"

#define KERNEL_FILE "[kernel]"
#define FRAMES_MAX (EV_KSTACK_MAX + EV_USTACK_MAX + 3) /* with a syscall, an early end and a name */
_Static_assert(FRAMES_MAX <= STACK_HANDLES_MAX, "no stack is cut before it is written");

/* Beside the frame of a kernel address. */
#define KSYM_ENTRY (1ull << 32) /* the way into the kernel, for which sys_NAME stands */
#define KSYM_NOISE (1ull << 33) /* the machinery, see is_noise() */

static uint32_t kernel_frame(struct model *m, const char *func)
{
	return trace_writer__frame(m->w, func, KERNEL_FILE, 1);
}

void stacks_init(struct model *m)
{
	unsigned i;

	m->frame_fault = kernel_frame(m, "[page fault]");
	m->frame_irq = kernel_frame(m, "[interrupt]");
	m->frame_timer = kernel_frame(m, "[timer]");
	m->frame_other = kernel_frame(m, "[other process]");
	m->frame_unknown = kernel_frame(m, "[unknown waker]");
	m->frame_blocked = kernel_frame(m, "[blocked]");
	m->frame_mark = kernel_frame(m, "[annotation]");
	for (i = 0; i < EV_END_MAX; i++)
		if (walkend_class(i) >= WALKEND_CUT)
			m->frame_end[i] = trace_writer__frame(
				m->w, walkend_class(i) == WALKEND_CUT ? "[cut]" : "[broken]",
				walkend_words(i), 1);
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

static bool starts_with_one_of(const char *func, const char *const *starts, size_t cnt)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		if (!strncmp(func, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* Is this the machinery of going to sleep and of observing it, the same in every stack? */
static bool is_noise(const char *func)
{
	static const char *const starts[] = { "bpf_",	    "__bpf_",	"__traceiter_",
					      "__schedule", "schedule", "preempt_schedule",
					      "0x" };

	return starts_with_one_of(func, starts, sizeof(starts) / sizeof(starts[0]));
}

/* Is this how a syscall comes into the kernel? */
static bool is_entry(const char *func)
{
	static const char *const starts[] = { "entry_SYSCALL", "do_syscall_64", "x64_sys_call",
					      "__x64_sys_",    "__ia32_",	"__se_sys_",
					      "__do_sys_" };

	return starts_with_one_of(func, starts, sizeof(starts) / sizeof(starts[0]));
}

static uint32_t kernel_address(struct model *m, uint64_t pc)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)pc);
	return kernel_frame(m, text);
}

/*
 * Where a stack begins to tell something: what is noise or has no name is passed over as long as a
 * function follows. Without one the addresses stay, behind the noise.
 */
static size_t first_frame(struct model *m, const struct kept_stack *st)
{
	size_t i, first = st->nkernel;
	uint64_t *sym;

	for (i = 0; i < st->nkernel; i++) {
		sym = u64map_get(&m->ksyms, st->pc[i]);
		if (sym && !(*sym & KSYM_NOISE))
			return i;
		if (!sym && first == st->nkernel)
			first = i;
	}
	return first;
}

/* Frames of the kernel from the first one that explains where it is, to the last one that a syscall
 * of which there is a frame does not; returns how many. */
static size_t kernel_frames(struct model *m, const struct kept_stack *st, bool in_syscall,
			    uint32_t *out)
{
	size_t i, n = 0, keep = 0;
	uint64_t *sym;

	for (i = first_frame(m, st); i < st->nkernel; i++) {
		sym = u64map_get(&m->ksyms, st->pc[i]);
		out[n++] = sym ? (uint32_t)*sym : kernel_address(m, st->pc[i]);
		if (!in_syscall || !sym || !(*sym & KSYM_ENTRY))
			keep = n;
	}
	return keep;
}

static size_t user_frames(struct model *m, struct kept_stack *st, uint32_t *out)
{
	uint64_t gen = trace_writer__gen(m->w);
	size_t i;

	if (st->gen != gen) {
		st->gen = gen;
		for (i = 0; i < st->nuser; i++)
			st->handle[i] = trace_writer__addr_frame(m->w, st->pc[st->nkernel + i]);
	}
	memcpy(out, st->handle, st->nuser * sizeof(*out));
	return st->nuser;
}

/* The user half; where it ends early, with a frame that says so. Returns how many. */
static size_t user_half(struct model *m, struct kept_stack *st, uint32_t *out)
{
	size_t n = user_frames(m, st, out);

	if (st->end < EV_END_MAX && m->frame_end[st->end])
		out[n++] = m->frame_end[st->end];
	return n;
}

static uint32_t make_stack(struct model *m, struct g_state *g, uint32_t nr, struct kept_stack *st,
			   enum stack_shape shape)
{
	bool in_syscall = nr != EV_NR_NONE && !m->no_names;
	uint32_t frames[FRAMES_MAX];
	size_t n = 0;

	if (st && shape != STACK_CALL)
		n = kernel_frames(m, st, in_syscall, frames);
	if (in_syscall)
		frames[n++] = syscall_frame(m, nr);
	else if (!n && shape == STACK_FAULT)
		frames[n++] = m->frame_fault;
	else if (!n && shape == STACK_BLOCKED)
		frames[n++] = m->frame_blocked;
	if (st)
		n += user_half(m, st, frames + n);
	frames[n++] = names_frame(m, g);
	return trace_writer__stack(m->w, frames, n);
}

/* What a stack is made from, in one word that is not 0. */
static uint64_t key_of(uint32_t nr, const struct kept_stack *st, enum stack_shape shape)
{
	return (st ? st->serial : 0) << 20 | (uint64_t)shape << 16 | (nr & EV_NR_NONE);
}

static struct stack_cache *cache_of(struct model *m, struct g_state *g)
{
	struct stack_cache *c = &g->cache;
	uint64_t gen = trace_writer__gen(m->w);

	if (c->gen != gen || c->version != m->stack_version) {
		memset(c, 0, sizeof(*c));
		c->gen = gen;
		c->version = m->stack_version;
	}
	return c;
}

uint32_t stacks_of(struct model *m, struct g_state *g, uint32_t nr, struct kept_stack *st,
		   enum stack_shape shape)
{
	struct stack_cache *c;
	uint64_t key;
	unsigned i;

	if (!m->live)
		return 0;
	c = cache_of(m, g);
	key = key_of(nr, st, shape);
	i = (unsigned)(hash_u64(key) >> 8) % STACK_CACHE;
	if (c->key[i] != key) {
		c->key[i] = key;
		c->stack[i] = make_stack(m, g, nr, st, shape);
	}
	return c->stack[i];
}

uint32_t stacks_root(struct model *m, struct g_state *g)
{
	return stacks_of(m, g, EV_NR_NONE, NULL, STACK_CALL);
}

uint32_t stacks_wait(struct model *m, struct g_state *g, uint32_t nr)
{
	enum stack_shape shape = STACK_FULL;

	if (nr != EV_NR_NONE)
		shape = STACK_BLOCKED;
	else if (!g->reason)
		shape = STACK_FAULT;
	return stacks_of(m, g, nr, g->stack, shape);
}

uint32_t stacks_of_frame(struct model *m, uint32_t frame)
{
	return m->live ? trace_writer__stack(m->w, &frame, 1) : 0;
}

uint32_t stacks_rooted(struct model *m, struct kept_stack *st, uint32_t root)
{
	uint32_t frames[FRAMES_MAX];
	size_t n;

	if (!m->live)
		return 0;
	n = user_half(m, st, frames);
	frames[n++] = root;
	return trace_writer__stack(m->w, frames, n);
}

/* ---- records ---- */

void on_stack(struct model *m, const struct ev_hdr *h, size_t len)
{
	(void)len;
	kept_add(&m->kept, (const struct ev_stack *)h);
	modules_walk_ended(m, (const struct ev_stack *)h);
}

void on_epoch(struct model *m, const struct ev_hdr *h, size_t len)
{
	(void)len;
	kept_epoch(&m->kept, h->arg);
}

void on_ksym(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_ksym *ev = (const struct ev_ksym *)h;
	char name[sizeof(ev->name) + 1];
	uint64_t *sym;

	snprintf(name, sizeof(name), "%.*s", (int)(len - EV_KSYM_SHORT), ev->name);
	if (!ev->addr || !name[0])
		return;
	sym = u64map_put(&m->ksyms, ev->addr, NULL);
	*sym = kernel_frame(m, name);
	if (is_noise(name))
		*sym |= KSYM_NOISE;
	if (is_entry(name))
		*sym |= KSYM_ENTRY;
	m->stack_version++;
}
