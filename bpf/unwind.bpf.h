/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The user stack of a thread, from its registers at the entry into the kernel to its outermost
 * function, by the tables of bpf/unwind.h.
 *
 * A step finds the mapping of an address, in its module the rule, by the rule the caller's
 * registers. What an address led to is remembered on each CPU, so that most steps are one look-up
 * and one read of the stack. An address without a rule is tried by frame pointer, and taken only if
 * it leads behind a call: so plausible rubbish stays out.
 */
#ifndef CTRACE_BPF_UNWIND_BPF_H
#define CTRACE_BPF_UNWIND_BPF_H

#include "bpf/maps.bpf.h"
#include "bpf/room.bpf.h"
#include "bpf/unwind.h"

/* ---- what the collector has written ---- */

struct ct_slab {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNW_CHUNKS_PER_SLAB);
	__uint(key_size, sizeof(__u32)); /* no type: clang leaves that of an inner map undefined */
	__uint(value_size, sizeof(struct unw_chunk));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UNW_SLABS_MAX);
	__type(key, __u32);
	__array(values, struct ct_slab);
} ct_slabs __weak SEC(".maps");

CT_SHARED_ARRAY(ct_rules, struct unw_rule);
CT_SHARED_ARRAY(ct_modules, struct unw_module);
CT_SHARED_ARRAY(ct_mappings, struct unw_mapping);

/* by tgid, as the kernel numbers them */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct unw_space);
} ct_spaces __weak SEC(".maps");

/* ---- a walk ---- */

/* What an address of a process leads to. */
struct ct_known {
	__u64 pc;
	__u64 frame; /* EV_FRAME */
	__u32 version;
	__u32 flags; /* of the module */
	struct unw_rule rule;
};
#define CT_KNOWN 512

struct ct_walk {
	__u32 busy;
	__u32 call; /* ip is a return address: the call is before it */
	__u64 ip, sp, bp;
	__u64 di;   /* as it was where we came in */
	__u64 hash; /* of the frames */
	struct unw_space space;
	__u32 nframe;  /* of both kinds */
	__u32 mapping; /* that of the last frame */
	struct ev_stack ev;
	struct ct_known known[CT_KNOWN];
};

/*
 * One at a time for each of: a hook, an interrupt in it, a non-maskable one in that, and one for a
 * walk that was preempted.
 */
#define CT_WALKS 4

CT_ROOMS(ct_walks, CT_WALKS, struct ct_walk);

/* A walk for us alone, until ct_walk_end(). NULL: all are busy. */
static __always_inline struct ct_walk *ct_walk_begin(void)
{
	return ct_room_take(&ct_walks, CT_WALKS, false);
}

static __always_inline void ct_walk_end(struct ct_walk *w)
{
	ct_room_give(&w->busy);
}

static __always_inline __u64 ct_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static __always_inline bool ct_add_frame(struct ct_walk *w, __u64 frame)
{
	__u32 n = w->nframe;

	if (n >= EV_KSTACK_MAX + EV_USTACK_MAX)
		return false;
	w->ev.pc[n] = frame;
	w->hash = ct_mix(w->hash, frame);
	w->nframe = n + 1;
	return true;
}

/* ---- look-ups ---- */

