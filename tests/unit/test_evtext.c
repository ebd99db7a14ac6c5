// SPDX-License-Identifier: BSD-2-Clause
/* Records as text: every legal record survives the way there and back, and wrong lines are told
 * apart. */
#include "tests/unit/helpers.h"

#include "event/evspec.h"
#include "event/evtext.h"

#define KEY(tid) ((uint64_t)(tid) | 1ull << 32)

static struct evtext_line line;

static const void *parse(const char *text)
{
	struct strbuf why = STRBUF_INIT;

	if (evtext_parse_line(text, &line, &why))
		fail_msg("'%s': %s", text, why.buf);
	strbuf_free(&why);
	return line.rec;
}

/* Lines in the form in which they are written. */
static const char *const canonical[] = {
	"1000 0 thread thr=100 pid=100 comm=\"redis-server\"",
	"1000 3 thread thr=2 pid=2 comm=\"kthreadd\" kthread",
	"1000 0 snap thr=100 pid=100 comm=\"x\" state=S fd=pipe nr=0",
	"1000 0 snap thr=100 pid=100 comm=\"x\" state=R oncpu kthread stack=7",
	"1010 0 switch prev=100 next=0 state=S fd=sock nr=202",
	"1010 0 switch prev=100 next=101.7 state=D stack=7",
	"1010 0 switch prev=0 next=101 nr=ia32_32766 stack=0",
	"1010 0 switch prev=0 next=101 stack=0 pad=4",
	"1020 1 waking wakee=100 waker=0",
	"1020 1 waking wakee=100 waker=7.0 irq oncpu",
	"1020 1 waking wakee=100 waker=7 stack=9",
	"1021 1 wakeup wakee=100 waker=0 irq",
	"1021 1 wakeup wakee=100 waker=7 stack=9",
	"1030 0 fork parent=100 child=101",
	"1030 0 fork parent=100 child=101 stack=9",
	"1030 0 fork parent=0 child=101 flags=128 arg=9",
	"1040 0 exec thr=101 tid=101 pid=101 comm=\"ls\" path=\"/bin/ls\"",
	"1040 0 exec thr=101 tid=101 pid=101 pad=1 comm=\"ls\"",
	"1040 0 exec thr=101 tid=101 pid=101 comm=\"\" path=\"\"",
	"1050 0 exit thr=101",
	"1050 0 exit thr=101 arg=6",
	"1060 0 rename thr=100 comm=\"a \\\"b\\\" \\\\ \\x01\\xff=\"",
	"1060 0 rename thr=100 comm=\"new\\x00old\"",
	"1070 0 sys_enter thr=100 nr=0 begin=1065",
	"1070 0 sys_enter thr=100 nr=4294967295 begin=1065",
	"1070 0 sys_enter thr=100 nr=ia32_0 begin=1065",
	"1070 0 sys_enter thr=100 nr=65535 begin=1065",
	"1070 0 sys_enter thr=100 nr=0 begin=1065 asked",
	"1070 0 sys_enter thr=100 nr=0 begin=1065 asked stack=4294967295",
	"1080 0 sys_exit thr=100 nr=0",
	"1090 0 syscall thr=100 nr=39 begin=1085",
	"1090 0 syscall thr=100 nr=39 begin=1085 stack=2",
	"1100 0 stack id=7 thr=100 kernel=ffffffff81000000,ffffffff81000010",
	"1100 0 stack id=7 thr=0 end=complete kernel=1 user=2:0,65535:ffffffffffff",
	"1100 0 stack id=7 thr=0 user=0:0",
	"1100 0 stack id=7 thr=0 end=no_mapping",
	"1100 0 stack id=7 thr=100",
	"1100 - ksym addr=ffffffff81000000 name=\"io_schedule\"",
	"900 - start",
	"1 - config",
	"1 - config syscalls nonames many",
	"2000 - stop",
	"1500 1 lost n=12",
	"1600 - metric rss=1048576",
	"1600 - metric limit=0",
	"900 - proc pid=100 comm=\"redis-server\" path=\"/usr/bin/redis-server\"",
	"900 - cpu n=0",
	"1120 0 sample thr=100 stack=7",
	"1120 0 sample thr=100 stack=0 pad=1",
	"900 - module id=1 type=file build=00ff10 path=\"/usr/lib/libc.so.6\"",
	"900 - module id=65534 type=jit pid=100 path=\"[jit]\"",
	"900 - module id=2 type=vdso",
	"2000 - sym frame=1:401126 func=\"main\" file=\"a.c\" line=12",
	"2000 - sym frame=1:401126 depth=15 func=\"\" file=\"\"",
	"1130 0 mark thr=100 op=task_begin by=header task=7 id=3 stack=9 name=\"a \\\"b\\\" \\x00\\xff\"",
	"1130 0 mark thr=100 op=task_end by=header task=4294967296",
	"1130 0 mark thr=100 op=region_begin by=func id=140737488346112 site=4",
	"1130 0 mark thr=100 op=region_end by=go goroutine=17 start=2:45f0e0 name=\"x\"",
	"1130 0 mark thr=100 op=log by=header pad=1 namecut textcut namebad textbad name=\"k\" text=\"v\"",
	"1130 0 mark thr=100 op=log by=go text=\"v\" arg=1048576",
	"1140 0 irq thr=100 ns=1200000 name=\"virtio0\"",
	"1140 0 irq thr=100 soft ns=1200000 name=\"NET_RX\"",
	"1140 0 leave pid=100",
	"900 - site id=4 name=\"PQexec\"",
	"2000 - epoch n=3",
	"2000 - cut file",
	"2000 - cut snapshot",
	"2000 - cut file snapshot",
	"18446744073709551615 65534 stop",
};

