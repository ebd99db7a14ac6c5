// SPDX-License-Identifier: BSD-2-Clause
/* Names of user frames: written as records, taken in again, and asked for; and what a frame is
 * called of which no record tells. */
#include "helpers.h"

#include "event/evspec.h"
#include "event/evsym.h"
#include "recorded.h"

static void take_sym(struct recorded *r, uint64_t frame, unsigned depth, const char *func,
		     const char *file, uint32_t line)
{
	struct sym_frame f = { func, file, line, 0 };
	struct ev_sym ev;
	size_t len = evsym_make(&ev, 77, frame, depth, &f);

	assert_int_equal(ev_check(&ev, len), 0);
	assert_int_equal(ev.h.ts, 77);
	recorded__take(r, &ev.h, len);
}

static void take_module(struct recorded *r, uint32_t number, const char *path)
{
	struct ev_module ev = { .h = { .kind = EV_MODULE, .arg = number }, .type = EV_MODULE_FILE };
	size_t n = strlen(path) + 1;

	memcpy(ev.path, path, n);
	assert_int_equal(ev_check(&ev, EV_MODULE_SHORT + n), 0);
	recorded__take(r, &ev.h, EV_MODULE_SHORT + n);
}

static void texts_of_records(void **state)
{
	static char longest[5000];
	struct sym_frame f = { "f", longest, 3, 0 };
	struct ev_sym ev;
	size_t len;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	len = evsym_make(&ev, 1, EV_FRAME(3, 4), 15, &f);
	assert_int_equal(ev_check(&ev, len), 0);
	assert_true(len <= EV_RECORD_MAX);
	assert_int_equal(len, sizeof(ev));
	assert_int_equal(ev.depth, 15);
	assert_int_equal(ev.h.arg, 3);
	assert_true(ev.frame == EV_FRAME(3, 4));
	assert_int_equal(strlen(ev.text + 2), sizeof(ev.text) - 3);

	f = (struct sym_frame){ longest, longest, 0, 0 };
	len = evsym_make(&ev, 1, 0, 0, &f);
	assert_int_equal(ev_check(&ev, len), 0);
	assert_int_equal(strlen(ev.text), 1023);
	assert_int_equal(len, sizeof(ev));
	assert_true(strlen(ev.text + ev.nfunc) >= sizeof(ev.text) / 3 - 1);

	/* a character is not cut in two, and what is none becomes U+FFFD */
	memset(longest, 0, sizeof(longest));
	for (size_t i = 0; i + 2 < 1024; i += 2)
		memcpy(longest + i, "\xc3\xa9", 2);
	f = (struct sym_frame){ longest, "a\xff", 0, 0 };
	len = evsym_make(&ev, 1, 0, 0, &f);
	assert_int_equal(ev_check(&ev, len), 0);
	assert_int_equal(strlen(ev.text), 1022);
	assert_string_equal(ev.text + ev.nfunc, "a\xef\xbf\xbd");

	f = (struct sym_frame){ "", "", 0, 0 };
	len = evsym_make(&ev, 1, 0, 0, &f);
	assert_int_equal(len, EV_SYM_SHORT + 2);
	assert_int_equal(ev_check(&ev, len), 0);
}

