// SPDX-License-Identifier: BSD-2-Clause
/* The table of records and the check that guards everybody who reads them through structs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "event/evspec.h"

#define KEY(tid) ((uint64_t)(tid) | 1ull << 32)

union rec {
	struct ev_hdr h;
	struct ev_switch sw;
	struct ev_thread thread;
	struct ev_exec exec;
	struct ev_sys sys;
	struct ev_stack stack;
	struct ev_snap snap;
	struct ev_metric_rec metric;
	struct ev_ksym ksym;
	struct ev_module module;
	struct ev_sym sym;
	struct ev_sample sample;
	struct ev_wake wake;
	struct ev_fork fork;
	struct ev_mark mark;
	unsigned char bytes[EV_RECORD_MAX];
};

/* A legal record of its kind, of the shortest length. */
static size_t legal(union rec *r, unsigned kind)
{
	const struct ev_spec *s = ev_spec(kind);

	memset(r, 0, sizeof(*r));
	r->h.ts = 1000;
	r->h.kind = (uint8_t)kind;
	if (kind == EV_STACK || kind == EV_METRIC || kind == EV_MODULE || kind == EV_SITE ||
	    kind == EV_CUT)
		r->h.arg = 1;
	if (kind == EV_MODULE)
		r->module.type = EV_MODULE_FILE;
	if (kind == EV_SYM)
		r->sym.nfunc = 1;
	if (kind == EV_MARK)
		r->h.arg = EV_MARK_PACK(EV_MARK_LOG, EV_BY_HEADER, 0);
	for (const struct ev_field *f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++) {
		uint64_t key = KEY(100);

		if (f->type == EVT_KEY)
			memcpy(r->bytes + f->off, &key, sizeof(key));
	}
	return s->min;
}

static void every_kind_has_a_row(void **state)
{
	unsigned found = 0;

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		const struct ev_spec *s = ev_spec(kind);
		bool is_kind = (kind > EV_NONE && kind < EV_KERNEL_END) ||
			       (kind >= EV_START && kind < EV_KIND_MAX);

		assert_int_equal(s != NULL, is_kind);
		if (!s)
			continue;
		found++;
		assert_int_equal(ev_kind_by_name(s->name, strlen(s->name)), kind);
		assert_true(s->min >= sizeof(struct ev_hdr) && s->min <= s->max);
		assert_true(s->max <= EV_RECORD_MAX);
		assert_int_equal(s->step != 0, s->min != s->max);
		for (size_t i = 0; i < EV_FIELDS_MAX && s->field[i].name; i++)
			assert_true(s->field[i].off <= s->max);
	}
	assert_int_equal(found, EV_KERNEL_END - 1 + EV_KIND_MAX - EV_START);
	assert_int_equal(ev_kind_by_name("switc", 5), EV_NONE);
}

/* Kernel frames as many as may be, user frames for the rest. */
static void set_frames(struct ev_stack *st, size_t cnt)
{
	st->nkernel = (uint16_t)(cnt < EV_KSTACK_MAX ? cnt : EV_KSTACK_MAX);
	st->nuser = (uint16_t)(cnt - st->nkernel);
}

/* A name as long as may be, text for the rest. */
static void set_texts(struct ev_mark *mark, size_t len)
{
	mark->nname = (uint16_t)(len < EV_MARK_STR ? len : EV_MARK_STR);
	mark->ntext = (uint16_t)(len - mark->nname);
}

static void lengths(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < EV_KIND_MAX; kind++) {
		const struct ev_spec *s = ev_spec(kind);
		union rec r;
		size_t len;

		if (!s)
			continue;
		len = legal(&r, kind);
		assert_int_equal(ev_check(&r, len), 0);
		for (size_t n = 0; n < EV_RECORD_MAX; n++) {
			bool ok = n >= s->min && n <= s->max &&
				  (s->step ? (n - s->min) % s->step == 0 : n == s->min);

			if (kind == EV_STACK && ok)
				set_frames(&r.stack, (n - EV_STACK_SHORT) / 8);
			if (kind == EV_MARK && ok)
				set_texts(&r.mark, n - EV_MARK_SHORT);
			assert_int_equal(ev_check(&r, n), ok ? 0 : -EINVAL);
		}
	}
}