static void lines_come_back(void **state)
{
	struct strbuf out = STRBUF_INIT;
	uint64_t kinds = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
		parse(canonical[i]);
		assert_int_equal(line.what, EVTEXT_RECORD);
		assert_int_equal(ev_check(line.rec, line.len), 0);
		kinds |= 1ull << ((const struct ev_hdr *)line.rec)->kind;
		strbuf_reset(&out);
		evtext_format(&out, line.rec, line.len);
		assert_string_equal(out.buf, canonical[i]);
	}
	for (unsigned kind = 0; kind < EV_KIND_MAX; kind++)
		assert_int_equal(ev_spec(kind) != NULL, kinds >> kind & 1);
	strbuf_free(&out);
}

/* The text means these bytes; a twin error in both directions must not pass. */
static void bytes_of_records(void **state)
{
	const struct ev_switch *sw;
	const struct ev_snap *snap;
	const struct ev_wake *wake;
	const struct ev_exec *exec;
	const struct ev_sys *sys;
	const struct ev_stack *st;
	const struct ev_module *mod;
	const struct ev_sym *sym;
	const struct ev_hdr *h;

	(void)state;
	sw = parse("1010 2 switch nr=202 prev=100 next=101.7 state=S fd=sock\n");
	assert_int_equal(line.len, EV_SWITCH_SHORT);
	assert_int_equal(line.stream, 2);
	assert_int_equal(sw->h.ts, 1010);
	assert_int_equal(sw->h.kind, EV_SWITCH);
	assert_int_equal(sw->h.cpu, 2);
	assert_int_equal(sw->h.flags, 0);
	assert_int_equal(sw->h.arg, EV_ST_PACK('S', EV_FD_SOCKET, 202));
	assert_int_equal(sw->prev, KEY(100));
	assert_int_equal(sw->next, 101 | 7ull << 32);
	sw = parse("1 0 switch prev=0 next=0 stack=9");
	assert_int_equal(line.len, sizeof(*sw));
	assert_int_equal(sw->h.arg, EV_ST_PACK(0, 0, EV_NR_NONE));
	assert_int_equal(sw->prev, 0);
	assert_int_equal(sw->stack.id, 9);
	assert_int_equal(sw->stack.pad, 0);

	snap = parse("1 1 snap thr=7 pid=6 comm=\"0123456789abcde\" state=t oncpu kthread stack=4");
	assert_int_equal(line.len, sizeof(*snap));
	assert_int_equal(snap->t.h.arg, 6);
	assert_int_equal(snap->t.h.flags, EVF_ONCPU | EVF_KTHREAD);
	assert_int_equal(snap->t.thr, KEY(7));
	assert_string_equal(snap->t.comm, "0123456789abcde");
	assert_int_equal(snap->st, EV_ST_PACK('t', 0, EV_NR_NONE));
	assert_int_equal(snap->stack, 4);

	wake = parse("1 1 waking wakee=3 waker=4 irq arg=9");
	assert_int_equal(line.len, EV_WAKE_SHORT);
	assert_int_equal(wake->h.flags, EVF_IRQ);
	assert_int_equal(wake->h.arg, 9);
	assert_int_equal(wake->wakee, KEY(3));
	assert_int_equal(wake->waker, KEY(4));

	exec = parse("1 1 exec thr=3 tid=4 pid=5 comm=\"sh\" path=\"/bin/sh\"");
	assert_int_equal(line.len, EV_EXEC_SHORT + 8);
	assert_int_equal(exec->h.arg, 5);
	assert_int_equal(exec->tid, 4);
	assert_string_equal(exec->comm, "sh");
	assert_string_equal(exec->path, "/bin/sh");

	sys = parse("9 1 syscall thr=3 nr=ia32_39 begin=8");
	assert_int_equal(sys->h.arg, 39 | EV_NR_COMPAT);
	assert_int_equal(sys->h.flags, 0);
	assert_int_equal(sys->begin, 8);

	st = parse("9 1 stack id=2 thr=3 kernel=ffffffffffffffff,A user=3:b end=deep");
	assert_int_equal(line.len, EV_STACK_SHORT + 24);
	assert_int_equal(st->h.arg, 2);
	assert_int_equal(st->nkernel, 2);
	assert_int_equal(st->nuser, 1);
	assert_true(st->pc[0] == UINT64_MAX);
	assert_int_equal(st->pc[1], 10);
	assert_true(st->pc[2] == EV_FRAME(3, 11));
	assert_int_equal(st->end, EV_END_DEEP);

	mod = parse("9 - module id=5 type=vdso pid=6 build=0aB0 path=\"[vdso]\"");
	assert_int_equal(line.len, EV_MODULE_SHORT + 7);
	assert_int_equal(mod->h.arg, 5);
	assert_int_equal(mod->type, EV_MODULE_VDSO);
	assert_int_equal(mod->pid, 6);
	assert_int_equal(mod->nbuild, 2);
	assert_int_equal(mod->build_id[0] << 8 | mod->build_id[1], 0x0ab0);
	assert_string_equal(mod->path, "[vdso]");

	sym = parse("9 - sym frame=5:1f depth=2 func=\"f\" file=\"x.c\" line=77");
	assert_int_equal(line.len, EV_SYM_SHORT + 2 + 4);
	assert_int_equal(sym->h.arg, 77);
	assert_true(sym->frame == EV_FRAME(5, 0x1f));
	assert_int_equal(sym->depth, 2);
	assert_int_equal(sym->nfunc, 2);
	assert_memory_equal(sym->text, "f\0x.c", 6);

	h = parse("1 - config many");
	assert_int_equal(line.stream, EVTEXT_STREAM_LAST);
	assert_int_equal(h->cpu, 0xffff);
	assert_int_equal(h->arg, EV_CONFIG_MANY);
	h = parse("1 - metric limit=77");
	assert_int_equal(h->arg, EV_METRIC_LIMIT);
	assert_int_equal(((const struct ev_metric_rec *)h)->value, 77);
}

