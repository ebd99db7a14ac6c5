// SPDX-License-Identifier: GPL-2.0
/*
 * What runs at the probes of annotations, but for those of Go: the markers of
 * include/ctrace/ctrace.h, functions whose calls are regions, and markers of others. None is
 * attached by itself; user/annot/probes.c sets them, and bpf/mark.h says what their cookies mean.
 */
#include "bpf/fetch.bpf.h"
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
		stack = ct_mark_stack(ctx, key);
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

/*
 * Arguments are read while a room is held, so without waiting. Those that cannot be read are asked
 * for when it is given back, and then all are read once more.
 */
struct args {
	struct pt_regs *ctx;
	const struct __bpf_usdt_spec *spec;
	struct ct_mark_room *room;
	__u32 flags;  /* EV_MARK_* */
	__u32 again;  /* it is the second time */
	__u32 ask;    /* a bit for each argument to be asked for */
	__u32 number; /* … for each that is known to be no address */
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

/* The text that an argument points at, to where it belongs. Returns its bytes, or -1: it cannot be
 * read. */
static __always_inline long arg_text(struct args *a, char *to, __u64 at)
{
	long n = bpf_probe_read_user_str(to, ARG_STR + 2, (void *)at);
	__u32 flags = 0;

	if (n < 0)
		return -1;
	n--;
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

static __always_inline __u32 arg_size(const struct __bpf_usdt_arg_spec *spec)
{
	return (64u - (__u8)spec->arg_bitshift) / 8;
}

static __always_inline bool may_point(const struct __bpf_usdt_arg_spec *spec, __u64 value)
{
	return value && !spec->arg_signed && arg_size(spec) == sizeof(void *);
}

static long add_arg(__u32 i, void *data)
{
	struct args *a = data;
	const struct __bpf_usdt_arg_spec *spec;
	struct ev_mark_arg *arg;
	struct ev_mark *ev = &a->room->ev;
	__u32 at = a->room->len, nstr = 0, bad = 0;
	long value = 0, n = 0;

	if (i >= BPF_USDT_MAX_ARG_CNT || at > sizeof(ev->text) - ARG_ROOM)
		return 1;
	spec = &a->spec->args[i];
	arg = (struct ev_mark_arg *)(ev->text + at);
	at += sizeof(*arg);
	if (bpf_usdt_arg(a->ctx, i, &value)) {
		bad = EV_ARG_BAD;
	} else if (may_point(spec, value)) {
		/* what comes behind has room for its numbers at least */
		if (at + ARG_STR + BPF_USDT_MAX_ARG_CNT * sizeof(*arg) <= sizeof(ev->text))
			n = arg_text(a, (char *)(arg + 1), value);
		else
			a->flags |= EV_MARK_TEXT_CUT;
		if (n > 0)
			nstr = n;
		else if (n && !(a->number >> i & 1) && ct_look(value) != CT_LIES_NOWHERE)
			bad = EV_ARG_BAD;
	}
	if (bad) {
		a->flags |= EV_MARK_TEXT_BAD;
		a->ask |= 1u << i;
	}
	arg->value = value;
	arg->size = arg_size(spec) | (spec->arg_signed ? EV_ARG_SIGNED : 0) | bad;
	arg->pad = 0;
	arg->nstr = nstr;
	arg->pad2 = 0;
	a->room->len = at + nstr;
	return 0;
}

/* The value of an argument, which is fetched where it lies in memory that is not resident. False:
 * it cannot be read. */
static __always_inline bool fetch_value(struct pt_regs *ctx, const struct __bpf_usdt_spec *spec,
					__u32 i, long *value)
{
	const struct __bpf_usdt_arg_spec *arg;
	__u64 at = 0, nr = i;

	if (!bpf_usdt_arg(ctx, i, value))
		return true;
	barrier_var(nr); /* what is looked at is what is used, for the verifier of 6.1 */
	if (nr >= BPF_USDT_MAX_ARG_CNT)
		return false;
	arg = &spec->args[nr];
	if (arg->arg_type != BPF_USDT_ARG_REG_DEREF ||
	    bpf_probe_read_kernel(&at, sizeof(at), (void *)ctx + arg->reg_off))
		return false;
	ct_fetch(at + arg->val_off, sizeof(*value));
	return !bpf_usdt_arg(ctx, i, value);
}

static long fetch_arg(__u32 i, void *data)
{
	struct args *a = data;
	long value = 0;

	if (i >= BPF_USDT_MAX_ARG_CNT)
		return 1;
	if (a->ask >> i & 1 && fetch_value(a->ctx, a->spec, i, &value) &&
	    may_point(&a->spec->args[i], value) && ct_fetch(value, ARG_STR + 1) == CT_LIES_NOWHERE)
		a->number |= 1u << i;
	return 0;
}

static __always_inline const struct __bpf_usdt_spec *spec_of(struct pt_regs *ctx)
{
	int id = __bpf_usdt_spec_id(ctx);

	return bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
}

/* Sends the arguments, unless it is the first time and some have to be asked for. */
static __noinline int try_args(struct args *a, const struct ct_mark *m, __u64 key, __u32 stack)
{
	const struct __bpf_usdt_spec *spec = a->spec;
	struct ct_mark_room *r = ct_mark_begin();

	if (!r) {
		ct_count_drop(bpf_get_smp_processor_id(), EV_MARK);
		a->ask = 0;
		return 0;
	}
	a->room = r;
	a->flags = 0;
	r->len = 0;
	bpf_loop(spec->arg_cnt, add_arg, a, 0);
	if (!a->ask || a->again) {
		ct_mark_fill(&r->ev, m, key, stack);
		r->ev.nname = 0;
		r->ev.ntext = r->len;
		ct_mark_output(r, r->len, EV_MARK_PACK(m->op, m->by, a->flags));
	}
	ct_mark_end(r);
	return 0;
}

static __noinline int send_args(struct pt_regs *ctx, const struct ct_mark *m, __u64 key,
				__u32 stack)
{
	const struct __bpf_usdt_spec *spec = spec_of(ctx);
	struct args a = { .ctx = ctx, .spec = spec };

	if (!spec)
		return 0;
	try_args(&a, m, key, stack);
	if (!a.ask)
		return 0;
	bpf_loop(spec->arg_cnt, fetch_arg, &a, 0);
	a.again = 1;
	try_args(&a, m, key, stack);
	return 0;
}

/* A log whose message is the arguments, as they are. These have a frame of their own: there is not
 * room for them below a stack that is walked. */
static __noinline int log_args(struct pt_regs *ctx, const struct ct_mark *m)
{
	struct task_struct *cur = bpf_get_current_task_btf();
	__u64 key = ct_mark_thread(cur);
	__u32 stack = 0;

	if (!key)
		return 0;
	if (ct_cfg.stacks & CT_STACK_MARK)
		stack = ct_mark_stack(ctx, key);
	return send_args(ctx, m, key, stack);
}

static __noinline bool name_arg(struct pt_regs *ctx, __u32 i, long *name)
{
	const struct __bpf_usdt_spec *spec = spec_of(ctx);

	return spec && fetch_value(ctx, spec, i, name);
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
	if (nr && name_arg(ctx, nr - 1, &name))
		m.name = text_at(name); /* beside the site, which the end has too */
	else if (nr)
		m.flags = EV_MARK_NAME_BAD;
	ct_mark_send(ctx, &m);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
