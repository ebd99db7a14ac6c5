// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rows of evspec.h, and the check that stands between foreign bytes and everybody who reads
 * records through structs. Fields are named in the order in which the text form writes them.
 */
#include "event/evspec.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

// clang-format off
#define ARG offsetof(struct ev_hdr, arg)
#define FIXED(type) .min = sizeof(type), .max = sizeof(type)
#define FLAG(word, bit) { word, EVT_FLAG, EVN_NONZERO, 0, bit }
#define F(word, ftype, type, member) { word, ftype, EVN_ALWAYS, offsetof(type, member), 0 }
#define F_OPT(word, ftype, type, member) { word, ftype, EVN_NONZERO, offsetof(type, member), 0 }
#define F_ARG(word) { word, EVT_U32, EVN_ALWAYS, ARG, 0 }
#define TAIL(word, type, member) { word, EVT_TAIL, EVN_LONG, offsetof(type, member), 0 }
#define MARK_BIT(word, bit) { word, EVT_ARGBIT, EVN_NONZERO, ARG, EV_MARK_PACK(0, 0, bit) }
#define STACK(type)                                                          \
	{ "stack", EVT_U32, EVN_LONG, offsetof(type, stack.id), 0 },         \
	F_OPT("pad", EVT_U32, type, stack.pad)
#define PACKED(offset)                                     \
	{ "state", EVT_STATE, EVN_NONZERO, offset, 0 },    \
	{ "fd", EVT_FDCLASS, EVN_NONZERO, offset, 0 },     \
	{ "nr", EVT_NR, EVN_NONZERO, offset, 0 }