/* xorshift: the same records in every run */
static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static uint64_t random_key(bool nobody)
{
	uint64_t tid = 1 + next_random() % INT32_MAX,
		 serial = next_random() % 3 ? 1 : (uint32_t)next_random();

	return nobody && next_random() % 4 == 0 ? 0 : tid | serial << 32;
}

static void fit_stack(struct ev_stack *st, size_t len)
{
	unsigned n = (unsigned)((len - EV_STACK_SHORT) / 8);
	unsigned low = n > EV_USTACK_MAX ? n - EV_USTACK_MAX : 0;
	unsigned high = n < EV_KSTACK_MAX ? n : EV_KSTACK_MAX;

	st->h.arg |= 1;
	st->nkernel = (uint16_t)(low + next_random() % (high - low + 1));
	st->nuser = (uint16_t)(n - st->nkernel);
	st->end = (uint8_t)(next_random() % EV_END_MAX);
	memset(st->pad, 0, sizeof(st->pad));
}

static void fit_module(struct ev_module *mod)
{
	mod->h.arg = 1 + mod->h.arg % (EV_MODULE_MAX - 1);
	mod->type = (uint8_t)(1 + mod->type % EV_MODULE_JIT);
	mod->nbuild %= sizeof(mod->build_id) + 1;
	mod->pad = 0;
	memset(mod->build_id + mod->nbuild, 0, sizeof(mod->build_id) - mod->nbuild);
}