static void names_come_back(void **state)
{
	const struct sym_frame *a, *b;
	struct recorded *r = recorded__new();
	struct frame_resolver ask;

	(void)state;
	take_sym(r, EV_FRAME(1, 16), 0, "inner", "i.h", 3);
	take_sym(r, EV_FRAME(1, 16), 1, "outer", "o.c", 0);
	take_sym(r, EV_FRAME(1, 32), 0, "inner", "i.h", 3);
	take_sym(r, EV_FRAME(1, 16), 2, "late", "l.c", 1); /* not behind the others: left out */
	take_sym(r, EV_FRAME(1, 48), 1, "headless", "h.c", 1);
	take_sym(r, EV_FRAME(1, 64), 0, "old", "n.c", 1);
	take_sym(r, EV_FRAME(1, 64), 0, "new", "n.c", 1);
	take_sym(r, 0, 0, "zero", "z.c", 9);
	ask = recorded__resolver(r);
	assert_int_equal(ask.resolve(ask.ctx, EV_FRAME(1, 16), &a), 2);
	assert_string_equal(a[0].func, "inner");
	assert_string_equal(a[0].file, "i.h");
	assert_int_equal(a[0].line, 3);
	assert_string_equal(a[1].func, "outer");
	assert_int_equal(ask.resolve(ask.ctx, EV_FRAME(1, 32), &b), 1);
	assert_int_equal(b[0].serial, a[0].serial); /* the same function and line */
	assert_true(a[0].serial && a[1].serial && a[0].serial != a[1].serial);
	assert_int_equal(ask.resolve(ask.ctx, EV_FRAME(1, 64), &b), 1);
	assert_string_equal(b[0].func, "new");
	assert_int_equal(ask.resolve(ask.ctx, 0, &b), 1);
	assert_string_equal(b[0].func, "zero");
	assert_string_equal(a[1].func, "outer"); /* what was answered stays */
	recorded__free(r);
	recorded__free(NULL);
}

static void names_without_records(void **state)
{
	static const struct {
		uint64_t frame;
		const char *func, *file;
	} want[] = {
		{ EV_FRAME(1, 0x1234), "libc.so.6+0x1234", "/usr/lib/libc.so.6" },
		{ EV_FRAME(1, 0), "libc.so.6+0x0", "/usr/lib/libc.so.6" },
		{ EV_FRAME(2, 0xffffffffffff), "[vdso]+0xffffffffffff", "[vdso]" },
		{ EV_FRAME(3, 0x10), "module 3+0x10", "?" },
		{ EV_FRAME(4, 0x10), "module 4+0x10", "/dir/" },
		{ EV_FRAME(0, 0x7f0010), "0x7f0010", "?" },
	};
	struct recorded *r = recorded__new();
	const struct sym_frame *f, *again;
	struct frame_resolver ask;

	(void)state;
	take_module(r, 1, "/lib/old");
	take_module(r, 1, "/usr/lib/libc.so.6");
	take_module(r, 2, "[vdso]");
	take_module(r, 4, "/dir/");
	ask = recorded__resolver(r);
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(ask.resolve(ask.ctx, want[i].frame, &f), 1);
		assert_string_equal(f->func, want[i].func);
		assert_string_equal(f->file, want[i].file);
		assert_true(f->serial);
		assert_int_equal(ask.resolve(ask.ctx, want[i].frame, &again), 1);
		assert_ptr_equal(f, again);
	}
	/* the one word that is no key of our tables */
	assert_int_equal(ask.resolve(ask.ctx, UINT64_MAX, &f), 0);
	recorded__free(r);
}

/* Hostile: more names than memory should hold. */
static void bounded(void **state)
{
	struct recorded *r = recorded__new();
	const struct sym_frame *f;
	struct frame_resolver ask;
	static char text[1024];
	uint64_t i, n = SANITIZED ? 2000 : 100000;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (i = 1; i <= n; i++) {
		snprintf(text, 17, "%016llx", (unsigned long long)i);
		text[16] = 'x';
		take_sym(r, i, 0, text, "", 1);
	}
	ask = recorded__resolver(r);
	assert_int_equal(ask.resolve(ask.ctx, 1, &f), 1);
	assert_int_equal(strlen(f->func), 1023);
	assert_int_equal(ask.resolve(ask.ctx, n, &f), 1);
	if (!SANITIZED)
		assert_string_equal(f->func, "0x186a0"); /* had no room */
	recorded__free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_records),
		cmocka_unit_test(names_come_back),
		cmocka_unit_test(names_without_records),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
