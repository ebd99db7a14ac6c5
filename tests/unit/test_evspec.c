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
	unsigned char bytes[EV_RECORD_MAX];
};

/* A legal record of its kind, of the shortest length. */
static size_t legal(union rec *r, unsigned kind)
{
	const struct ev_spec *s = ev_spec(kind);

	memset(r, 0, sizeof(*r));
	r->h.ts = 1000;
	r->h.kind = (uint8_t)kind;
	if (kind == EV_STACK || kind == EV_METRIC)
		r->h.arg = 1;
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
		bool is_kind = (kind > EV_NONE && kind < EV_KERNEL_MAX) ||
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
	assert_int_equal(found, EV_KERNEL_MAX - 1 + EV_KIND_MAX - EV_START);
	assert_int_equal(ev_kind_by_name("switc", 5), EV_NONE);
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
				r.stack.nkernel = (uint16_t)((n - EV_STACK_SHORT) / 8);
			assert_int_equal(ev_check(&r, n), ok ? 0 : -EINVAL);
		}
	}
}

static void unknown_kinds(void **state)
{
	union rec r = { .h.kind = EV_NONE };

	(void)state;
	assert_int_equal(ev_check(&r, sizeof(r.h)), -EINVAL);
	r.h.kind = EV_KERNEL_MAX;
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
	assert_string_equal(ev_path(&r, len), "");
	memcpy(r.exec.path, "/bin/ls", 8);
	assert_int_equal(ev_check(&r, EV_EXEC_SHORT + 7), -EINVAL);
	assert_int_equal(ev_check(&r, EV_EXEC_SHORT + 8), 0);
	assert_string_equal(ev_path(&r, EV_EXEC_SHORT + 8), "/bin/ls");

	legal(&r, EV_KSYM);
	memcpy(r.ksym.name, "schedule", 9);
	assert_int_equal(ev_check(&r, EV_KSYM_SHORT + 9), 0);
	assert_string_equal(ev_path(&r, EV_KSYM_SHORT + 9), "schedule");
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

static void stack_of_a_switch(void **state)
{
	struct ev_switch sw = { .kstack = 7 };

	(void)state;
	assert_int_equal(ev_kstack(&sw, EV_SWITCH_SHORT), 0);
	assert_int_equal(ev_kstack(&sw, sizeof(sw)), 7);
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
		cmocka_unit_test(stack_of_a_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