static void fit_sym(struct ev_sym *sym, size_t len)
{
	size_t room = len - EV_SYM_SHORT;

	sym->nfunc = (uint16_t)(1 + next_random() % (room - 1));
	sym->text[sym->nfunc - 1] = sym->text[room - 1] = '\0';
	sym->depth %= EV_SYM_FRAMES;
	sym->pad = 0;
}

static void fit_mark(struct ev_mark *mark, size_t len)
{
	size_t n = len - EV_MARK_SHORT, low = n > EV_MARK_STR ? n - EV_MARK_STR : 0;
	size_t high = n < EV_MARK_STR ? n : EV_MARK_STR;

	mark->h.arg = EV_MARK_PACK(1 + next_random() % EV_MARK_LOG, 1 + next_random() % EV_BY_GO,
				   next_random() % 32);
	mark->nname = (uint16_t)(low + next_random() % (high - low + 1));
	mark->ntext = (uint16_t)(n - mark->nname);
	if (EV_MARK_OP(mark->h.arg) == EV_MARK_LOG && EV_MARK_BY(mark->h.arg) == EV_BY_USDT)
		mark->h.arg = EV_MARK_PACK(EV_MARK_LOG, EV_BY_GO, 0);
	if (next_random() % 2)
		mark->start &= 0xffffffff00000000; /* half of a word is zero, not all of it */
}