/* The number of the mapping that holds pc, counted from 1; 0 none. */
static __noinline __u32 ct_find_mapping(struct ct_walk *w, __u64 pc)
{
	__u32 lo = w->space.first, hi = lo + w->space.cnt, mid, k;
	struct unw_mapping *m;

	mid = w->mapping; /* most calls stay in their module */
	m = bpf_map_lookup_elem(&ct_mappings, &mid);
	if (m && mid >= lo && mid < hi && pc >= m->start && pc < m->end)
		return mid + 1;
	for (k = 0; k < 14 && lo < hi; k++) { /* 8192 */
		mid = (lo + hi) / 2;
		m = bpf_map_lookup_elem(&ct_mappings, &mid);
		if (!m)
			return 0;
		if (m->start <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == w->space.first)
		return 0;
	mid = lo - 1;
	m = bpf_map_lookup_elem(&ct_mappings, &mid);
	return m && pc < m->end ? lo : 0;
}

static __always_inline struct unw_chunk *ct_chunk(__u32 word)
{
	__u32 slab = word >> UNW_SLAB_SHIFT;
	__u32 chunk = word >> UNW_CHUNK_SHIFT & (UNW_CHUNKS_PER_SLAB - 1);
	void *inner = bpf_map_lookup_elem(&ct_slabs, &slab);

	return inner ? bpf_map_lookup_elem(inner, &chunk) : NULL;
}

static __always_inline bool ct_word(__u32 word, __u32 *out)
{
	struct unw_chunk *c = ct_chunk(word);

	if (!c)
		return false;
	*out = c->word[word & ((1u << UNW_CHUNK_SHIFT) - 1)];
	return true;
}

/* The number of the rule for an address of a module; 0 (UNW_BAD) none. */
static __noinline __u32 ct_find_rule(const struct unw_module *m, __u64 addr)
{
	__u64 page = (addr - m->base) >> UNW_PAGE_SHIFT;
	__u32 lo, hi, mid, row, at, k;

	if (addr < m->base || page >= m->npages)
		return 0;
	at = m->page0 + (__u32)page;
	if (!ct_word(at, &lo) || !ct_word(at + 1, &hi))
		return 0;
	for (k = 0; k < UNW_PAGE_SHIFT + 1 && lo < hi; k++) {
		mid = lo + (hi - lo) / 2;
		if (!ct_word(mid, &row))
			return 0;
		if (UNW_ROW_LOW(row) <= (addr & 0xffff))
			lo = mid + 1;
		else
			hi = mid;
	}
	return ct_word(lo - 1, &row) ? UNW_ROW_RULE(row) : 0;
}

/* Fills *k for an address; false: no mapping has it. */
static __noinline int ct_learn(struct ct_walk *w, struct ct_known *k, __u64 pc)
{
	struct unw_mapping *map;
	struct unw_module *mod;
	struct unw_rule *rule;
	__u32 at, nr = 0;
	__u64 addr;

	at = ct_find_mapping(w, pc);
	if (!at)
		return 0;
	w->mapping = --at;
	map = bpf_map_lookup_elem(&ct_mappings, &at);
	if (!map)
		return 0;
	addr = EV_FRAME_ADDR(pc - map->bias);
	k->pc = pc;
	k->version = w->space.version;
	k->frame = EV_FRAME(map->module, addr);
	k->flags = 0;
	k->rule = (struct unw_rule){};
	at = map->module;
	mod = bpf_map_lookup_elem(&ct_modules, &at);
	if (!mod)
		return 1;
	k->flags = mod->flags;
	if (mod->flags & UNW_MODULE_TABLE)
		nr = ct_find_rule(mod, addr);
	rule = bpf_map_lookup_elem(&ct_rules, &nr);
	if (rule)
		k->rule = *rule;
	return 1;
}

/* ---- a step ---- */

/* Memory of the thread: that of another task only where the program may sleep (a constant). */
struct ct_step {
	struct ct_walk *w;
	struct task_struct *task;
};

static __always_inline bool ct_read_user(struct ct_step *s, bool other, void *dst, __u32 size,
					 __u64 at)
{
	if (other)
		return !bpf_copy_from_user_task(dst, size, (void *)at, s->task, 0);
	return !bpf_probe_read_user(dst, size, (void *)at);
}

/* Is there a call right before this address? The forms that compilers use. */
static __always_inline bool ct_behind_call(struct ct_step *s, bool other, __u64 ra)
{
#ifdef __TARGET_ARCH_x86
	__u8 b[8] = {};

	if (!ct_read_user(s, other, b + 1, 7, ra - 7))
		return false;
	if (b[3] == 0xe8) /* call rel32 */
		return true;
	/* call r/m64, in 2, 3, 6 and 7 bytes: ff with 2 in the middle of its ModRM */
	return (b[6] == 0xff && (b[7] & 0x38) == 0x10) || (b[5] == 0xff && (b[6] & 0x38) == 0x10) ||
	       (b[2] == 0xff && (b[3] & 0x38) == 0x10) || (b[1] == 0xff && (b[2] & 0x38) == 0x10);
#else
	return true;
#endif
}

static __always_inline long ct_stop(struct ct_walk *w, __u32 end)
{
	w->ev.end = end;
	return 1;
}

/* How far a frame pointer is believed. */
enum ct_trust {
	CT_TRUST_CALLS, /* what it leads to must be behind a call, in code, up the stack */
	CT_TRUST_CODE,	/* JIT code: either of call and up the stack will do. Interpreters return to
			   code  that made no call; a caller in C may use rbp for something else */
	CT_TRUST_BLIND, /* whatever it leads to, but its end is no end of the stack */
	CT_TRUST_ALL,	/* the code is known to keep them; 0 ends the chain */
};

/* By frame pointer: saved rbp and return address lie where rbp points to. */
static __always_inline long ct_step_fp(struct ct_step *s, bool other, enum ct_trust trust,
				       __u32 why)
{
	struct ct_walk *w = s->w;
	__u64 v[2] = {};

	if (!w->bp && trust == CT_TRUST_ALL)
		return ct_stop(w, EV_END_COMPLETE);
	if (w->bp & 7 || !ct_read_user(s, other, v, sizeof(v), w->bp))
		return ct_stop(w, why);
	if (!v[1] && trust == CT_TRUST_ALL)
		return ct_stop(w, EV_END_COMPLETE);
	if (trust < CT_TRUST_BLIND && (w->bp < w->sp || !ct_find_mapping(w, v[1] - 1)))
		return ct_stop(w, why);
	if (trust == CT_TRUST_CALLS && (v[0] <= w->bp || !ct_behind_call(s, other, v[1])))
		return ct_stop(w, why);
	if (trust == CT_TRUST_CODE && v[0] <= w->bp && !ct_behind_call(s, other, v[1]))
		return ct_stop(w, why);
	w->sp = w->bp + 16;
	w->bp = v[0];
	w->ip = v[1];
	w->call = 1;
	return 0;
}

#ifdef __TARGET_ARCH_x86
static __always_inline bool ct_is_return(struct ct_step *s, bool other, __u64 ra)
{
	return ct_find_mapping(s->w, ra - 1) && ct_behind_call(s, other, ra);
}

/*
 * Code in assembly that nobody described, where we came in: it has not touched the stack, as a
 * rule; vfork has taken its return address off it, into rdi, so that the child cannot spoil it.
 */
static __always_inline bool ct_step_leaf(struct ct_step *s, bool other)
{
	struct ct_walk *w = s->w;
	__u64 ra = 0;

	if (w->call || w->ev.nuser != 1)
		return false;
	if (ct_read_user(s, other, &ra, sizeof(ra), w->sp) && ct_is_return(s, other, ra)) {
		w->sp += 8;
	} else {
		ra = w->di;
		if (!ct_is_return(s, other, ra))
			return false;
	}
	w->ip = ra;
	w->call = 1;
	return true;
}

/* The registers that a signal interrupted, from words 10 to 16 of its sigcontext: rbp … rsp, rip. */
static __always_inline long ct_step_signal(struct ct_step *s, bool other, __u64 at)
{
	struct ct_walk *w = s->w;
	__u64 v[7] = {};

	if (!ct_read_user(s, other, v, sizeof(v), at + 80))
		return ct_stop(w, EV_END_READ);
	w->bp = v[0];
	w->sp = v[5];
	w->ip = v[6];
	w->call = 0;
	return 0;
}
#endif

/* By rule; CFA and what is read there. */
static __always_inline long ct_step_rule(struct ct_step *s, bool other, struct unw_rule *r)
{
	struct ct_walk *w = s->w;
	__u64 cfa, v[2] = {}, bp = w->bp;

	switch (r->cfa) {
	case UNW_RSP:
		cfa = w->sp + (__s64)r->cfa_off;
		break;
	case UNW_RBP:
		cfa = w->bp + (__s64)r->cfa_off;
		break;
	case UNW_RSP_DEREF:
		if (!ct_read_user(s, other, &cfa, sizeof(cfa), w->sp + (__s64)r->cfa_off))
			return ct_stop(w, EV_END_READ);
		cfa += 8;
		break;
	case UNW_RBP_DEREF:
		if (!ct_read_user(s, other, &cfa, sizeof(cfa), w->bp + (__s64)r->cfa_off))
			return ct_stop(w, EV_END_READ);
		break;
	case UNW_PLT:
		cfa = w->sp + 8 + ((__s32)(w->ip & 15) >= r->cfa_off ? 8 : 0);
		break;
	default:
		return ct_stop(w, EV_END_NO_RULE);
	}
	if (cfa <= w->sp || cfa & 7)
		return ct_stop(w, EV_END_LOOP);
	if (!ct_read_user(s, other, v, sizeof(v), cfa - 16))
		return ct_stop(w, EV_END_READ);
	if (r->bp != UNW_BP_SAME) {
		if (r->bp == UNW_BP_UNDEF) {
			bp = 0;
		} else if (r->bp == UNW_BP_CFA && r->bp_off == -16) {
			bp = v[0];
		} else {
			__u64 at = (r->bp == UNW_BP_CFA ? cfa : w->bp) + (__s64)r->bp_off;

			if (!ct_read_user(s, other, &bp, sizeof(bp), at))
				return ct_stop(w, EV_END_READ);
		}
	}
	if (!v[1])
		return ct_stop(w, EV_END_COMPLETE);
	w->bp = bp;
	w->sp = cfa;
	w->ip = v[1];
	w->call = 1;
	return 0;
}

#ifdef __TARGET_ARCH_x86
/*
 * From 6.18 on a probe on a nop of five bytes is a call to a page of the kernel's own, which no
 * news tell of: push rcx, r11, rax; mov $336, eax; syscall; pop rax, r11, rcx; ret. A thread that
 * loses its CPU there is one call behind the nop. See arch/x86/kernel/uprobes.c of Linux.
 */
static __always_inline bool ct_leave_probe(struct ct_step *s, bool other)
{
	struct ct_walk *w = s->w;
	__u64 at = w->ip & 4095, ra, pushed = 0;
	__u32 code = 0;

	if (at > 17 || !ct_read_user(s, other, &code, sizeof(code), w->ip - at) ||
	    code != 0x50534151)
		return false;
	if (at >= 4 && at <= 13)
		pushed = 3;
	else if (at == 3 || at == 14)
		pushed = 2;
	else if (at == 1 || at == 16)
		pushed = 1;
	if (!ct_read_user(s, other, &ra, sizeof(ra), w->sp + 8 * pushed))
		return false;
	w->sp += 8 * pushed + 8;
	w->ip = ra;
	w->call = 1;
	return true;
}
#endif

static __always_inline long ct_step(struct ct_step *s, bool other)
{
	struct ct_walk *w = s->w;
	struct ct_known *k;
	__u64 pc;

	pc = w->ip - w->call;
	if (w->ev.nuser >= EV_USTACK_MAX)
		return ct_stop(w, EV_END_DEEP);
	/* forked servers have the same addresses: each is to find its own */
	k = &w->known[((pc >> 2) ^ (pc >> 11) ^ w->space.version * 61) & (CT_KNOWN - 1)];
	if (k->pc != pc || k->version != w->space.version) {
		if (!ct_learn(w, k, pc)) {
			k->version = 0; /* no process has that */
#ifdef __TARGET_ARCH_x86
			if (!w->ev.nuser && !w->call && ct_leave_probe(s, other))
				return 0;
#endif
			if (!w->ev.nuser && ct_add_frame(w, EV_FRAME(0, EV_FRAME_ADDR(pc))))
				w->ev.nuser++;
			return ct_stop(w, EV_END_NO_MAPPING);
		}
	}
	/* no call leads to where a signal handler returns: it is the begin of that function */
	if (!ct_add_frame(w, k->frame + (k->rule.cfa == UNW_SIGNAL && w->call)))
		return ct_stop(w, EV_END_DEEP);
	w->ev.nuser++;
	if (ct_cfg.call_graph == CT_CALL_GRAPH_FP && k->rule.cfa != UNW_STOP &&
	    k->rule.cfa != UNW_FP)
		return ct_step_fp(s, other, CT_TRUST_BLIND, EV_END_NO_TABLE);
	switch (k->rule.cfa) {
	case UNW_STOP:
		return ct_stop(w, EV_END_COMPLETE);
#ifdef __TARGET_ARCH_x86
	case UNW_SIGNAL:
		return ct_step_signal(s, other, w->sp + (__s64)k->rule.cfa_off);
#endif
	case UNW_FP:
		return ct_step_fp(s, other, CT_TRUST_ALL, EV_END_READ);
	case UNW_BAD:
#ifdef __TARGET_ARCH_x86
		if (ct_step_leaf(s, other))
			return 0;
#endif
		if (k->flags & UNW_MODULE_FP)
			return ct_step_fp(s, other, CT_TRUST_CODE, EV_END_NO_TABLE);
		return ct_step_fp(s, other, CT_TRUST_CALLS,
				  k->flags & UNW_MODULE_TABLE ? EV_END_NO_RULE : EV_END_NO_TABLE);
	}
	return ct_step_rule(s, other, &k->rule);
}

static __maybe_unused long ct_step_current(__u32 i, void *ctx)
{
	return ct_step(ctx, false);
}

static __maybe_unused long ct_step_other(__u32 i, void *ctx)
{
	return ct_step(ctx, true);
}

/* ---- the door ---- */

/* Appends the user frames of a task: of the current one, or with other of any that sleeps. */
static __always_inline void ct_walk_user(struct ct_walk *w, struct task_struct *p, bool other)
{
	struct ct_step s = { .w = w, .task = p };
	struct unw_space *space;
	struct pt_regs *regs;
	__u32 tgid = p->tgid;

	regs = (struct pt_regs *)bpf_task_pt_regs(p);
	if (!regs)
		return;
#if defined(__TARGET_ARCH_x86)
	if (regs->cs != 0x33) /* 64-bit user code */
		return;
	w->ip = regs->ip;
	w->sp = regs->sp;
	w->bp = regs->bp;
	w->di = regs->di;
#elif defined(__TARGET_ARCH_arm64)
	w->ip = regs->pc;
	w->sp = regs->sp;
	w->bp = regs->regs[29];
#endif
	w->call = 0;
	w->mapping = 0;
	space = bpf_map_lookup_elem(&ct_spaces, &tgid);
	if (space) {
		w->space = *space;
		w->ev.end = EV_END_DEEP;
		if (other)
			bpf_loop(EV_USTACK_MAX + 1, ct_step_other, &s, 0);
		else
			bpf_loop(EV_USTACK_MAX + 1, ct_step_current, &s, 0);
	} else {
		if (ct_add_frame(w, EV_FRAME(0, EV_FRAME_ADDR(w->ip))))
			w->ev.nuser = 1;
		w->ev.end = EV_END_NO_PROCESS;
	}
}

#endif