static const struct ev_spec specs[] = {
	[EV_THREAD] = { "thread", FIXED(struct ev_thread), .field = {
		F("thr", EVT_KEY, struct ev_thread, thr),
		F_ARG("pid"),
		F("comm", EVT_COMM, struct ev_thread, comm),
		FLAG("kthread", EVF_KTHREAD),
	} },
	[EV_SWITCH] = { "switch", .min = EV_SWITCH_SHORT, .max = sizeof(struct ev_switch), .step = 8, .field = {
		F("prev", EVT_KEY_ANY, struct ev_switch, prev),
		F("next", EVT_KEY_ANY, struct ev_switch, next),
		FLAG("kthread", EVF_KTHREAD),
		FLAG("ours", EVF_OURS),
		PACKED(ARG),
		STACK(struct ev_switch),
	} },
	[EV_WAKING] = { "waking", .min = EV_WAKE_SHORT, .max = sizeof(struct ev_wake), .step = 8, .field = {
		F("wakee", EVT_KEY, struct ev_wake, wakee),
		F("waker", EVT_KEY_ANY, struct ev_wake, waker),
		FLAG("irq", EVF_IRQ),
		FLAG("oncpu", EVF_ONCPU),
		STACK(struct ev_wake),
	} },
	[EV_WAKEUP] = { "wakeup", .min = EV_WAKE_SHORT, .max = sizeof(struct ev_wake), .step = 8, .field = {
		F("wakee", EVT_KEY, struct ev_wake, wakee),
		F("waker", EVT_KEY_ANY, struct ev_wake, waker),
		FLAG("irq", EVF_IRQ),
		STACK(struct ev_wake),
	} },
	[EV_FORK] = { "fork", .min = EV_FORK_SHORT, .max = sizeof(struct ev_fork), .step = 8, .field = {
		F("parent", EVT_KEY_ANY, struct ev_fork, parent),
		F("child", EVT_KEY, struct ev_fork, child),
		STACK(struct ev_fork),
	} },
	[EV_EXEC] = { "exec", .min = EV_EXEC_SHORT, .max = sizeof(struct ev_exec), .step = 1, .field = {
		F("thr", EVT_KEY, struct ev_exec, thr),
		F("tid", EVT_U32, struct ev_exec, tid),
		F_ARG("pid"),
		F_OPT("pad", EVT_U32, struct ev_exec, pad),
		F("comm", EVT_COMM, struct ev_exec, comm),
		TAIL("path", struct ev_exec, path),
	} },
	[EV_EXIT] = { "exit", .min = EV_EXIT_SHORT, .max = sizeof(struct ev_exit), .step = 8, .field = {
		F("thr", EVT_KEY, struct ev_exit, thr),
		{ "code", EVT_U32, EVN_LONG, offsetof(struct ev_exit, code), 0 },
		{ "group", EVT_U32, EVN_LONG, offsetof(struct ev_exit, group), 0 },
	} },
	[EV_RENAME] = { "rename", FIXED(struct ev_rename), .field = {
		F("thr", EVT_KEY, struct ev_rename, thr),
		F("comm", EVT_COMM, struct ev_rename, comm),
		FLAG("exec", EVF_EXEC),
	} },
	[EV_SYS_ENTER] = { "sys_enter", .min = EV_SYS_PLAIN, .max = sizeof(struct ev_sys), .step = 8, .field = {
		F("thr", EVT_KEY, struct ev_sys, thr),
		{ "nr", EVT_SYSNR, EVN_ALWAYS, ARG, 0 },
		F("begin", EVT_U64, struct ev_sys, begin),
		FLAG("asked", EVF_ASKED),
		STACK(struct ev_sys),
	} },
	[EV_SYS_EXIT] = { "sys_exit", .min = EV_SYS_SHORT, .max = EV_SYS_SHORT, .field = {
		F("thr", EVT_KEY, struct ev_sys, thr),
		{ "nr", EVT_SYSNR, EVN_ALWAYS, ARG, 0 },
	} },
	[EV_SYSCALL] = { "syscall", .min = EV_SYS_PLAIN, .max = sizeof(struct ev_sys), .step = 8, .field = {
		F("thr", EVT_KEY, struct ev_sys, thr),
		{ "nr", EVT_SYSNR, EVN_ALWAYS, ARG, 0 },
		F("begin", EVT_U64, struct ev_sys, begin),
		STACK(struct ev_sys),
	} },
	[EV_STACK] = { "stack", .min = EV_STACK_SHORT, .max = sizeof(struct ev_stack), .step = 8, .field = {
		F_ARG("id"),
		F("thr", EVT_KEY_ANY, struct ev_stack, thr),
		{ "end", EVT_END, EVN_NONZERO, offsetof(struct ev_stack, end), 0 },
		F_OPT("kernel", EVT_KFRAMES, struct ev_stack, nkernel),
		F_OPT("user", EVT_UFRAMES, struct ev_stack, nuser),
	} },
	[EV_SNAP] = { "snap", FIXED(struct ev_snap), .field = {
		F("thr", EVT_KEY, struct ev_snap, t.thr),
		F_ARG("pid"),
		F("comm", EVT_COMM, struct ev_snap, t.comm),
		PACKED(offsetof(struct ev_snap, st)),
		FLAG("oncpu", EVF_ONCPU),
		FLAG("kthread", EVF_KTHREAD),
		F_OPT("stack", EVT_U32, struct ev_snap, stack),
	} },
	[EV_SAMPLE] = { "sample", FIXED(struct ev_sample), .field = {
		F("thr", EVT_KEY, struct ev_sample, thr),
		STACK(struct ev_sample),
	} },
	[EV_MARK] = { "mark", .min = EV_MARK_SHORT, .max = sizeof(struct ev_mark), .step = 1, .field = {
		F("thr", EVT_KEY, struct ev_mark, thr),
		{ "op", EVT_OP, EVN_ALWAYS, ARG, 0 },
		{ "by", EVT_BY, EVN_ALWAYS, ARG, 0 },
		F_OPT("task", EVT_U64, struct ev_mark, task),
		F_OPT("id", EVT_U64, struct ev_mark, id),
		{ "goroutine", EVT_U64, EVN_NOTFUNC, offsetof(struct ev_mark, goroutine), 0 },
		{ "stack_from", EVT_U64, EVN_FUNC, offsetof(struct ev_mark, stack_from), 0 },
		F_OPT("start", EVT_FRAME, struct ev_mark, start),
		F_OPT("site", EVT_U32, struct ev_mark, site),
		F_OPT("stack", EVT_U32, struct ev_mark, stack.id),
		F_OPT("pad", EVT_U32, struct ev_mark, stack.pad),
		MARK_BIT("namecut", EV_MARK_NAME_CUT),
		MARK_BIT("textcut", EV_MARK_TEXT_CUT),
		MARK_BIT("namebad", EV_MARK_NAME_BAD),
		MARK_BIT("textbad", EV_MARK_TEXT_BAD),
		{ "name", EVT_NAME, EVN_NONZERO, offsetof(struct ev_mark, text), 0 },
		{ "text", EVT_TEXT, EVN_NONZERO, offsetof(struct ev_mark, text), 0 },
	} },
	[EV_IRQ] = { "irq", FIXED(struct ev_irq), .field = {
		F("thr", EVT_KEY, struct ev_irq, thr),
		{ "soft", EVT_ARGBIT, EVN_NONZERO, ARG, EV_IRQ_SOFT },
		F("ns", EVT_U64, struct ev_irq, ns),
		F("name", EVT_COMM, struct ev_irq, name),
	} },
	[EV_LEAVE] = { "leave", FIXED(struct ev_hdr), .field = {
		F_ARG("pid"),
	} },
	[EV_SITE] = { "site", .min = EV_SITE_SHORT, .max = sizeof(struct ev_site), .step = 1, .field = {
		F_ARG("id"),
		TAIL("name", struct ev_site, name),
	} },
	[EV_START] = { "start", FIXED(struct ev_hdr), .field = { { 0 } } },
	[EV_STOP] = { "stop", FIXED(struct ev_hdr), .field = { { 0 } } },
	[EV_LOST] = { "lost", FIXED(struct ev_lost), .field = {
		F_ARG("n"),
	} },
	[EV_METRIC] = { "metric", FIXED(struct ev_metric_rec), .field = {
		{ "rss", EVT_METRIC, EVN_NONZERO, offsetof(struct ev_metric_rec, value), EV_METRIC_RSS },
		{ "limit", EVT_METRIC, EVN_NONZERO, offsetof(struct ev_metric_rec, value), EV_METRIC_LIMIT },
	} },
	[EV_PROC] = { "proc", .min = EV_PROC_SHORT, .max = sizeof(struct ev_proc), .step = 1, .field = {
		F_ARG("pid"),
		F("comm", EVT_COMM, struct ev_proc, comm),
		TAIL("path", struct ev_proc, path),
	} },
	[EV_KSYM] = { "ksym", .min = EV_KSYM_SHORT, .max = sizeof(struct ev_ksym), .step = 1, .field = {
		F("addr", EVT_HEX64, struct ev_ksym, addr),
		TAIL("name", struct ev_ksym, name),
	} },
	[EV_CPU] = { "cpu", FIXED(struct ev_hdr), .field = {
		F_ARG("n"),
	} },
	[EV_CONFIG] = { "config", FIXED(struct ev_hdr), .field = {
		{ "syscalls", EVT_ARGBIT, EVN_NONZERO, ARG, EV_CONFIG_SYSCALLS },
		{ "nonames", EVT_ARGBIT, EVN_NONZERO, ARG, EV_CONFIG_NONAMES },
		{ "many", EVT_ARGBIT, EVN_NONZERO, ARG, EV_CONFIG_MANY },
	} },
	[EV_MODULE] = { "module", .min = EV_MODULE_SHORT, .max = sizeof(struct ev_module), .step = 1, .field = {
		F_ARG("id"),
		F("type", EVT_MODULE, struct ev_module, type),
		F_OPT("pid", EVT_U32, struct ev_module, pid),
		{ "build", EVT_BUILD, EVN_NONZERO, offsetof(struct ev_module, build_id), 0 },
		TAIL("path", struct ev_module, path),
	} },
	[EV_SYM] = { "sym", .min = EV_SYM_SHORT + 2, .max = sizeof(struct ev_sym), .step = 1, .field = {
		F("frame", EVT_FRAME, struct ev_sym, frame),
		F_OPT("depth", EVT_U16, struct ev_sym, depth),
		{ "func", EVT_FUNC, EVN_ALWAYS, offsetof(struct ev_sym, text), 0 },
		{ "file", EVT_FILE, EVN_ALWAYS, offsetof(struct ev_sym, text), 0 },
		F_OPT("line", EVT_U32, struct ev_sym, h.arg),
	} },
	[EV_CUT] = { "cut", FIXED(struct ev_hdr), .field = {
		{ "file", EVT_ARGBIT, EVN_NONZERO, ARG, EV_CUT_FILE },
		{ "snapshot", EVT_ARGBIT, EVN_NONZERO, ARG, EV_CUT_SNAPSHOT },
	} },
	[EV_EPOCH] = { "epoch", FIXED(struct ev_hdr), .field = {
		F_ARG("n"),
	} },
};
// clang-format on
_Static_assert(sizeof(specs) / sizeof(specs[0]) == EV_KIND_MAX, "one row per event_kind");
_Static_assert(EV_KERNEL_END == 18 && EV_KIND_MAX == 45, "a new kind needs its row above");
_Static_assert(sizeof(struct ev_stack) <= EV_RECORD_MAX &&
		       sizeof(struct ev_exec) <= EV_RECORD_MAX &&
		       sizeof(struct ev_proc) <= EV_RECORD_MAX,
	       "the longest records fit");