static void unknown_kinds(void **state)
{
	union rec r = { .h.kind = EV_NONE };

	(void)state;
	assert_int_equal(ev_check(&r, sizeof(r.h)), -EINVAL);
	r.h.kind = EV_KERNEL_END;
	assert_int_equal(ev_check(&r, sizeof(r.h)), -EINVAL);
	r.h.kind = EV_KIND_MAX;
	assert_int_equal(ev_check(&r, sizeof(r.h)), -EINVAL);
	r.h.kind = 255;
	assert_int_equal(ev_check(&r, sizeof(r.h)), -EINVAL);
	r.h.kind = EV_STOP;
	assert_int_equal(ev_check(&r, sizeof(r.h)), 0);
}

static void texts_end(void **state)
{
	union rec r;
	size_t len = legal(&r, EV_THREAD);

	(void)state;
	memset(r.thread.comm, 'x', sizeof(r.thread.comm));
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.thread.comm[EV_COMM_LEN - 1] = '\0';
	assert_int_equal(ev_check(&r, len), 0);

	len = legal(&r, EV_EXEC);
	memcpy(r.exec.path, "/bin/ls", 8);
	assert_int_equal(ev_check(&r, EV_EXEC_SHORT + 7), -EINVAL);
	assert_int_equal(ev_check(&r, EV_EXEC_SHORT + 8), 0);
	assert_int_equal(ev_check(&r, len), 0); /* without one */

	legal(&r, EV_KSYM);
	memcpy(r.ksym.name, "schedule", 9);
	assert_int_equal(ev_check(&r, EV_KSYM_SHORT + 9), 0);
	assert_int_equal(ev_check(&r, EV_KSYM_SHORT + 8), -EINVAL);
}

static void keys(void **state)
{
	union rec r;
	size_t len = legal(&r, EV_SWITCH);

	(void)state;
	assert_int_equal(ev_check(&r, len), 0); /* nobody to nobody */
	r.sw.prev = 5ull << 32;
	assert_int_equal(ev_check(&r, len), -EINVAL); /* a serial without a tid */
	r.sw.prev = KEY(0x80000000u);
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.sw.prev = KEY(0x7fffffff);
	assert_int_equal(ev_check(&r, len), 0);

	len = legal(&r, EV_THREAD);
	r.thread.thr = 0;
	assert_int_equal(ev_check(&r, len), -EINVAL);
}

static void packed_words(void **state)
{
	union rec r;
	size_t len = legal(&r, EV_SWITCH);

	(void)state;
	r.h.arg = EV_ST_PACK(EV_ST_DISK, EV_FD_OTHER, 0);
	assert_int_equal(ev_check(&r, len), 0);
	r.h.arg = EV_ST_PACK(EV_ST_DISK, EV_FD_OTHER + 1, 0);
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.h.arg = EV_ST_PACK('Q', 0, 0);
	assert_int_equal(ev_check(&r, len), -EINVAL);

	len = legal(&r, EV_SNAP);
	r.snap.st = EV_ST_PACK('Q', 0, 0);
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.snap.st = EV_ST_PACK(EV_ST_RUNNABLE, 0, EV_NR_NONE);
	assert_int_equal(ev_check(&r, len), 0);
}

static void values_between_fields(void **state)
{
	union rec r;
	size_t len = legal(&r, EV_SYSCALL);

	(void)state;
	r.sys.begin = r.h.ts;
	assert_int_equal(ev_check(&r, len), 0);
	r.sys.begin = r.h.ts + 1;
	assert_int_equal(ev_check(&r, len), -EINVAL);

	legal(&r, EV_STACK);
	r.stack.nkernel = 1;
	r.stack.nuser = 1;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT + 16), 0);
	assert_int_equal(ev_check(&r, EV_STACK_SHORT + 8), -EINVAL);
	r.stack.nkernel = 0xffff;
	r.stack.nuser = 3; /* the sum must not wrap */
	assert_int_equal(ev_check(&r, EV_STACK_SHORT + 16), -EINVAL);
	r.stack.nkernel = r.stack.nuser = 0;
	r.h.arg = 0;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT), -EINVAL);

	len = legal(&r, EV_METRIC);
	r.h.arg = EV_METRIC_LIMIT + 1;
	assert_int_equal(ev_check(&r, len), -EINVAL);
}