static size_t random_record(unsigned char *rec, unsigned kind)
{
	static const char states[] = "\0RSDTtXPI";
	const struct ev_spec *s = ev_spec(kind);
	struct ev_hdr *h = (void *)rec;
	size_t len = s->min;

	for (size_t i = 0; i < EV_RECORD_MAX; i += 8) {
		uint64_t v = next_random();

		memcpy(rec + i, &v, 8);
	}
	if (s->step)
		len += next_random() % ((s->max - s->min) / s->step + 1) * s->step;
	h->kind = (uint8_t)kind;
	for (const struct ev_field *f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++) {
		uint64_t key = random_key(f->type == EVT_KEY_ANY);
		uint32_t word = EV_ST_PACK((unsigned char)states[next_random() % 9],
					   next_random() % 7,
					   next_random() % 3 ? next_random() % 500 : EV_NR_NONE);

		if (f->type == EVT_KEY || f->type == EVT_KEY_ANY)
			memcpy(rec + f->off, &key, 8);
		else if (f->type == EVT_COMM)
			rec[f->off + next_random() % EV_COMM_LEN] = '\0';
		else if (f->type == EVT_TAIL && len > f->off)
			rec[len - 1] = '\0';
		else if (f->type == EVT_STATE)
			memcpy(rec + f->off, &word, 4);
	}
	if (kind == EV_SYSCALL || kind == EV_SYS_ENTER)
		((struct ev_sys *)rec)->begin = h->ts - next_random() % (h->ts + 1);
	if (kind == EV_METRIC)
		h->arg = 1 + next_random() % 2;
	if (kind == EV_STACK)
		fit_stack((void *)rec, len);
	if (kind == EV_MODULE)
		fit_module((void *)rec);
	if (kind == EV_SYM)
		fit_sym((void *)rec, len);
	if (kind == EV_MARK)
		fit_mark((void *)rec, len);
	if (kind == EV_SITE)
		h->arg |= 1;
	if (kind == EV_CUT)
		h->arg = h->arg % 3 + 1;
	return len;
}

static void random_records_come_back(void **state)
{
	unsigned char rec[EV_RECORD_MAX] __attribute__((aligned(8)));
	struct strbuf out = STRBUF_INIT;

	(void)state;
	for (unsigned kind = 0; kind < EV_KIND_MAX; kind++) {
		for (int i = 0; ev_spec(kind) && i < 500; i++) {
			size_t len = random_record(rec, kind);

			assert_int_equal(ev_check(rec, len), 0);
			strbuf_reset(&out);
			evtext_format(&out, rec, len);
			assert_true(out.len < EVTEXT_LINE_MAX - 1);
			parse(out.buf);
			assert_int_equal(line.what, EVTEXT_RECORD);
			assert_int_equal(line.len, len);
			assert_memory_equal(line.rec, rec, len);
		}
	}
	strbuf_free(&out);
}

static void other_lines(void **state)
{
	(void)state;
	parse("");
	assert_int_equal(line.what, EVTEXT_NOTHING);
	parse("  \t\r\n");
	assert_int_equal(line.what, EVTEXT_NOTHING);
	parse("  # 1 0 stop");
	assert_int_equal(line.what, EVTEXT_NOTHING);
	parse("!advance 77\n");
	assert_int_equal(line.what, EVTEXT_ADVANCE);
	assert_int_equal(line.watermark, 77);
	parse("!stream 3");
	assert_int_equal(line.what, EVTEXT_STREAM);
	assert_int_equal(line.stream, 3);
	parse("!stream -");
	assert_int_equal(line.stream, EVTEXT_STREAM_LAST);
	parse("!stream");
	assert_int_equal(line.stream, EVTEXT_STREAM_BY_CPU);
	parse("#ctrace-events 1 cpus=4 mono=18446744073709551615 wall=-9223372036854775808\n");
	assert_int_equal(line.what, EVTEXT_HEAD);
	assert_int_equal(line.head.nstream, 5);
	assert_true(line.head.start_mono_ns == UINT64_MAX);
	assert_true(line.head.wall_offset_ns == INT64_MIN);
	parse("#ctrace-events 1 cpus=1");
	assert_int_equal(line.head.start_mono_ns, 0);
}

