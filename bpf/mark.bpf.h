/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way of an annotation into the ring. Programs at probes fill in a struct ct_mark and send it.
 *
 * They run with preemption on, and may sleep. So nothing is reserved in the ring while a record is
 * made: that would hold back all that comes behind it on the CPU. It is made in a room beside the
 * ring, which nobody else uses meanwhile, and sent in one go.
 *
 * Texts are read as they lie in memory. One that is not resident is asked for while no room is
 * held, and read again.
 */
#ifndef CTRACE_BPF_MARK_BPF_H
#define CTRACE_BPF_MARK_BPF_H

#include "bpf/compat.bpf.h"
#include "bpf/mark.h"
#include "bpf/room.bpf.h"
#include "bpf/stack.bpf.h"

/* A text of the program: so many bytes, or with CT_TEXT_Z all up to a NUL. */
struct ct_text {
	__u64 at;
	__u64 len;
};
#define CT_TEXT_Z (~0ull)

/* What a hit of a probe means: the fields of struct ev_mark. */
struct ct_mark {
	__u32 op; /* enum ev_mark_op */
	__u32 by; /* enum ev_mark_by */
	__u64 task;
	__u64 id;
	__u64 goroutine; /* or stack_from */
	__u64 start;
	__u32 site;
	__u32 flags; /* EV_MARK_* that is known already */
	struct ct_text name, text;
};

/* Where a record is made. */
struct ct_mark_room {
	__u32 busy;
	__u32 len; /* for who makes a text piece by piece: of what is there */
	struct ev_mark ev;
	char slack[8]; /* a text is read with its NUL, and one byte more, which tells that it goes
			  on */
};

/* As many as may be in use on a CPU at once, by threads that were preempted; one where they are
 * not. */
#define CT_MARK_ROOMS 8

CT_ROOMS(ct_mark_rooms, CT_MARK_ROOMS, struct ct_mark_room);

/* A room for us alone, until ct_mark_end(), and the CPU too where the kernel gives it. NULL: all
 * are busy. */
static __always_inline struct ct_mark_room *ct_mark_begin(void)
{
	struct ct_mark_room *r;

	ct_keep_cpu();
	r = ct_room_take(&ct_mark_rooms, CT_MARK_ROOMS, ct_keeps_cpu());
	if (!r)
		ct_give_cpu();
	return r;
}

static __always_inline void ct_mark_end(struct ct_mark_room *r)
{
	ct_room_give(&r->busy);
	ct_give_cpu();
}

/* Sends what was made; name and text together have so many bytes. */
static __always_inline void ct_mark_output(struct ct_mark_room *r, __u32 len, __u32 arg)
{
	barrier_var(len);
	if (len > 2 * EV_MARK_STR)
		len = 2 * EV_MARK_STR;
	ct_output(EV_MARK, 0, &r->ev.h, EV_MARK_SHORT + len, arg);
}

/*
 * The key of the current thread; 0: it is not traced, or the annotation is lost, and counted. A
 * program at a probe stays on its CPU, and each switch back to its thread writes what the CPU
 * remembers anew. So what it remembers of this thread is right, however often we are preempted
 * meanwhile, and none but traced threads are remembered.
 */
static __always_inline __u64 ct_mark_thread(struct task_struct *cur)
{
	__u32 cpu = bpf_get_smp_processor_id();
	volatile struct ev_cpu_now *now = bpf_map_lookup_elem(&ct_now, &cpu);
	__u64 key = 0;

	if (ct_cfg.rule && !ct_tgid_traced(cur->tgid)) /* it may have left while it runs */
		return 0;
	if (now && now->task == (__u64)cur)
		key = now->key;
	if (key || !ct_hooked || !ct_tgid_traced(cur->tgid))
		return key;
	ct_keep_cpu();
	key = ct_key_for(cur, EV_MARK);
	ct_give_cpu();
	return key;
}

static __noinline __u32 ct_mark_stack(void *ctx, __u64 key)
{
	__u32 id;

	ct_keep_cpu();
	id = ct_stack_by(ctx, key, CT_WANT_USER, false);
	ct_give_cpu();
	return id;
}