static void limits_of_stacks(void **state)
{
	union rec r;

	(void)state;
	legal(&r, EV_STACK);
	r.stack.nkernel = EV_KSTACK_MAX + 1;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT + 8 * (EV_KSTACK_MAX + 1)), -EINVAL);
	r.stack.nkernel = 0;
	r.stack.nuser = EV_USTACK_MAX;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT + 8 * EV_USTACK_MAX), 0);
	r.stack.nuser++;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT + 8 * (EV_USTACK_MAX + 1)), -EINVAL);
	r.stack.nuser = 0;
	r.stack.end = EV_END_LOOP;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT), 0);
	r.stack.end = EV_END_MAX;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT), -EINVAL);
	r.stack.end = 0;
	r.stack.pad[2] = 1;
	assert_int_equal(ev_check(&r, EV_STACK_SHORT), -EINVAL);
}

static void modules(void **state)
{
	union rec r;
	size_t len = legal(&r, EV_MODULE);

	(void)state;
	r.h.arg = 0;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.h.arg = EV_MODULE_MAX;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.h.arg = EV_MODULE_MAX - 1;
	assert_int_equal(ev_check(&r, len), 0);
	r.module.type = EV_MODULE_JIT + 1;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.module.type = 0;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.module.type = EV_MODULE_JIT;
	r.module.nbuild = 33;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.module.nbuild = 20;
	r.module.build_id[19] = 7;
	assert_int_equal(ev_check(&r, len), 0);
	r.module.nbuild = 19; /* bytes that nobody counts */
	assert_int_equal(ev_check(&r, len), -EINVAL);
}

static void symbols(void **state)
{
	size_t len = EV_SYM_SHORT + 5 + 4;
	union rec r;

	(void)state;
	legal(&r, EV_SYM);
	memcpy(r.sym.text, "main\0a.c", 9);
	r.sym.nfunc = 5;
	assert_int_equal(ev_check(&r, len), 0);
	assert_int_equal(ev_check(&r, len - 1), -EINVAL); /* file without its NUL */
	assert_int_equal(ev_check(&r, EV_SYM_SHORT + 5), -EINVAL);
	r.sym.nfunc = 4;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.sym.nfunc = 0xffff;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.sym.nfunc = 5;
	r.sym.depth = EV_SYM_FRAMES;
	assert_int_equal(ev_check(&r, len), -EINVAL);
	r.sym.depth = EV_SYM_FRAMES - 1;
	assert_int_equal(ev_check(&r, len), 0);
}

static void ids_of_stacks(void **state)
{
	union rec r;
	size_t i;
	static const struct {
		uint8_t kind;
		size_t with, without; /* 0: it always has one */
		size_t off;
	} kinds[] = {
		{ EV_SWITCH, 40, 32, 32 }, { EV_WAKING, 40, 32, 32 },	 { EV_WAKEUP, 40, 32, 32 },
		{ EV_FORK, 40, 32, 32 },   { EV_SYS_ENTER, 40, 32, 32 }, { EV_SYSCALL, 40, 32, 32 },
		{ EV_SAMPLE, 32, 0, 24 },  { EV_SNAP, 48, 0, 44 },
	};

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		legal(&r, kinds[i].kind);
		r.bytes[kinds[i].off] = 7;
		assert_int_equal(ev_check(&r, kinds[i].with), 0);
		assert_int_equal(ev_stack_id(&r.h, kinds[i].with), 7);
		if (kinds[i].without)
			assert_int_equal(ev_stack_id(&r.h, kinds[i].without), 0);
	}
	legal(&r, EV_EXIT);
	memset(r.bytes + sizeof(r.h), 7, 100);
	assert_int_equal(ev_stack_id(&r.h, sizeof(struct ev_exit)), 0);
}