_Static_assert(sizeof(struct ev_sym) <= EV_RECORD_MAX &&
		       sizeof(struct ev_module) <= EV_RECORD_MAX &&
		       sizeof(struct ev_mark) <= EV_RECORD_MAX,
	       "these do, too");

static const char *const fdclass_names[] = {
	[EV_FD_UNKNOWN] = "unknown", [EV_FD_FILE] = "file", [EV_FD_SOCKET] = "sock",
	[EV_FD_PIPE] = "pipe",	     [EV_FD_TTY] = "tty",   [EV_FD_EVENT] = "event",
	[EV_FD_OTHER] = "other",
};

static const char *const end_names[] = {
	[EV_END_NONE] = "none",
	[EV_END_COMPLETE] = "complete",
	[EV_END_DEEP] = "deep",
	[EV_END_NO_PROCESS] = "no_process",
	[EV_END_NO_MAPPING] = "no_mapping",
	[EV_END_NO_TABLE] = "no_table",
	[EV_END_NO_RULE] = "no_rule",
	[EV_END_READ] = "read",
	[EV_END_LOOP] = "loop",
};
_Static_assert(sizeof(end_names) / sizeof(end_names[0]) == EV_END_MAX, "one word per end");

static const char *const module_names[] = {
	[EV_MODULE_FILE] = "file",
	[EV_MODULE_VDSO] = "vdso",
	[EV_MODULE_JIT] = "jit",
};