static void wrong_lines(void **state)
{
	static const char *const wrong[][2] = {
		{ "x 0 stop", "begins with a time" },
		{ "18446744073709551616 0 stop", "begins with a time" },
		{ "1", "no CPU" },
		{ "1 65536 stop", "no CPU" },
		{ "1 0", "no kind" },
		{ "1 0 nap", "'nap' is no kind" },
		{ "1 0 stop now", "stop has no 'now'" },
		{ "1 0 exit", "exit needs 'thr'" },
		{ "1 0 exit thr=1 thr=1", "'thr' stands there twice" },
		{ "1 0 exit thr", "'thr' needs a value" },
		{ "1 - config many=1", "'many' takes no value" },
		{ "1 0 exit thr=", "value of 'thr'" },
		{ "1 0 exit thr=\"1\"", "value of 'thr'" },
		{ "1 0 exit thr=1.x", "value of 'thr'" },
		{ "1 0 exit thr=4294967296", "value of 'thr'" },
		{ "1 0 exit thr=0", "not legal" },
		{ "1 0 rename thr=1 comm=x", "value of 'comm'" },
		{ "1 0 rename thr=1 comm=\"x", "does not end" },
		{ "1 0 rename thr=1 comm=\"\\n\"", "an escape other" },
		{ "1 0 rename thr=1 comm=\"\\x1\"", "an escape other" },
		{ "1 0 rename thr=1 comm=\"x\"y", "without a space" },
		{ "1 0 rename thr=1 comm=\"0123456789abcdef\"", "not legal" },
		{ "1 0 rename thr=1 comm=\"0123456789abcdefg\"", "value of 'comm'" },
		{ "1 0 switch prev=0 next=0 state=SS", "value of 'state'" },
		{ "1 0 switch prev=0 next=0 state=Q", "not legal" },
		{ "1 0 switch prev=0 next=0 fd=door", "value of 'fd'" },
		{ "1 0 switch prev=0 next=0 nr=65536", "value of 'nr'" },
		{ "1 0 stack id=0 thr=1", "not legal" },
		{ "1 0 stack id=1 thr=1 kernel=1,,2", "value of 'kernel'" },
		{ "1 0 stack id=1 thr=1 kernel=0x1", "value of 'kernel'" },
		{ "1 0 stack id=1 thr=1 kernel=11111111111111111", "value of 'kernel'" },
		{ "1 0 stack id=1 thr=1 user=0:1 kernel=2", "value of 'kernel'" },
		{ "1 0 stack id=1 thr=1 user=1", "value of 'user'" },
		{ "1 0 stack id=1 thr=1 user=65536:1", "value of 'user'" },
		{ "1 0 stack id=1 thr=1 user=00000000000001:1", "value of 'user'" },
		{ "1 0 stack id=1 thr=1 user=1:1000000000000", "value of 'user'" },
		{ "1 0 stack id=1 thr=1 end=never", "value of 'end'" },
		{ "1 - module id=0 type=file", "not legal" },
		{ "1 - module id=1 type=dll", "value of 'type'" },
		{ "1 - module id=1 type=file build=123", "value of 'build'" },
		{ "1 - module id=1 type=file build=1g", "value of 'build'" },
		{ "1 - sym frame=1:1 file=\"\" func=\"\"", "value of 'file'" },
		{ "1 - sym frame=1:1 func=\"f\"", "sym needs 'file'" },
		{ "1 0 mark thr=1 op=nap by=go", "value of 'op'" },
		{ "1 0 mark thr=1 op=log by=me", "value of 'by'" },
		{ "1 0 mark thr=1 op=log", "mark needs 'by'" },
		{ "1 0 mark thr=1 op=log by=go text=\"v\" name=\"k\"", "value of 'name'" },
		{ "1 0 mark thr=1 op=log by=usdt text=\"v\"", "not legal" },
		{ "1 - site id=0 name=\"x\"", "not legal" },
		{ "1 - sym frame=1:1 depth=16 func=\"\" file=\"\"", "not legal" },
		{ "1 0 syscall thr=1 nr=2 begin=2", "not legal" },
		{ "1 0 metric", "not legal" },
		{ "1 0 metric rss=1 limit=2", "value of 'limit'" },
		{ "1 0 stop flags=256", "no 'flags'" },
		{ "!advance", "a directive is" },
		{ "!advance 1 2", "a directive is" },
		{ "!stream 65536", "a directive is" },
		{ "!retreat 1", "a directive is" },
		{ "#ctrace-events 2 cpus=1", "version is not 1" },
		{ "#ctrace-events 1", "first line" },
		{ "#ctrace-events 1 cpus=1 wall=9223372036854775808", "first line" },
		{ "#ctrace-events 1 cpus=1 cups=1", "first line" },
	};
	struct strbuf why = STRBUF_INIT;
	char deep[16 * 34] = "1 0 stack id=1 thr=1 kernel=1";

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(evtext_parse_line(wrong[i][0], &line, &why), -EINVAL);
		if (!strstr(why.buf, wrong[i][1]))
			fail_msg("'%s' gives '%s'", wrong[i][0], why.buf);
	}
	for (int i = 1; i < EV_KSTACK_MAX; i++)
		strcat(deep, ",1");
	assert_int_equal(evtext_parse_line(deep, &line, &why), 0);
	strcat(deep, ",1");
	assert_int_equal(evtext_parse_line(deep, &line, &why), -EINVAL);
	strbuf_free(&why);
}