static void marks(void **state)
{
	size_t len = EV_MARK_SHORT + 8;
	union rec r;

	(void)state;
	legal(&r, EV_MARK);
	r.mark.nname = 3;
	r.mark.ntext = 5;
	assert_int_equal(ev_check(&r, len), 0);
	assert_int_equal(ev_check(&r, len - 1), -EINVAL);
	assert_int_equal(ev_check(&r, len + 1), -EINVAL);
	r.mark.nname = EV_MARK_STR + 1;
	r.mark.ntext = 0;
	assert_int_equal(ev_check(&r, EV_MARK_SHORT + EV_MARK_STR + 1), -EINVAL);
	r.mark.nname = 0;
	r.mark.ntext = EV_MARK_STR + 1;
	assert_int_equal(ev_check(&r, EV_MARK_SHORT + EV_MARK_STR + 1), -EINVAL);
	r.mark.ntext = 8;
	for (unsigned i = 0; i < 256; i++) {
		r.h.arg = EV_MARK_PACK(i, EV_BY_GO, 0);
		assert_int_equal(ev_check(&r, len), i > 0 && i < EV_MARK_OP_MAX ? 0 : -EINVAL);
		r.h.arg = EV_MARK_PACK(EV_MARK_TASK_END, i, 0);
		assert_int_equal(ev_check(&r, len), i > 0 && i < EV_MARK_BY_MAX ? 0 : -EINVAL);
	}
	legal(&r, EV_SITE);
	r.h.arg = 0;
	assert_int_equal(ev_check(&r, EV_SITE_SHORT), -EINVAL);
	len = legal(&r, EV_CUT);
	for (unsigned i = 0; i < 8; i++) {
		r.h.arg = i;
		assert_int_equal(ev_check(&r, len), i > 0 && i < 4 ? 0 : -EINVAL);
	}
}

/* The message of somebody else's marker is its arguments, and those are whole. */
static void mark_arguments(void **state)
{
	struct ev_mark_arg arg = { .value = 7, .size = 8, .nstr = 3 };
	size_t one = sizeof(arg) + arg.nstr, two = one + sizeof(arg);
	union rec r;

	(void)state;
	legal(&r, EV_MARK);
	r.h.arg = EV_MARK_PACK(EV_MARK_LOG, EV_BY_USDT, 0);
	memcpy(r.mark.text, &arg, sizeof(arg));
	arg.nstr = 0;
	memcpy(r.mark.text + one, &arg, sizeof(arg));
	for (size_t n = 0; n <= two; n++) {
		r.mark.ntext = (uint16_t)n;
		assert_int_equal(ev_check(&r, EV_MARK_SHORT + n),
				 n == 0 || n == one || n == two ? 0 : -EINVAL);
	}
	/* they may take the room of a name that is not there, other texts may not */
	arg.nstr = (uint16_t)(sizeof(r.mark.text) - sizeof(arg));
	memcpy(r.mark.text, &arg, sizeof(arg));
	r.mark.ntext = sizeof(r.mark.text);
	assert_int_equal(ev_check(&r, EV_MARK_SHORT + sizeof(r.mark.text)), 0);
	r.h.arg = EV_MARK_PACK(EV_MARK_LOG, EV_BY_HEADER, 0);
	assert_int_equal(ev_check(&r, EV_MARK_SHORT + sizeof(r.mark.text)), -EINVAL);
	r.mark.ntext = 5;
	r.h.arg = EV_MARK_PACK(EV_MARK_REGION_BEGIN, EV_BY_USDT, 0);
	assert_int_equal(ev_check(&r, EV_MARK_SHORT + 5), 0);
	r.h.arg = EV_MARK_PACK(EV_MARK_LOG, EV_BY_HEADER, 0);
	assert_int_equal(ev_check(&r, EV_MARK_SHORT + 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_row),
		cmocka_unit_test(lengths),
		cmocka_unit_test(unknown_kinds),
		cmocka_unit_test(texts_end),
		cmocka_unit_test(keys),
		cmocka_unit_test(packed_words),
		cmocka_unit_test(values_between_fields),
		cmocka_unit_test(limits_of_stacks),
		cmocka_unit_test(modules),
		cmocka_unit_test(symbols),
		cmocka_unit_test(marks),
		cmocka_unit_test(mark_arguments),
		cmocka_unit_test(ids_of_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