static const char *const op_names[] = {
	[EV_MARK_TASK_BEGIN] = "task_begin",
	[EV_MARK_TASK_END] = "task_end",
	[EV_MARK_REGION_BEGIN] = "region_begin",
	[EV_MARK_REGION_END] = "region_end",
	[EV_MARK_LOG] = "log",
};
_Static_assert(sizeof(op_names) / sizeof(op_names[0]) == EV_MARK_OP_MAX, "one word per op");

static const char *const by_names[] = {
	[EV_BY_HEADER] = "header",
	[EV_BY_FUNC] = "func",
	[EV_BY_USDT] = "usdt",
	[EV_BY_GO] = "go",
};
_Static_assert(sizeof(by_names) / sizeof(by_names[0]) == EV_MARK_BY_MAX, "one word per maker");

const struct ev_spec *ev_spec(unsigned kind)
{
	return kind < EV_KIND_MAX && specs[kind].name ? &specs[kind] : NULL;
}

unsigned ev_kind_by_name(const char *name, size_t len)
{
	for (unsigned kind = 0; kind < EV_KIND_MAX; kind++)
		if (specs[kind].name && strlen(specs[kind].name) == len &&
		    !memcmp(specs[kind].name, name, len))
			return kind;
	return EV_NONE;
}

const char *ev_fdclass_name(unsigned fdclass)
{
	return fdclass < sizeof(fdclass_names) / sizeof(fdclass_names[0]) ? fdclass_names[fdclass] :
									    NULL;
}

