// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading Go traces: framing of the four headers, tables, events, the text form and the repair of
 * files that were cut. Traces are built here byte by byte, so nothing of the encoder can hide an
 * error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gotrace/decode.h"
#include "gotrace/rawtext.h"
#include "gotrace/repair.h"
#include "gotrace/writer.h"
#include "util/strbuf.h"

static const unsigned minors[] = { 22, 23, 25, 26 };
#define EACH_MINOR(m) (const unsigned *m = minors; m < minors + 4; m++)

/* ---- building ---- */

static void uv(struct strbuf *sb, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		strbuf_addch(sb, (char)(v | 0x80));
	strbuf_addch(sb, (char)v);
}

/* An event number or a byte, then numbers. */
static void put(struct strbuf *sb, uint8_t first, unsigned n, ...)
{
	va_list ap;

	strbuf_addch(sb, (char)first);
	va_start(ap, n);
	for (unsigned i = 0; i < n; i++)
		uv(sb, va_arg(ap, uint64_t));
	va_end(ap);
}
#define PUT(sb, first, ...) \
	put(sb, first, sizeof((const uint64_t[]){ 0, ##__VA_ARGS__ }) / 8 - 1, ##__VA_ARGS__)
#define N(x) ((uint64_t)(x))

static void header(struct strbuf *sb, unsigned minor)
{
	strbuf_addf(sb, "go 1.%u trace", minor);
	strbuf_add(sb, "\0\0\0", 3);
}

/* Frames `body` as a batch and empties it. */
static void batch(struct strbuf *sb, uint64_t gen, uint64_t m, uint64_t time, struct strbuf *body)
{
	PUT(sb, GO_EV_EVENT_BATCH, gen, m, time, N(body->len));
	strbuf_add(sb, body->buf, body->len);
	strbuf_reset(body);
}

static void string(struct strbuf *body, uint64_t id, const char *text)
{
	PUT(body, GO_EV_STRING, id, N(strlen(text)));
	strbuf_addstr(body, text);
}

static void sync_batch(struct strbuf *sb, unsigned minor, uint64_t gen, uint64_t time)
{
	struct strbuf b = STRBUF_INIT;

	if (minor >= 25)
		PUT(&b, GO_EV_SYNC);
	PUT(&b, GO_EV_FREQUENCY, N(1000000000));
	if (minor >= 25)
		PUT(&b, GO_EV_CLOCK_SNAPSHOT, N(2), N(5000), N(17), N(9));
	batch(sb, gen, GO_NO_THREAD, time, &b);
	strbuf_free(&b);
}

/*
 * A generation of two threads: 100 runs and wakes 101, which starts. Stack ids differ from file
 * order on purpose, and the batch of 101 stands before that of 100.
 */
static void generation(struct strbuf *sb, unsigned minor, uint64_t gen, uint64_t t)
{
	struct strbuf b = STRBUF_INIT;

	sync_batch(sb, minor, gen, t);
	PUT(&b, GO_EV_STRINGS);
	string(&b, 300, "sync");
	string(&b, 1, "main loop");
	string(&b, 2, "app");
	string(&b, 3, "/bin/\"app\"");
	batch(sb, gen, GO_NO_THREAD, t, &b);
	PUT(&b, GO_EV_STACKS);
	PUT(&b, GO_EV_STACK, N(9), N(2), N(0x1000), N(1), N(3), N(7), N(0x1010), N(2), N(3), N(1));
	PUT(&b, GO_EV_STACK, N(4), N(1), N(0x1010), N(2), N(3), N(1));
	batch(sb, gen, GO_NO_THREAD, t, &b);
	PUT(&b, GO_EV_CPU_SAMPLES);
	PUT(&b, GO_EV_CPU_SAMPLE, t + 5, N(100), N(0), N(100), N(9));
	batch(sb, gen, GO_NO_THREAD, t, &b);

	PUT(&b, GO_EV_PROC_START, N(0), N(1), N(1));
	PUT(&b, GO_EV_GO_START, N(1), N(101), N(2));
	batch(sb, gen, 101, t + 40, &b);
	PUT(&b, GO_EV_PROC_STATUS, N(0), N(1), N(PROC_IDLE));
	PUT(&b, GO_EV_GO_STATUS, N(1), N(101), GO_NO_THREAD, N(GO_WAITING));
	batch(sb, gen, 0, t, &b);
	PUT(&b, GO_EV_PROC_STATUS, N(0), N(0), N(PROC_RUNNING));
	PUT(&b, GO_EV_GO_STATUS, N(1), N(100), N(100), N(GO_RUNNING));
	PUT(&b, GO_EV_GO_SYSCALL_BEGIN, N(1), N(1), N(9));
	batch(sb, gen, 100, t + 10, &b);
	PUT(&b, GO_EV_GO_UNBLOCK, N(0), N(101), N(1), N(4));
	PUT(&b, GO_EV_GO_SYSCALL_END, N(1));
	PUT(&b, GO_EV_GO_BLOCK, N(200), N(300), N(0));
	PUT(&b, GO_EV_PROC_STOP, N(1));
	batch(sb, gen, 100, t + 30, &b);
	if (minor >= 26)
		PUT(sb, GO_EV_END_OF_GENERATION);
	strbuf_free(&b);
}

static void trace(struct strbuf *sb, unsigned minor, unsigned ngen)
{
	strbuf_reset(sb);
	header(sb, minor);
	for (unsigned g = 0; g < ngen; g++)
		generation(sb, minor, 5 + g, 1000 + 1000 * g);
}

/* ---- numbers and rows ---- */

static bool get(const char *bytes, size_t len, uint64_t *v)
{
	const uint8_t *p = (const void *)bytes;

	return go_uvarint(&p, p + len, v) && p == (const uint8_t *)bytes + len;
}

static void numbers(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_true(get("\0", 1, &v) && v == 0);
	assert_true(get("\x7f", 1, &v) && v == 127);
	assert_true(get("\x80\x01", 2, &v) && v == 128);
	assert_true(get("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &v) && v == UINT64_MAX);
	assert_false(get("", 0, &v));
	assert_false(get("\x80", 1, &v));
	assert_false(get("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, &v));
	assert_false(get("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, &v));
}

static void rows(void **state)
{
	(void)state;
	for (unsigned ev = 1; ev < GO_EV_MAX; ev++) {
		const struct go_ev_spec *s = go_ev_spec(ev);

		assert_non_null(s);
		assert_int_equal(s->since, ev <= 44 ? 22 : ev <= 49 ? 23 : ev <= 51 ? 25 : 26);
		assert_true(s->narg <= GO_ARGS_MAX);
		for (unsigned i = 0; i < s->narg; i++)
			assert_non_null(s->arg[i].name);
	}
	assert_null(go_ev_spec(0));
	assert_null(go_ev_spec(GO_EV_MAX));
	assert_int_equal(go_ev_spec(GO_EV_GO_STATUS_STACK)->narg, 4);
	assert_int_equal(go_ev_spec(GO_EV_PROC_STOP)->narg, 0);
	assert_int_equal(go_ev_spec(GO_EV_CPU_SAMPLE)->narg, 5);
	assert_null(go_ev_spec_at(GO_EV_GO_STATUS_STACK, 22));
	assert_non_null(go_ev_spec_at(GO_EV_GO_STATUS_STACK, 23));
}

/* ---- reading ---- */

static void headers(void **state)
{
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT;
	struct go_gen *gen;

	(void)state;
	for (unsigned minor = 10; minor < 100; minor++) {
		struct go_reader *r;

		strbuf_reset(&sb);
		header(&sb, minor);
		r = go_reader__new(sb.buf, sb.len, &why);
		assert_int_equal(r != NULL,
				 minor == 22 || minor == 23 || minor == 25 || minor == 26);
		assert_int_equal(go_header(sb.buf, sb.len), r ? (int)minor : -EINVAL);
		assert_int_equal(go_header(sb.buf, sb.len - 1), -EINVAL);
		if (r)
			assert_int_equal(go_reader__next(r, &gen), 0);
		go_reader__free(r);
	}
	sb.buf[15] = 1;
	assert_int_equal(go_header(sb.buf, sb.len), -EINVAL);
	strbuf_free(&sb);
	strbuf_free(&why);
}

static void check_generation(struct go_reader *r, struct go_gen *gen, unsigned minor)
{
	struct strbuf why = STRBUF_INIT;
	struct go_frame frame[GO_FRAMES_MAX];
	struct go_cursor c;
	struct go_event ev;
	unsigned cnt = 0;

	assert_int_equal(gen->nbatch, 8);
	assert_int_equal(gen->batch[0].kind, GO_BATCH_SYNC);
	assert_int_equal(gen->batch[3].kind, GO_BATCH_SAMPLES);
	assert_int_equal(gen->batch[4].kind, GO_BATCH_EVENTS);
	assert_int_equal(gen->batch[4].m, 101);
	assert_int_equal(go_gen_tables(r, &why), 0);
	assert_int_equal(gen->nstring, 4);
	assert_int_equal(gen->nstack, 2);
	assert_int_equal(gen->sync.freq, 1000000000);
	assert_int_equal(gen->sync.clock, minor >= 25);
	if (minor >= 25) {
		assert_int_equal(gen->sync.time, gen->batch[0].time + 2);
		assert_int_equal(gen->sync.mono, 5000);
		assert_int_equal(gen->sync.sec, 17);
		assert_int_equal(gen->sync.nsec, 9);
	}
	assert_int_equal(go_gen_string(gen, 300)->len, 4);
	assert_memory_equal(go_gen_string(gen, 300)->text, "sync", 4);
	assert_int_equal(go_gen_string(gen, 0)->len, 0);
	assert_null(go_gen_string(gen, 4));
	assert_null(go_gen_stack(gen, 1));
	assert_int_equal(go_gen_stack(gen, 0)->nframe, 0);
	assert_int_equal(go_stack_frames(go_gen_stack(gen, 9), frame), 2);
	assert_int_equal(frame[0].pc, 0x1000);
	assert_int_equal(frame[0].line, 7);
	assert_int_equal(frame[1].func, 2);
	assert_int_equal(frame[1].file, 3);

	go_cursor_init(&c, gen, &gen->batch[3]);
	assert_int_equal(go_cursor_next(&c, &ev), 1);
	assert_int_equal(ev.time, gen->batch[0].time + 5);
	assert_int_equal(ev.m, 100);
	assert_int_equal(ev.arg[4], 9);
	assert_int_equal(go_cursor_next(&c, &ev), 0);

	go_cursor_init(&c, gen, &gen->batch[7]);
	while (go_cursor_next(&c, &ev) > 0)
		cnt++;
	assert_int_equal(cnt, 4);
	assert_int_equal(ev.type, GO_EV_PROC_STOP);
	assert_int_equal(ev.m, 100);
	assert_int_equal(ev.time, gen->batch[7].time + 202);
	go_cursor_init(&c, gen, &gen->batch[1]);
	assert_int_equal(go_cursor_next(&c, &ev), 0);
	strbuf_free(&why);
}

static void generations(void **state)
{
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT;

	(void)state;
	for
		EACH_MINOR(m)
		{
			struct go_reader *r;
			struct go_gen *gen;
			size_t end = GO_HEADER_LEN;

			trace(&sb, *m, 3);
			r = go_reader__new(sb.buf, sb.len, &why);
			assert_non_null(r);
			assert_int_equal(go_reader__minor(r), *m);
			for (unsigned g = 0; g < 3; g++) {
				assert_int_equal(go_reader__next(r, &gen), 1);
				assert_int_equal(gen->number, 5 + g);
				assert_int_equal(gen->start, end);
				end = gen->end;
				assert_int_equal(gen->whole, g < 2 || *m >= 26);
				check_generation(r, gen, *m);
			}
			assert_int_equal(end, sb.len);
			assert_int_equal(go_reader__next(r, &gen), 0);
			go_reader__free(r);
		}
	strbuf_free(&sb);
	strbuf_free(&why);
}

/* Reads everything that can be read; hostile bytes must end in an error, not in a crash. */
static int read_all(const void *data, size_t len)
{
	struct strbuf why = STRBUF_INIT;
	struct go_reader *r = go_reader__new(data, len, &why);
	struct go_frame frame[GO_FRAMES_MAX];
	struct go_gen *gen;
	int got = -EINVAL, bad = 0;

	while (r && (got = go_reader__next(r, &gen)) > 0) {
		bad |= go_gen_tables(r, &why);
		for (size_t i = 0; i < gen->nstack; i++)
			go_stack_frames(&gen->stack[i], frame);
		for (size_t i = 0; i < gen->nbatch; i++) {
			struct go_cursor c;
			struct go_event ev;
			int more;

			go_cursor_init(&c, gen, &gen->batch[i]);
			while ((more = go_cursor_next(&c, &ev)) > 0)
				;
			bad |= more;
			assert_int_equal(go_cursor_next(&c, &ev), more);
		}
	}
	if (r && got < 0)
		assert_int_equal(go_reader__next(r, &gen), got);
	go_reader__free(r);
	strbuf_free(&why);
	return got ? got : bad;
}

static char *exact_copy(const struct strbuf *sb, size_t len)
{
	char *copy = malloc(len ? len : 1); /* so that a sanitizer sees a byte too much */

	assert_non_null(copy);
	memcpy(copy, sb->buf, len);
	return copy;
}

static void hostile_bytes(void **state)
{
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT;
	FILE *null = fopen("/dev/null", "w");
	struct go_repair res;

	(void)state;
	assert_non_null(null);
	for
		EACH_MINOR(m)
		{
			trace(&sb, *m, 2);
			assert_int_equal(read_all(sb.buf, sb.len), 0);
			for (size_t at = 0; at < sb.len; at++) {
				static const uint8_t evil[] = { 0x00,
								0x7f,
								0x80,
								0xff,
								GO_EV_END_OF_GENERATION,
								GO_EV_EXPERIMENTAL_BATCH };

				for (size_t i = 0; i < sizeof(evil); i++) {
					char *copy = exact_copy(&sb, sb.len);

					copy[at] = (char)evil[i];
					read_all(copy, sb.len);
					rawtext_write(copy, sb.len, RAWTEXT_FRAMES, null, &why);
					go_repair_scan(copy, sb.len, &res, &why);
					assert_true(res.end <= sb.len);
					free(copy);
				}
			}
		}
	fclose(null);
	strbuf_free(&sb);
	strbuf_free(&why);
}

/* What stands between a good header with sync and the end of the file must be refused. */
static void refuse(unsigned minor, uint64_t m, const struct strbuf *body, const char *reason)
{
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT, b = STRBUF_INIT, all = STRBUF_INIT;
	struct go_reader *r;
	struct go_gen *gen;
	struct go_cursor c;
	struct go_event ev;

	header(&sb, minor);
	sync_batch(&sb, minor, 1, 1);
	strbuf_add(&b, body->buf, body->len);
	batch(&sb, 1, m, 10, &b);
	if (minor >= 26)
		PUT(&sb, GO_EV_END_OF_GENERATION);
	r = go_reader__new(sb.buf, sb.len, &why);
	assert_non_null(r);
	if (go_reader__next(r, &gen) < 0)
		strbuf_addstr(&all, go_reader__why(r));
	strbuf_reset(&why);
	if (go_gen_tables(r, &why))
		strbuf_addstr(&all, why.buf);
	if (gen->nbatch == 2) {
		go_cursor_init(&c, gen, &gen->batch[1]);
		while (go_cursor_next(&c, &ev) > 0)
			;
		strbuf_addstr(&all, c.why);
	}
	if (!strstr(all.buf, reason))
		fail_msg("got '%s', not '%s'", all.buf, reason);
	go_reader__free(r);
	strbuf_free(&sb);
	strbuf_free(&why);
	strbuf_free(&b);
	strbuf_free(&all);
}

#define REFUSE(minor, m, reason, ...)         \
	do {                                  \
		strbuf_reset(&b);             \
		__VA_ARGS__;                  \
		refuse(minor, m, &b, reason); \
	} while (0)

static void wrong_contents(void **state)
{
	struct strbuf b = STRBUF_INIT;

	(void)state;
	REFUSE(23, 1, "does not belong", PUT(&b, GO_EV_GO_BLOCK, N(1), N(0), N(0)); PUT(&b, 0));
	REFUSE(23, 1, "does not belong", PUT(&b, GO_EV_STRING, N(1), N(0)));
	REFUSE(23, 1, "does not belong", PUT(&b, GO_EV_CPU_SAMPLE, N(1), N(0), N(1), N(1), N(1)));
	REFUSE(22, 1, "does not belong",
	       PUT(&b, GO_EV_GO_STATUS_STACK, N(0), N(1), N(1), N(1), N(0)));
	REFUSE(26, 1, "does not belong", PUT(&b, GO_EV_CLOCK_SNAPSHOT, N(0), N(1), N(1), N(1)));
	REFUSE(23, 1, "an event is cut off", PUT(&b, GO_EV_GO_BLOCK, N(1), N(0)));
	REFUSE(23, 1, "an event is cut off", PUT(&b, GO_EV_PROC_STOP));
	REFUSE(23, 1, "time of an event", PUT(&b, GO_EV_PROC_STOP, UINT64_MAX - 9));
	REFUSE(23, GO_NO_THREAD, "does not belong", PUT(&b, GO_EV_CPU_SAMPLES);
	       PUT(&b, GO_EV_PROC_STOP, N(1)));
	REFUSE(23, GO_NO_THREAD, "an event is cut off", PUT(&b, GO_EV_CPU_SAMPLES);
	       PUT(&b, GO_EV_CPU_SAMPLE, N(1), N(0), N(1), N(1)));

	REFUSE(23, GO_NO_THREAD, "something else", PUT(&b, GO_EV_STRINGS);
	       PUT(&b, GO_EV_STACK, N(1), N(0)));
	REFUSE(23, GO_NO_THREAD, "string 0", PUT(&b, GO_EV_STRINGS);
	       PUT(&b, GO_EV_STRING, N(0), N(0)));
	REFUSE(23, GO_NO_THREAD, "too long", PUT(&b, GO_EV_STRINGS);
	       PUT(&b, GO_EV_STRING, N(1), N(1)));
	REFUSE(23, GO_NO_THREAD, "too long", PUT(&b, GO_EV_STRINGS);
	       PUT(&b, GO_EV_STRING, N(1), N(GO_STRING_MAX + 1));
	       for (int i = 0; i <= GO_STRING_MAX; i++) strbuf_addch(&b, 'x'));
	REFUSE(23, GO_NO_THREAD, "strings is cut off", PUT(&b, GO_EV_STRINGS);
	       PUT(&b, GO_EV_STRING, N(1)));
	REFUSE(23, GO_NO_THREAD, "string is defined twice", PUT(&b, GO_EV_STRINGS);
	       string(&b, 1, "a"); string(&b, 2, "b"); string(&b, 1, "c"));

	REFUSE(23, GO_NO_THREAD, "something else", PUT(&b, GO_EV_STACKS);
	       PUT(&b, GO_EV_STRING, N(1), N(0)));
	REFUSE(23, GO_NO_THREAD, "stack 0", PUT(&b, GO_EV_STACKS);
	       PUT(&b, GO_EV_STACK, N(0), N(0)));
	REFUSE(23, GO_NO_THREAD, "too deep", PUT(&b, GO_EV_STACKS);
	       PUT(&b, GO_EV_STACK, N(1), N(GO_FRAMES_MAX + 1)));
	REFUSE(23, GO_NO_THREAD, "stacks is cut off", PUT(&b, GO_EV_STACKS);
	       PUT(&b, GO_EV_STACK, N(1), N(1), N(1), N(1), N(1)));
	REFUSE(23, GO_NO_THREAD, "stack is defined twice", PUT(&b, GO_EV_STACKS);
	       PUT(&b, GO_EV_STACK, N(1), N(0)); PUT(&b, GO_EV_STACK, N(1), N(0)));

	REFUSE(23, GO_NO_THREAD, "two sync", PUT(&b, GO_EV_FREQUENCY, N(1)));
	REFUSE(26, GO_NO_THREAD, "two sync", PUT(&b, GO_EV_SYNC));
	REFUSE(26, 1, "does not belong", PUT(&b, GO_EV_FREQUENCY, N(1)));
	REFUSE(23, 1, "a batch is too large",
	       for (int i = 0; i <= GO_BATCH_MAX; i++) strbuf_addch(&b, 0));
	strbuf_free(&b);
}

static void wrong_framing(void **state)
{
	struct strbuf sb = STRBUF_INIT, b = STRBUF_INIT;

	(void)state;
	for
		EACH_MINOR(m)
		{
			/* a number that jumps, one that goes back, and 0 */
			for (uint64_t second = 3; second <= 7; second++) {
				strbuf_reset(&sb);
				header(&sb, *m);
				generation(&sb, *m, 5, 1000);
				generation(&sb, *m, second == 3 ? 0 : second, 2000);
				/* before 1.26, the same number means the same generation, which has
				 * its tables twice */
				assert_int_equal(read_all(sb.buf, sb.len),
						 second == 6 ? 0 : -EINVAL);
			}
		}
	strbuf_reset(&sb);
	header(&sb, 26);
	PUT(&sb, GO_EV_END_OF_GENERATION);
	assert_int_equal(read_all(sb.buf, sb.len), -EINVAL);
	/* no sync batch at all */
	strbuf_reset(&sb);
	header(&sb, 23);
	PUT(&b, GO_EV_PROC_STATUS, N(0), N(0), N(PROC_IDLE));
	batch(&sb, 1, 0, 1, &b);
	assert_int_equal(read_all(sb.buf, sb.len), -EINVAL);
	/* an experimental batch is passed over, from 1.23 on */
	for
		EACH_MINOR(m)
		{
			strbuf_reset(&sb);
			header(&sb, *m);
			sync_batch(&sb, *m, 1, 1);
			PUT(&sb, GO_EV_EXPERIMENTAL_BATCH, N(1), N(1), N(3), N(9), N(2));
			strbuf_add(&sb, "\xff\xff", 2);
			if (*m >= 26)
				PUT(&sb, GO_EV_END_OF_GENERATION);
			assert_int_equal(read_all(sb.buf, sb.len), *m == 22 ? -EINVAL : 0);
		}
	strbuf_free(&sb);
	strbuf_free(&b);
}

/* ---- text ---- */

static char *text_of(const struct strbuf *sb, size_t len, unsigned flags, struct strbuf *why)
{
	char *text = NULL;
	size_t sz = 0;
	FILE *f = open_memstream(&text, &sz);

	assert_non_null(f);
	assert_int_equal(rawtext_write(sb->buf, len, flags, f, why), 0);
	fclose(f);
	return text;
}

static void text(void **state)
{
	static const char want[] = "trace go 1.25\n"
				   "generation 5\n"
				   "sync freq=1000000000 t=1002 mono=5000 sec=17 nsec=9\n"
				   "sample t=1005 m=100 p=0 g=100 stack=\"main loop\" < app\n"
				   "M=0 t=1000 ProcStatus p=1 status=Idle\n"
				   "M=0 t=1001 GoStatus g=101 m=- status=Waiting\n"
				   "M=100 t=1010 ProcStatus p=0 status=Running\n"
				   "M=100 t=1011 GoStatus g=100 m=100 status=Running\n"
				   "M=100 t=1012 GoSyscallBegin pseq=1 stack=\"main loop\" < app\n"
				   "M=100 t=1030 GoUnblock g=101 seq=1 stack=app\n"
				   "M=100 t=1031 GoSyscallEnd\n"
				   "M=100 t=1231 GoBlock reason=\"sync\" stack=-\n"
				   "M=100 t=1232 ProcStop\n"
				   "M=101 t=1040 ProcStart p=1 seq=1\n"
				   "M=101 t=1041 GoStart g=101 seq=2\n"
				   "frame app file=\"/bin/\\\"app\\\"\" line=1\n"
				   "frame \"main loop\" file=\"/bin/\\\"app\\\"\" line=7\n";
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT, b = STRBUF_INIT;
	char *got;

	(void)state;
	trace(&sb, 25, 1);
	got = text_of(&sb, sb.len, RAWTEXT_FRAMES, &why);
	assert_string_equal(got, want);
	assert_string_equal(why.buf, "");
	free(got);

	/* the last batch is cut */
	got = text_of(&sb, sb.len - 1, 0, &why);
	assert_non_null(strstr(got, "M=101 t=1041 GoStart"));
	assert_non_null(strstr(got, "stack=\"main loop\" < app\nM=101"));
	assert_null(strstr(got, "frame"));
	assert_non_null(strstr(got, "# incomplete: a batch is cut off at byte "));
	assert_non_null(strstr(why.buf, "a batch is cut off at byte "));
	free(got);

	/* ids that nobody defines, and numbers that mean nothing */
	strbuf_reset(&sb);
	header(&sb, 23);
	sync_batch(&sb, 23, 1, 1);
	PUT(&b, GO_EV_GO_BLOCK, N(1), N(77), N(78));
	PUT(&b, GO_EV_PROC_STATUS, N(0), N(1), N(9));
	batch(&sb, 1, GO_NO_THREAD, 5, &b);
	got = text_of(&sb, sb.len, 0, &why);
	assert_string_equal(got, "trace go 1.23\ngeneration 1\nsync freq=1000000000\n"
				 "M=- t=6 GoBlock reason=? stack=?\n"
				 "M=- t=6 ProcStatus p=1 status=9\n");
	free(got);
	assert_int_equal(rawtext_write("x", 1, 0, stdout, &why), -EINVAL);
	strbuf_free(&sb);
	strbuf_free(&why);
	strbuf_free(&b);
}

/* ---- repair ---- */

static void repair_of_any_cut(void **state)
{
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT;
	struct go_repair res;

	(void)state;
	for
		EACH_MINOR(m)
		{
			size_t end[4] = { GO_HEADER_LEN };

			strbuf_reset(&sb);
			header(&sb, *m);
			for (unsigned g = 1; g <= 3; g++) {
				generation(&sb, *m, g, g * 1000);
				end[g] = sb.len;
			}
			for (size_t n = GO_HEADER_LEN; n <= sb.len; n++) {
				char *copy = exact_copy(&sb, n);
				size_t want = 0;

				for (size_t g = 1; g <= 3; g++)
					want += n >= end[g];
				/* the number of the next generation is what closes one: 2 bytes in */
				if (*m < 26 && want && want < 3 && n == end[want] + 1)
					want--;
				assert_int_equal(go_repair_scan(copy, n, &res, &why), 0);
				assert_int_equal(res.minor, *m);
				assert_int_equal(res.size, n);
				assert_int_equal(res.ngen, want);
				assert_int_equal(res.end, end[want]);
				assert_int_equal(why.len == 0, res.end == n);
				free(copy);
			}
		}
	assert_int_equal(go_repair_scan("go 1.24 trace\0\0", 16, &res, &why), -EINVAL);
	strbuf_free(&sb);
	strbuf_free(&why);
}

/* One generation of events behind complete tables: is it taken for whole? */
static bool taken(struct strbuf *const *body, const uint64_t *m, size_t n)
{
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT, b = STRBUF_INIT;
	struct go_repair res;
	bool whole;

	header(&sb, 23);
	sync_batch(&sb, 23, 1, 1);
	PUT(&b, GO_EV_STRINGS);
	string(&b, 1, "x");
	batch(&sb, 1, GO_NO_THREAD, 1, &b);
	PUT(&b, GO_EV_STACKS);
	PUT(&b, GO_EV_STACK, N(1), N(1), N(1), N(1), N(1), N(1));
	batch(&sb, 1, GO_NO_THREAD, 1, &b);
	for (size_t i = 0; i < n; i++) {
		strbuf_add(&b, body[i]->buf, body[i]->len);
		batch(&sb, 1, m[i], 10, &b);
	}
	assert_int_equal(go_repair_scan(sb.buf, sb.len, &res, &why), 0);
	whole = res.ngen == 1;
	assert_int_equal(res.end, whole ? sb.len : GO_HEADER_LEN);
	assert_int_equal(why.len == 0, whole);
	strbuf_free(&sb);
	strbuf_free(&why);
	strbuf_free(&b);
	return whole;
}

static void proof_of_the_last_generation(void **state)
{
	struct strbuf idle = STRBUF_INIT, blocks = STRBUF_INIT, wakes = STRBUF_INIT,
		      runs = STRBUF_INIT;
	struct strbuf x = STRBUF_INIT;
	const uint64_t ms[] = { 0, 100, 0, 200 };

	(void)state;
	PUT(&idle, GO_EV_PROC_STATUS, N(0), N(1), N(PROC_IDLE));
	PUT(&idle, GO_EV_GO_STATUS, N(0), N(7), GO_NO_THREAD, N(GO_RUNNABLE));
	PUT(&blocks, GO_EV_PROC_STATUS, N(0), N(0), N(PROC_RUNNING));
	PUT(&blocks, GO_EV_GO_STATUS, N(0), N(100), N(100), N(GO_RUNNING));
	PUT(&blocks, GO_EV_GO_BLOCK, N(1), N(1), N(1));
	PUT(&blocks, GO_EV_PROC_STOP, N(1));
	PUT(&wakes, GO_EV_GO_UNBLOCK, N(9), N(100), N(1), N(1));
	PUT(&runs, GO_EV_PROC_START, N(12), N(0), N(1));
	PUT(&runs, GO_EV_GO_START, N(12), N(100), N(2));

	assert_true(taken((struct strbuf *[]){ &idle, &blocks, &wakes, &runs }, ms, 4));
	assert_true(taken((struct strbuf *[]){ &idle, &blocks, &wakes }, ms, 3));
	assert_true(taken((struct strbuf *[]){ &idle, &blocks }, ms, 2));
	assert_true(taken((struct strbuf *[]){ &idle }, ms, 1));
	assert_false(taken(NULL, ms, 0));
	/* the first mention of a goroutine, a number in between, and its block are missing */
	assert_false(taken((struct strbuf *[]){ &wakes }, ms, 1));
	assert_false(taken((struct strbuf *[]){ &idle, &blocks, &runs }, ms, 3));
	strbuf_add(&x, blocks.buf, blocks.len - 6);
	assert_true(taken((struct strbuf *[]){ &idle, &x }, ms, 2));
	assert_false(taken((struct strbuf *[]){ &idle, &x, &wakes }, ms, 3));
	/* a processor that its holder did not give back, unless it was taken from him */
	strbuf_reset(&x);
	PUT(&x, GO_EV_PROC_STATUS, N(0), N(0), N(PROC_RUNNING));
	PUT(&x, GO_EV_GO_STATUS, N(0), N(100), N(100), N(GO_RUNNING));
	PUT(&x, GO_EV_GO_BLOCK, N(1), N(1), N(1));
	assert_false(taken((struct strbuf *[]){ &idle, &x, &wakes, &runs }, ms, 4));
	strbuf_reset(&runs);
	PUT(&runs, GO_EV_PROC_STEAL, N(12), N(0), N(1), N(100));
	assert_true(taken((struct strbuf *[]){ &idle, &x, &wakes, &runs }, ms, 4));
	/* what is not in the tables */
	strbuf_reset(&x);
	PUT(&x, GO_EV_GO_LABEL, N(1), N(2));
	assert_false(taken((struct strbuf *[]){ &idle, &x }, ms, 2));
	strbuf_reset(&x);
	PUT(&x, GO_EV_GO_UNBLOCK, N(9), N(7), N(1), N(2));
	assert_false(taken((struct strbuf *[]){ &idle, &x }, ms, 2));
	strbuf_reset(&x);
	PUT(&x, GO_EV_STACKS);
	PUT(&x, GO_EV_STACK, N(2), N(1), N(1), N(1), N(2), N(1));
	assert_false(taken((struct strbuf *[]){ &idle, &x }, ms, 2));
	strbuf_free(&idle);
	strbuf_free(&blocks);
	strbuf_free(&wakes);
	strbuf_free(&runs);
	strbuf_free(&x);
}

static int sink_add(void *ctx, const void *data, size_t len)
{
	strbuf_add(ctx, data, len);
	return 0;
}

static int sink_full(void *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return -ENOSPC;
}

static void repair_files(void **state)
{
	struct strbuf sb = STRBUF_INIT, why = STRBUF_INIT;
	struct strbuf copy = STRBUF_INIT;
	FILE *f = tmpfile();
	struct go_repair res;
	size_t one;
	char *got;

	(void)state;
	assert_non_null(f);
	trace(&sb, 26, 1);
	one = sb.len;
	trace(&sb, 26, 2);
	assert_int_equal(write(fileno(f), sb.buf, sb.len - 1), sb.len - 1);
	assert_int_equal(go_repair_copy(fileno(f), &(struct sink){ sink_add, &copy }, &res, &why),
			 0);
	assert_int_equal(res.end, one);
	assert_int_equal(res.ngen, 1);
	assert_true(why.len > 0);
	assert_int_equal(copy.len, one);
	assert_memory_equal(copy.buf, sb.buf, one);
	assert_int_equal(lseek(fileno(f), 0, SEEK_END), sb.len - 1);

	assert_int_equal(go_repair_in_place(fileno(f), &res, &why), 0);
	assert_int_equal(lseek(fileno(f), 0, SEEK_END), one);
	got = malloc(one);
	assert_non_null(got);
	assert_int_equal(pread(fileno(f), got, one, 0), one);
	assert_memory_equal(got, sb.buf, one);
	free(got);
	assert_int_equal(go_repair_copy(fileno(f), &(struct sink){ sink_full, NULL }, &res, &why),
			 -ENOSPC);
	assert_string_equal(why.buf, ""); /* who has the sink knows its name */
	assert_int_equal(go_repair_in_place(fileno(f), &res, &why), 0);
	assert_int_equal(res.size, res.end);
	assert_string_equal(why.buf, "");

	/* nothing whole: hands off */
	assert_int_equal(ftruncate(fileno(f), (off_t)one - 1), 0);
	assert_int_equal(go_repair_in_place(fileno(f), &res, &why), -ENODATA);
	assert_non_null(strstr(why.buf, "no generation is whole"));
	assert_int_equal(lseek(fileno(f), 0, SEEK_END), one - 1);
	assert_int_equal(ftruncate(fileno(f), 0), 0);
	assert_int_equal(go_repair_in_place(fileno(f), &res, &why), -EINVAL);
	strbuf_free(&sb);
	strbuf_free(&why);
	strbuf_free(&copy);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),	     cmocka_unit_test(rows),
		cmocka_unit_test(headers),	     cmocka_unit_test(generations),
		cmocka_unit_test(hostile_bytes),     cmocka_unit_test(wrong_contents),
		cmocka_unit_test(wrong_framing),     cmocka_unit_test(text),
		cmocka_unit_test(repair_of_any_cut), cmocka_unit_test(proof_of_the_last_generation),
		cmocka_unit_test(repair_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