/* Reads a text to a place in the room. Returns its bytes, or -1: it cannot be read. */
static __always_inline long ct_mark_read(char *to, const struct ct_text *t)
{
	__u64 len = t->len;
	long n;

	if (len == CT_TEXT_Z) {
		n = bpf_probe_read_user_str(to, EV_MARK_STR + 2, (void *)t->at);
		/* 0: an empty text, before 6.13 */
		return n > 0 ? n - 1 : n ? -1 : 0;
	}
	if (len > EV_MARK_STR)
		len = EV_MARK_STR + 1;
	barrier_var(len);
	if (len > EV_MARK_STR + 1)
		return -1;
	return !len || !bpf_probe_read_user(to, len, (void *)t->at) ? (long)len : -1;
}

/* Both texts to their places. Returns EV_MARK_*_BAD and EV_MARK_*_CUT. */
static __always_inline __u32 ct_mark_texts(struct ev_mark *ev, const struct ct_mark *m)
{
	__u32 flags = 0, at = 0;
	long n;

	ev->nname = 0;
	ev->ntext = 0;
	if (m->name.len) {
		n = ct_mark_read(ev->text, &m->name);
		if (n < 0) {
			flags |= EV_MARK_NAME_BAD;
		} else {
			at = n;
			if (n > EV_MARK_STR) {
				at = EV_MARK_STR;
				flags |= EV_MARK_NAME_CUT;
			}
			ev->nname = at;
		}
	}
	if (m->text.len) {
		barrier_var(at);
		if (at > EV_MARK_STR)
			return flags;
		n = ct_mark_read(ev->text + at, &m->text);
		if (n < 0) {
			flags |= EV_MARK_TEXT_BAD;
		} else {
			if (n > EV_MARK_STR) {
				n = EV_MARK_STR;
				flags |= EV_MARK_TEXT_CUT;
			}
			ev->ntext = n;
		}
	}
	return flags;
}

static __always_inline void ct_mark_fill(struct ev_mark *ev, const struct ct_mark *m, __u64 key,
					 __u32 stack)
{
	ev->thr = key;
	ev->task = m->task;
	ev->id = m->id;
	ev->goroutine = m->goroutine;
	ev->start = m->start;
	ev->site = m->site;
	ev->stack = (struct ev_stack_ref){ .id = stack };
}

/* Sends m, unless `retry` and a text cannot be read. Returns EV_MARK_*_BAD. */
static __always_inline __u32 ct_mark_try(const struct ct_mark *m, __u64 key, __u32 stack,
					 bool retry)
{
	struct ct_mark_room *r = ct_mark_begin();
	__u32 flags, bad;

	if (!r) {
		ct_count_drop(bpf_get_smp_processor_id(), EV_MARK);
		return 0;
	}
	flags = ct_mark_texts(&r->ev, m);
	bad = flags & (EV_MARK_NAME_BAD | EV_MARK_TEXT_BAD);
	if (!bad || !retry) {
		ct_mark_fill(&r->ev, m, key, stack);
		ct_mark_output(r, (__u32)r->ev.nname + r->ev.ntext,
			       EV_MARK_PACK(m->op, m->by, flags | m->flags));
	}
	ct_mark_end(r);
	return bad;
}

/* Has the pages that a text lies in fetched. It is shorter than one, so there are two at most. */
static __always_inline void ct_mark_fetch(const struct ct_text *t)
{
	char byte;

	bpf_copy_from_user(&byte, 1, (void *)t->at);
	bpf_copy_from_user(&byte, 1, (void *)((t->at | 4095) + 1));
}

static __noinline int ct_mark_fetch_and_send(const struct ct_mark *m, __u64 key, __u32 stack,
					     __u32 bad)
{
	if (bad & EV_MARK_NAME_BAD)
		ct_mark_fetch(&m->name);
	if (bad & EV_MARK_TEXT_BAD)
		ct_mark_fetch(&m->text);
	ct_mark_try(m, key, stack, false);
	return 0;
}

/* Sends an annotation of the current thread, if that is traced. For sleepable programs. */
static __always_inline void ct_mark_send(void *ctx, const struct ct_mark *m)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	__u64 key = ct_mark_thread(cur);
	__u32 stack = 0, bad;

	if (!key)
		return;
	if (ct_cfg.stacks & CT_STACK_MARK)
		stack = ct_mark_stack(ctx, key);
	bad = ct_mark_try(m, key, stack, true);
	if (bad)
		ct_mark_fetch_and_send(m, key, stack, bad);
}

#endif