const char *ev_end_name(unsigned end)
{
	return end < EV_END_MAX ? end_names[end] : NULL;
}

const char *ev_module_name(unsigned type)
{
	return type < sizeof(module_names) / sizeof(module_names[0]) ? module_names[type] : NULL;
}

const char *ev_op_name(unsigned op)
{
	return op < EV_MARK_OP_MAX ? op_names[op] : NULL;
}

const char *ev_by_name(unsigned by)
{
	return by < EV_MARK_BY_MAX ? by_names[by] : NULL;
}

static bool state_ok(unsigned state)
{
	switch (state) {
	case 0: /* of nobody */
	case EV_ST_RUNNABLE:
	case EV_ST_SLEEP:
	case EV_ST_DISK:
	case EV_ST_STOPPED:
	case EV_ST_TRACED:
	case EV_ST_DEAD:
	case EV_ST_PARKED:
	case EV_ST_IDLE:
		return true;
	default:
		return false;
	}
}

/* A key is 0 or has a tid: kernel threads count from 2, and a tid is a positive int. */
static bool key_ok(uint64_t key, bool nobody)
{
	uint32_t tid = (uint32_t)key;

	return key ? tid && tid <= INT32_MAX : nobody;
}

static bool field_ok(const struct ev_field *f, const unsigned char *rec, size_t len)
{
	uint64_t u64 = 0;
	uint32_t u32 = 0;

	switch (f->type) {
	case EVT_KEY:
	case EVT_KEY_ANY:
		memcpy(&u64, rec + f->off, sizeof(u64));
		return key_ok(u64, f->type == EVT_KEY_ANY);
	case EVT_COMM:
		return memchr(rec + f->off, '\0', EV_COMM_LEN) != NULL;
	case EVT_TAIL:
		return len == f->off || rec[len - 1] == '\0';
	case EVT_STATE:
		memcpy(&u32, rec + f->off, sizeof(u32));
		return state_ok(EV_ST_STATE(u32)) && ev_fdclass_name(EV_ST_FDCLASS(u32));
	default:
		return true;
	}
}

static bool is_zero(const unsigned char *p, size_t len)
{
	while (len && !p[len - 1])
		len--;
	return !len;
}

static bool stack_ok(const struct ev_stack *st, size_t len)
{
	return st->h.arg && st->nkernel <= EV_KSTACK_MAX && st->nuser <= EV_USTACK_MAX &&
	       (size_t)st->nkernel + st->nuser == (len - EV_STACK_SHORT) / sizeof(st->pc[0]) &&
	       ev_end_name(st->end) && is_zero(st->pad, sizeof(st->pad));
}

static bool module_ok(const struct ev_module *mod)
{
	return mod->h.arg && mod->h.arg < EV_MODULE_MAX && ev_module_name(mod->type) &&
	       mod->nbuild <= sizeof(mod->build_id) && !mod->pad &&
	       is_zero(mod->build_id + mod->nbuild, sizeof(mod->build_id) - mod->nbuild);
}

/* Two texts, each with its NUL, and nothing behind them. */
static bool sym_ok(const struct ev_sym *sym, size_t len)
{
	size_t room = len - EV_SYM_SHORT;

	return sym->nfunc && sym->nfunc < room && !sym->text[sym->nfunc - 1] &&
	       !sym->text[room - 1] && sym->depth < EV_SYM_FRAMES && !sym->pad;
}

