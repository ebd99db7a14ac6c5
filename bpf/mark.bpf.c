// SPDX-License-Identifier: GPL-2.0
/*
 * What runs at the probes of annotations, but for those of Go: the markers of
 * include/ctrace/ctrace.h, functions whose calls are regions, and markers of others. None is
 * attached by itself; user/annot/probes.c sets them, and bpf/mark.h says what their cookies mean.
 */
#include "bpf/mark.bpf.h"

#include <bpf/usdt.bpf.h>

/* A NUL-terminated text. */
static __always_inline struct ct_text text_at(__u64 at)
{
	return (struct ct_text){ .at = at, .len = CT_TEXT_Z };
}

/* A record with the texts that came in registers. */
struct ct_mark_seen {
	__u64 head[sizeof(struct ev_mark) / 8 - 2 * EV_MARK_STR / 8];
	__u64 word[3];
};
_Static_assert(__builtin_offsetof(struct ct_mark_seen, word) ==
		       __builtin_offsetof(struct ev_mark, text),
	       "the words are the texts");

/*
 * A marker of the header that came in registers, the last one of them is word2. Nothing is read
 * from the program, so the record is made here, and needs no room. false: the words make no sense.
 */
static __always_inline bool send_seen(struct pt_regs *ctx, __u64 word2)
{
	__u32 nname = CT_SEEN_NAME(word2) - 1, ntext = CT_SEEN_TEXT(word2) - 1;
	__u32 op = CT_SEEN_OP(word2), stack = 0, n = nname + ntext;
	struct ct_mark m = { .op = op, .task = PT_REGS_PARM1(ctx) };
	struct ct_mark_seen rec;
	struct ev_mark *ev = (struct ev_mark *)&rec;
	struct task_struct *cur;
	__u64 key;

	if (nname > CT_SEEN_MAX || ntext > CT_SEEN_MAX || n > CT_SEEN_MAX ||
	    op - 1 >= EV_MARK_OP_MAX - 1)
		return false;
	cur = bpf_get_current_task_btf();
	key = ct_mark_thread(cur);
	if (!key)
		return true;
	if (ct_cfg.stacks & CT_STACK_MARK)
		stack = ct_mark_stack(ctx, cur, key);
	if (op != EV_MARK_LOG)
		m.id = PT_REGS_PARM2(ctx);
	ct_mark_fill(ev, &m, key, stack);
	ev->nname = nname;
	ev->ntext = ntext;
	rec.word[0] = PT_REGS_PARM4(ctx);
	rec.word[1] = PT_REGS_PARM5(ctx);
	rec.word[2] = word2;
	barrier_var(n);
	if (n > CT_SEEN_MAX)
		return false;
	ct_keep_cpu(); /* or the record could come late into the ring */
	ct_output(EV_MARK, 0, &ev->h, EV_MARK_SHORT + n, EV_MARK_PACK(op, EV_BY_HEADER, 0));
	ct_give_cpu();
	return true;
}

SEC("uprobe.s")
int ct_mark_header(struct pt_regs *ctx)
{
	__u64 seen = PT_REGS_PARM6(ctx), cookie;
	struct ct_mark m = {};

	if (seen && send_seen(ctx, seen))
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	m.op = CT_COOKIE_OP(cookie);
	m.by = EV_BY_HEADER;
	m.task = PT_REGS_PARM1(ctx);
	switch (m.op) {
	case EV_MARK_TASK_END:
		break;
	case EV_MARK_LOG:
		m.name = text_at(PT_REGS_PARM2(ctx));
		m.text = text_at(PT_REGS_PARM3(ctx));
		break;
	default:
		m.id = PT_REGS_PARM2(ctx);
		m.name = text_at(PT_REGS_PARM3(ctx));
	}
	ct_mark_send(ctx, &m);
	return 0;
}

static long keep_start(struct task_struct *task, struct vm_area_struct *vma, __u64 *start)
{
	*start = vma->vm_start;
	return 0;
}

SEC("uprobe.s")
int ct_mark_func(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), from = 0;
	struct ct_mark m = {
		.op = CT_COOKIE_OP(cookie),
		.by = EV_BY_FUNC,
		.id = PT_REGS_SP(ctx) + 8 * CT_COOKIE_EXTRA(cookie),
		.site = CT_COOKIE_SITE(cookie),
	};

	/* while somebody else changes the mappings nothing is found: 0 */
	bpf_find_vma(bpf_get_current_task_btf(), PT_REGS_SP(ctx), keep_start, &from, 0);
	m.goroutine = from;
	ct_mark_send(ctx, &m);
	return 0;
}

/* ---- markers of others ---- */