static void illegal_records_become_comments(void **state)
{
	struct ev_hdr h = { .ts = 1, .kind = 99 };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	evtext_format(&out, &h, sizeof(h));
	assert_string_equal(
		out.buf, "# not a legal record: 01 00 00 00 00 00 00 00 63 00 00 00 00 00 00 00");
	strbuf_free(&out);
}

/* ---- files ---- */

static FILE *file_of(const char *text)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	rewind(f);
	return f;
}

/* Reads a text file to its end as "stream:ts" and "!watermark", then "." or the reason. */
static void read_all(const char *text, struct strbuf *got)
{
	struct strbuf why = STRBUF_INIT;
	struct evtext_reader *r;
	struct evlog_item it;
	FILE *f = file_of(text);

	strbuf_reset(got);
	r = evtext_reader__new(fileno(f), &why);
	if (!r) {
		strbuf_addstr(got, why.buf);
		goto out;
	}
	for (;;) {
		assert_int_equal(evtext_reader__next(r, &it), 0);
		if (it.what == EVLOG_RECORD)
			strbuf_addf(got, "%u:%d ", it.stream,
				    (int)((const struct ev_hdr *)it.rec)->ts);
		else if (it.what == EVLOG_ADVANCE)
			strbuf_addf(got, "!%d ", (int)it.watermark);
		else
			break;
	}
	strbuf_addstr(got, evtext_reader__complete(r) ? "." : evtext_reader__why(r));
	assert_int_equal(evtext_reader__next(r, &it), 0);
	assert_int_equal(it.what, EVLOG_END);
out:
	evtext_reader__free(r);
	strbuf_free(&why);
	fclose(f);
}

static void files_as_sources(void **state)
{
	struct strbuf got = STRBUF_INIT;
	struct strbuf text = STRBUF_INIT;

	(void)state;
	read_all(
		"#ctrace-events 1 cpus=2\n1 0 stop\n\n# x\n2 1 stop\n3 - stop\n!advance 3\n!stream 0\n"
		"4 1 stop\n5 9 stop\n6 - stop\n!stream -\n7 0 stop\n!stream\n8 1 stop",
		&got);
	assert_string_equal(got.buf, "0:1 1:2 2:3 !3 0:4 0:5 0:6 2:7 1:8 .");
	read_all("#ctrace-events 1 cpus=2\n1 0 stop\n2 2 stop\n3 0 stop\n", &got);
	assert_string_equal(got.buf, "0:1 line 3: the file has 2 CPUs");
	read_all("#ctrace-events 1 cpus=2\n!stream 3\n2 0 stop\n", &got);
	assert_string_equal(got.buf, "line 3: the file has 2 CPUs");
	read_all("#ctrace-events 1 cpus=2\n1 0 stop\n2 0 stopp\n", &got);
	assert_string_equal(got.buf, "0:1 line 3: 'stopp' is no kind of record");
	read_all("#ctrace-events 1 cpus=2\n#ctrace-events 1 cpus=2\n", &got);
	assert_string_equal(got.buf, "line 2: a second first line");
	read_all("1 0 stop\n", &got);
	assert_non_null(strstr(got.buf, "not a text of records"));
	read_all("", &got);
	assert_non_null(strstr(got.buf, "not a text of records"));
	strbuf_addstr(&text, "#ctrace-events 1 cpus=2\n#");
	for (int i = 0; i < EVTEXT_LINE_MAX; i++)
		strbuf_addch(&text, 'x');
	read_all(text.buf, &got);
	assert_string_equal(got.buf, "line 2: too long, or with a NUL in it");
	strbuf_free(&text);
	strbuf_free(&got);
}