/* Arguments one behind the other, each with its whole text. */
static bool mark_args_ok(const char *p, size_t len)
{
	struct ev_mark_arg arg;

	while (len) {
		if (len < sizeof(arg))
			return false;
		memcpy(&arg, p, sizeof(arg));
		if (arg.nstr > len - sizeof(arg))
			return false;
		p += sizeof(arg) + arg.nstr;
		len -= sizeof(arg) + arg.nstr;
	}
	return true;
}

static bool mark_ok(const struct ev_mark *mark, size_t len)
{
	unsigned op = EV_MARK_OP(mark->h.arg), by = EV_MARK_BY(mark->h.arg);
	bool args = by == EV_BY_USDT && op == EV_MARK_LOG;

	if (!ev_op_name(op) || !ev_by_name(by) || mark->nname > EV_MARK_STR ||
	    (size_t)mark->nname + mark->ntext != len - EV_MARK_SHORT)
		return false;
	if (args) /* these may take all the room that the name leaves */
		return mark_args_ok(mark->text + mark->nname, mark->ntext);
	return mark->ntext <= EV_MARK_STR;
}

static bool kind_ok(const unsigned char *rec, size_t len)
{
	const struct ev_hdr *h = (const void *)rec;

	switch (h->kind) {
	case EV_SYS_ENTER:
		return ((const struct ev_sys *)h)->begin <= h->ts;
	case EV_STACK:
		return stack_ok((const void *)rec, len);
	case EV_MODULE:
		return module_ok((const void *)rec);
	case EV_SYM:
		return sym_ok((const void *)rec, len);
	case EV_MARK:
		return mark_ok((const void *)rec, len);
	case EV_SITE:
		return h->arg;
	case EV_CUT:
		return h->arg && !(h->arg & ~(EV_CUT_FILE | EV_CUT_SNAPSHOT));
	case EV_METRIC:
		return h->arg == EV_METRIC_RSS || h->arg == EV_METRIC_LIMIT;
	default:
		return true;
	}
}

/* Most records are of this kind: what the table says of it, without the table. */
static bool syscall_ok(const struct ev_sys *sys)
{
	return key_ok(sys->thr, false) && sys->begin <= sys->h.ts;
}

int ev_check(const void *rec, size_t len)
{
	const struct ev_hdr *h = rec;
	const struct ev_spec *s;

	if (len < sizeof(*h))
		return -EINVAL;
	if (h->kind == EV_SYSCALL && (len == EV_SYS_PLAIN || len == sizeof(struct ev_sys)))
		return syscall_ok(rec) ? 0 : -EINVAL;
	s = ev_spec(h->kind);
	if (!s || len < s->min || len > s->max || (s->step && (len - s->min) % s->step))
		return -EINVAL;
	for (const struct ev_field *f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++)
		if (!field_ok(f, rec, len))
			return -EINVAL;
	return kind_ok(rec, len) ? 0 : -EINVAL;
}

/* The id of a reference at the end of a record, where the record is long enough to have one. */
#define TAIL_ID(type, rec, len) \
	((len) >= sizeof(struct type) ? ((const struct type *)(rec))->stack.id : 0)

uint32_t ev_stack_id(const struct ev_hdr *h, size_t len)
{
	switch (h->kind) {
	case EV_SWITCH:
		return TAIL_ID(ev_switch, h, len);
	case EV_WAKING:
	case EV_WAKEUP:
		return TAIL_ID(ev_wake, h, len);
	case EV_FORK:
		return TAIL_ID(ev_fork, h, len);
	case EV_SYS_ENTER:
	case EV_SYSCALL:
		return TAIL_ID(ev_sys, h, len);
	case EV_SAMPLE:
		return TAIL_ID(ev_sample, h, len);
	case EV_SNAP:
		return ((const struct ev_snap *)h)->stack;
	case EV_MARK:
		return ((const struct ev_mark *)h)->stack.id;
	default:
		return 0;
	}
}
