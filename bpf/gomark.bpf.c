// SPDX-License-Identifier: GPL-2.0
/*
 * What runs at the probes of Go programs: annotations of runtime/trace while Go's own tracer is off
 * (and not twice while it is on). user/annot/gofind.h says where they are.
 *
 * Go passes integers in registers of its own order: ax, bx, cx, di, si, r8; r14 is the running
 * goroutine. A text is a pointer and a length.
 */
#include "bpf/mark.bpf.h"

#ifdef __TARGET_ARCH_x86

/* Memory that was just used is resident, nearly always. */
static __always_inline bool read_word(__u64 *to, __u64 at)
{
	return !bpf_probe_read_user(to, sizeof(*to), (void *)at) ||
	       !bpf_copy_from_user(to, sizeof(*to), (void *)at);
}

static __always_inline bool is_in(const struct ct_go_code *code, __u64 addr)
{
	return addr >= code->from && addr < code->to;
}

/* ---- who ---- */

/* Which goroutine is running, and what it began with. */
static __always_inline void fill_goroutine(struct ct_mark *m, const struct ct_go *go, __u64 g)
{
	__u64 of_m = 0, curg = 0, pc = 0;

	read_word(&m->goroutine, g + go->g_goid);
	if (!m->goroutine) { /* the one that a thread schedules on, for another */
		if (!read_word(&of_m, g + CT_GO_G_M) || !read_word(&curg, of_m + go->m_curg) ||
		    !curg)
			return;
		g = curg;
		read_word(&m->goroutine, g + go->g_goid);
	}
	if (go->module && read_word(&pc, g + go->g_startpc) && pc >= go->text && pc < go->etext)
		m->start = EV_FRAME(go->module, pc - go->bias);
}

/* ---- which task ---- */

/* A context that carries a value. Every context of Go's library begins with its parent. */
struct value_ctx {
	__u64 parent[2]; /* its type and where it is */
	__u64 key[2], value[2];
};

#define CTX_DEPTH 24

/* The task of a context; 0: the background task, also where we cannot follow. */
static __noinline __u64 task_of(__u64 key_type, __u64 ctx)
{
	struct value_ctx v;
	__u64 id = 0;
	int i;

	for (i = 0; i < CTX_DEPTH && ctx >= 4096; i++) {
		if (bpf_probe_read_user(&v, sizeof(v), (void *)ctx) &&
		    bpf_copy_from_user(&v, sizeof(v), (void *)ctx)) {
			/* a small one at the end of all memory: only the parent is surely there */
			v.key[0] = 0;
			if (!read_word(&v.parent[1], ctx + 8))
				break;
		}
		if (v.key[0] == key_type) {
			read_word(&id, v.value[1]);
			return id;
		}
		ctx = v.parent[1];
	}
	return 0;
}

static __always_inline __u64 task_in(const struct ct_go *go, __u64 ctx)
{
	return go->key_type ? task_of(go->key_type, ctx) : 0;
}

/* ---- what ---- */

#define TEXT(ptr, n) ((struct ct_text){ .at = (ptr), .len = (n) })

/* Who called the function that has just begun. */
static __always_inline __u64 caller(struct pt_regs *regs)
{
	__u64 addr = 0;

	read_word(&addr, regs->sp);
	return addr;
}

/* false: nothing is to be told. */
static __always_inline bool fill(struct ct_mark *m, const struct ct_go *go, struct pt_regs *regs,
				 __u32 call)
{
	__u64 from;

	switch (call) {
	case CT_GO_USER_TASK_CREATE: /* id, parent, type */
		m->op = EV_MARK_TASK_BEGIN;
		m->task = regs->ax;
		m->id = regs->bx;
		m->name = TEXT(regs->cx, regs->di);
		return true;
	case CT_GO_USER_TASK_END: /* id */
		m->op = EV_MARK_TASK_END;
		m->task = regs->ax;
		return true;
	case CT_GO_USER_REGION: /* task, mode, type */
		from = caller(regs);
		if (!is_in(&go->with_region[0], from) && !is_in(&go->with_region[1], from))
			return false;
		m->op = regs->bx ? EV_MARK_REGION_END : EV_MARK_REGION_BEGIN;
		m->task = regs->ax;
		m->name = TEXT(regs->cx, regs->di);
		return true;
	case CT_GO_USER_LOG: /* task, category, message */
		if (is_in(&go->logf, caller(regs)))
			return false;
		m->op = EV_MARK_LOG;
		m->task = regs->ax;
		m->name = TEXT(regs->bx, regs->cx);
		m->text = TEXT(regs->di, regs->si);
		return true;
	case CT_GO_START_REGION: /* context, type */
		m->op = EV_MARK_REGION_BEGIN;
		m->task = task_in(go, regs->bx);
		m->name = TEXT(regs->cx, regs->di);
		return true;
	case CT_GO_REGION_END: /* a place where the registers mean nothing */
		m->op = EV_MARK_REGION_END;
		return true;
	case CT_GO_LOGF: /* context, category, format, and arguments that nobody formats */
		m->op = EV_MARK_LOG;
		m->task = task_in(go, regs->bx);
		m->name = TEXT(regs->cx, regs->di);
		m->text = TEXT(regs->si, regs->r8);
		return true;
	}
	return false;
}

SEC("uprobe.s")
int ct_mark_go(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	__u32 which = CT_COOKIE_GO(cookie);
	struct ct_mark m = { .by = EV_BY_GO };
	const struct ct_go *go;

	if (!ct_hooked || !ct_tgid_traced(bpf_get_current_pid_tgid() >> 32))
		return 0;
	go = bpf_map_lookup_elem(&ct_gos, &which);
	if (!go || !fill(&m, go, ctx, CT_COOKIE_EXTRA(cookie)))
		return 0;
	fill_goroutine(&m, go, ctx->r14);
	ct_mark_send(ctx, &m);
	return 0;
}

#else

/* Where Go keeps these on other processors was not looked at; no site is found there either. */
SEC("uprobe.s")
int ct_mark_go(struct pt_regs *ctx)
{
	return 0;
}

#endif

char LICENSE[] SEC("license") = "GPL";