/* Text to a raw record file to text: nothing changes, streams included. */
static void dump(void **state)
{
	static const char text[] = "#ctrace-events 1 cpus=2 mono=5 wall=-6\n"
				   "1 - config syscalls\n"
				   "1 0 stop\n"
				   "!stream -\n"
				   "2 1 snap thr=7 pid=7 comm=\"x\" state=R oncpu\n"
				   "3 9 lost n=1\n"
				   "!stream\n"
				   "4 1 exit thr=7\n"
				   "!advance 4\n"
				   "!stream 0\n"
				   "5 9 lost n=1\n";
	struct strbuf why = STRBUF_INIT;
	struct evtext_reader *r;
	struct evlog_writer *w;
	struct evlog_item it;
	FILE *in = file_of(text), *raw = tmpfile(), *out;
	char *got = NULL;
	size_t len = 0;

	(void)state;
	assert_non_null(raw);
	r = evtext_reader__new(fileno(in), &why);
	assert_non_null(r);
	w = evlog_writer__new(&FD_SINK(fileno(raw)), evtext_reader__head(r));
	assert_non_null(w);
	while (!evtext_reader__next(r, &it) && it.what != EVLOG_END) {
		if (it.what == EVLOG_RECORD)
			assert_int_equal(evlog_writer__records(w, it.stream, it.rec, it.len), 0);
		else
			assert_int_equal(evlog_writer__advance(w, it.watermark), 0);
	}
	assert_true(evtext_reader__complete(r));
	assert_int_equal(evlog_writer__finish(w), 0);
	lseek(fileno(raw), 0, SEEK_SET);
	out = open_memstream(&got, &len);
	assert_int_equal(evtext_dump(fileno(raw), out, &why), 0);
	fclose(out);
	assert_string_equal(got, text);
	assert_string_equal(why.buf, "");
	free(got);

	/* without its end */
	assert_int_equal(ftruncate(fileno(raw), (off_t)evlog_writer__bytes(w) - 8), 0);
	lseek(fileno(raw), 0, SEEK_SET);
	got = NULL;
	out = open_memstream(&got, &len);
	assert_int_equal(evtext_dump(fileno(raw), out, &why), 0);
	fclose(out);
	assert_memory_equal(got, text, strlen(text));
	assert_int_equal(strncmp(got + strlen(text), "# incomplete: cut off at byte ", 30), 0);
	assert_int_equal(strncmp(why.buf, "incomplete: cut off at byte ", 28), 0);
	free(got);

	lseek(fileno(in), 0, SEEK_SET);
	assert_int_equal(evtext_dump(fileno(in), stdout, &why), -EINVAL);
	evlog_writer__free(w);
	evtext_reader__free(r);
	strbuf_free(&why);
	fclose(raw);
	fclose(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back),
		cmocka_unit_test(bytes_of_records),
		cmocka_unit_test(random_records_come_back),
		cmocka_unit_test(other_lines),
		cmocka_unit_test(wrong_lines),
		cmocka_unit_test(illegal_records_become_comments),
		cmocka_unit_test(files_as_sources),
		cmocka_unit_test(dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