#define ARG_STR 255 /* bytes of the text that an argument points at */
#define ARG_ROOM (sizeof(struct ev_mark_arg) + ARG_STR)

struct args {
	struct pt_regs *ctx;
	const struct __bpf_usdt_spec *spec;
	struct ct_mark_room *room;
	__u32 flags; /* EV_MARK_* */
};

/* Is this what somebody would print? Else the argument points at something else. */
static __always_inline bool is_text(const __u8 *s, __u32 n)
{
	const __u32 white = 1u << '\t' | 1u << '\n' | 1u << '\r';
	bool bad = false;
	__u32 i;

	for (i = 0; i < ARG_STR && i < n; i++)
		bad |= s[i] == 0x7f || (s[i] < 0x20 && !(white >> s[i] & 1));
	return !bad;
}

/* The text that an argument points at, to where it belongs. Returns its bytes. */
static __always_inline __u32 arg_text(struct args *a, char *to, __u64 at)
{
	long n = bpf_probe_read_user_str(to, ARG_STR + 2, (void *)at) - 1;
	__u32 flags = 0;

	if (n <= 0)
		return 0;
	if (n > ARG_STR) {
		n = ARG_STR;
		flags = EV_MARK_TEXT_CUT;
	}
	if (!is_text((__u8 *)to, n))
		return 0;
	a->flags |= flags;
	return n;
}

static long add_arg(__u32 i, void *data)
{
	struct args *a = data;
	const struct __bpf_usdt_arg_spec *spec;
	struct ev_mark_arg *arg;
	struct ev_mark *ev = &a->room->ev;
	__u32 at = a->room->len, size, nstr = 0;
	long value = 0;

	if (i >= BPF_USDT_MAX_ARG_CNT || at > sizeof(ev->text) - ARG_ROOM)
		return 1;
	spec = &a->spec->args[i];
	size = (64u - (__u8)spec->arg_bitshift) / 8;
	bpf_usdt_arg(a->ctx, i, &value);
	arg = (struct ev_mark_arg *)(ev->text + at);
	at += sizeof(*arg);
	if (size == sizeof(void *) && !spec->arg_signed && value) {
		/* what comes behind has room for its numbers at least */
		if (at + ARG_STR + BPF_USDT_MAX_ARG_CNT * sizeof(*arg) <= sizeof(ev->text))
			nstr = arg_text(a, (char *)(arg + 1), value);
		else
			a->flags |= EV_MARK_TEXT_CUT;
	}
	arg->value = value;
	arg->size = size | (spec->arg_signed ? EV_ARG_SIGNED : 0);
	arg->pad = 0;
	arg->nstr = nstr;
	arg->pad2 = 0;
	a->room->len = at + nstr;
	return 0;
}

static __always_inline const struct __bpf_usdt_spec *spec_of(struct pt_regs *ctx)
{
	int id = __bpf_usdt_spec_id(ctx);

	return bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
}

/* A log whose message is the arguments, as they are. */
static __noinline int log_args(struct pt_regs *ctx, struct ct_mark *m)
{
	const struct __bpf_usdt_spec *spec = spec_of(ctx);
	struct task_struct *cur = bpf_get_current_task_btf();
	__u64 key = ct_mark_thread(cur);
	struct args a = { .ctx = ctx, .spec = spec };
	struct ct_mark_room *r;
	__u32 stack = 0;

	if (!key || !spec)
		return 0;
	if (ct_cfg.stacks & CT_STACK_MARK)
		stack = ct_mark_stack(ctx, cur, key);
	r = ct_mark_begin();
	if (!r) {
		ct_count_drop(bpf_get_smp_processor_id(), EV_MARK);
		return 0;
	}
	a.room = r;
	r->len = 0;
	bpf_loop(spec->arg_cnt, add_arg, &a, 0);
	ct_mark_fill(&r->ev, m, key, stack);
	r->ev.nname = 0;
	r->ev.ntext = r->len;
	ct_mark_output(r, r->len, EV_MARK_PACK(m->op, m->by, a.flags));
	ct_mark_end(r);
	return 0;
}

SEC("usdt.s")
int ct_mark_usdt(struct pt_regs *ctx)
{
	__u64 cookie = bpf_usdt_cookie(ctx);
	__u32 nr = CT_COOKIE_EXTRA(cookie);
	struct ct_mark m = {
		.op = CT_COOKIE_OP(cookie),
		.by = EV_BY_USDT,
		.site = CT_COOKIE_SITE(cookie),
	};
	long name = 0;

	if (m.op == EV_MARK_LOG)
		return log_args(ctx, &m);
	if (nr && !bpf_usdt_arg(ctx, nr - 1, &name))
		m.name = text_at(name); /* beside the site, which the end has too */
	ct_mark_send(ctx, &m);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
