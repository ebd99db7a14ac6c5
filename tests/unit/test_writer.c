// SPDX-License-Identifier: BSD-2-Clause
/*
 * The encoder, its bytes read again by gotrace/decode.h: what was put comes back, in each version
 * of the format; batches keep their limit; generations end by time and by size and stand alone; a
 * sink that fails is left alone; a slow one delays and loses nothing.
 */
#include "helpers.h"

#include <errno.h>
#include <semaphore.h>

#include "bpf/event.h"
#include "gotrace/gen.h"
#include "gotrace/writer.h"

#define START 1000000000ull

static struct trace_writer *writer(struct strbuf *out, int minor)
{
	return trace_writer__new(&(struct trace_writer_opts){
		.go_minor = minor, .start_ts = START, .sink = { sink_keep, out } });
}

/* a log line: the one event that has numbers, strings and a stack */
static void put_log(struct trace_writer *w, struct trace_stream *s, uint64_t ts, uint64_t task,
		    const char *text, uint32_t frame)
{
	trace_put(w, s, trace_writer__tick(w, ts), GO_EV_USER_LOG, task,
		  trace_writer__string(w, text, strlen(text)), 0,
		  trace_writer__stack(w, &frame, 1));
}

static void all_versions(void **state)
{
	static const int minors[] = { 22, 23, 25, 26 };

	(void)state;
	for (size_t i = 0; i < COUNT(minors); i++) {
		struct strbuf out = STRBUF_INIT;
		struct trace_writer *w = writer(&out, minors[i]);
		struct trace_writer_stats st;
		struct trace_stream s;
		struct trace t;

		trace_stream_init(&s, 7);
		put_log(w, &s, START, UINT64_MAX, "hello", trace_writer__frame(w, "f", "x", 3));
		trace_writer__next_gen(w, 0);
		put_log(w, &s, START + 10, 2, "again", trace_writer__frame(w, "g", "x", 3));
		assert_int_equal(trace_writer__finish(w), 0);
		st = trace_writer__stats(w);
		assert_int_equal(st.bytes, out.len);
		assert_int_equal(st.generations, 2);
		assert_int_equal(st.events, 2);
		assert_int_equal(go_header(out.buf, out.len), minors[i]);
		t = trace_read(&out);
		assert_int_equal(t.ngen, 2);
		assert_int_equal(t.cnt, 2);
		assert_int_equal(t.ev[0].ev.m, 7);
		assert_int_equal(t.ev[0].ev.time, 1000);
		assert_int_equal(t.ev[0].ev.arg[0], UINT64_MAX);
		assert_string_equal(t.ev[0].text, "hello");
		assert_string_equal(t.ev[0].leaf, "f");
		assert_int_equal(t.ev[1].ev.time, 1010);
		assert_string_equal(t.ev[1].text, "again");
		assert_string_equal(t.ev[1].leaf, "g");
		trace_free(&t);
		trace_writer__free(w);
		strbuf_free(&out);
	}
}

static void nothing_put(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = writer(&out, 23);

	(void)state;
	assert_false(trace_writer__gen_full(w, UINT64_MAX));
	assert_int_equal(trace_writer__finish(w), 0);
	assert_int_equal(trace_writer__finish(w), 0); /* again is fine */
	assert_int_equal(out.len, 0);
	trace_writer__free(w);
	trace_writer__free(NULL);
	w = writer(&out, 23);
	trace_writer__free(w); /* without finish: the thread ends too */
	assert_int_equal(out.len, 0);
	strbuf_free(&out);
}

/* the longest events there are, until one stream has several batches; and tables of several batches
 */
static void batches_keep_their_limit(void **state)
{
	enum { N = 20000, TEXTS = 600 };
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = writer(&out, 26);
	uint32_t frame[GO_FRAMES_MAX];
	char text[GO_STRING_MAX];
	struct trace_stream s;
	struct trace t;
	size_t i;

	(void)state;
	trace_stream_init(&s, UINT64_MAX - 1);
	for (i = 0; i < N; i++)
		trace_put(w, &s, trace_writer__tick(w, START + i * 1000), GO_EV_GO_STATUS_STACK,
			  UINT64_MAX, UINT64_MAX, i, 0);
	for (i = 0; i < COUNT(frame); i++)
		frame[i] = trace_writer__frame(w, "deep", "deep.c", (uint32_t)i + 1);
	memset(text, 'x', sizeof(text));
	for (i = 0; i < TEXTS; i++) {
		snprintf(text, 8, "%07zu", i);
		text[7] = '.';
		frame[0] = trace_writer__frame(w, "leaf", "leaf.c", (uint32_t)i + 1);
		trace_put(w, &s, trace_writer__tick(w, START + (N + i) * 1000), GO_EV_USER_LOG, i,
			  trace_writer__string(w, text, sizeof(text)), 0,
			  trace_writer__stack(w, frame, COUNT(frame)));
	}
	assert_int_equal(trace_writer__finish(w), 0);
	t = trace_read(&out);
	assert_true(t.largest <= GO_BATCH_MAX);
	assert_true(t.largest > GO_BATCH_MAX - 8192); /* and they are used */
	assert_true(t.nbatch > 20);
	assert_int_equal(t.cnt, N + TEXTS);
	for (i = 0; i < N; i++) {
		assert_int_equal(t.ev[i].ev.arg[2], i);
		assert_int_equal(t.ev[i].ev.arg[0], UINT64_MAX);
		assert_int_equal(t.ev[i].ev.time, 1000 + i * 1000);
	}
	for (i = 0; i < TEXTS; i++) {
		assert_int_equal(atoi(t.ev[N + i].text), i);
		assert_string_equal(t.ev[N + i].leaf, "leaf");
		assert_string_equal(t.ev[N + i].root, "deep");
	}
	trace_free(&t);
	trace_writer__free(w);
	strbuf_free(&out);
}

static void many_streams(void **state)
{
	enum { STREAMS = 5000, ROUNDS = 12 };
	struct trace_stream *s = xcalloc(STREAMS, sizeof(*s));
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = writer(&out, 23);
	struct trace t;
	size_t i, r, k = 0;

	(void)state;
	for (i = 0; i < STREAMS; i++)
		trace_stream_init(&s[i], i);
	for (r = 0; r < ROUNDS; r++) {
		if (r == 5)
			trace_writer__next_gen(w, 0);
		for (i = 0; i < STREAMS; i++)
			trace_put(w, &s[i], trace_writer__tick(w, START + k++ * 10),
				  GO_EV_PROC_START, i, r);
	}
	assert_int_equal(trace_writer__finish(w), 0);
	t = trace_read(&out);
	assert_int_equal(t.cnt, STREAMS * ROUNDS);
	assert_int_equal(t.ngen, 2);
	for (k = 0; k < t.cnt; k++) {
		assert_int_equal(t.ev[k].ev.m, k % STREAMS);
		assert_int_equal(t.ev[k].ev.arg[0], k % STREAMS);
		assert_int_equal(t.ev[k].ev.arg[1], k / STREAMS);
		assert_int_equal(t.ev[k].gen, k / STREAMS < 5 ? 1 : 2);
	}
	trace_free(&t);
	trace_writer__free(w);
	strbuf_free(&out);
	free(s);
}

static void full_by_time(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = trace_writer__new(&(struct trace_writer_opts){
		.go_minor = 23, .start_ts = START, .gen_ns = 5000, .sink = { sink_keep, &out } });
	struct trace_stream s;

	(void)state;
	trace_stream_init(&s, 1);
	assert_int_equal(trace_writer__gen(w), 1);
	trace_put(w, &s, trace_writer__tick(w, START + 100), GO_EV_PROC_STOP);
	assert_false(trace_writer__gen_full(w, START + 5099));
	assert_true(trace_writer__gen_full(w, START + 5100));
	assert_false(trace_writer__gen_full(w, START)); /* time that goes back is no reason */
	trace_writer__next_gen(w, 0);
	assert_int_equal(trace_writer__gen(w), 2);
	assert_false(trace_writer__gen_full(w, START + 1000000)); /* nothing in it */
	trace_put(w, &s, trace_writer__tick(w, START + 9000), GO_EV_PROC_STOP);
	assert_false(trace_writer__gen_full(w, START + 13999));
	assert_true(trace_writer__gen_full(w, START + 14000));
	trace_writer__free(w);
	w = writer(&out, 23);
	trace_stream_init(&s, 1);
	trace_put(w, &s, trace_writer__tick(w, START), GO_EV_PROC_STOP);
	assert_false(trace_writer__gen_full(w, START + 999999999)); /* a second by default */
	assert_true(trace_writer__gen_full(w, START + 1000000000));
	trace_writer__free(w);
	strbuf_free(&out);
}

static void full_by_size(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = trace_writer__new(&(struct trace_writer_opts){
		.go_minor = 23, .start_ts = START, .gen_bytes = 1000, .sink = { sink_keep, &out } });
	struct trace_stream s;
	uint64_t ts = START;
	size_t n = 0, gens;
	struct trace t;

	(void)state;
	trace_stream_init(&s, 1);
	for (gens = 0; gens < 20; ts += 2) {
		trace_put(w, &s, trace_writer__tick(w, ts), GO_EV_PROC_STOP); /* two bytes */
		n++;
		assert_int_equal(trace_writer__gen_full(w, ts), n % 500 == 0);
		if (trace_writer__gen_full(w, ts)) {
			trace_writer__next_gen(w, 0);
			gens++;
		}
	}
	assert_int_equal(trace_writer__finish(w), 0);
	t = trace_read(&out);
	assert_int_equal(t.ngen, 20);
	assert_int_equal(t.cnt, 10000);
	trace_free(&t);
	trace_writer__free(w);
	strbuf_free(&out);
}

/* States that alone are more than a generation should have: as many bytes of events follow. */
static void full_by_more_than_states(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = trace_writer__new(&(struct trace_writer_opts){
		.go_minor = 23, .start_ts = START, .gen_bytes = 1000, .sink = { sink_keep, &out } });
	struct trace_stream s;
	uint64_t ts = START;
	size_t n, i;

	(void)state;
	trace_stream_init(&s, 1);
	for (n = 100; n <= 2000; n *= 2) {
		for (i = 0; i < n; i++, ts += 2) /* two bytes */
			trace_put(w, &s, trace_writer__tick(w, ts), GO_EV_PROC_STOP);
		trace_writer__states_told(w);
		for (i = 0; !trace_writer__gen_full(w, ts); i++, ts += 2)
			trace_put(w, &s, trace_writer__tick(w, ts), GO_EV_PROC_STOP);
		assert_int_equal(i, n < 250 ? 500 - n : n);
		trace_writer__next_gen(w, 0); /* of which no states are told */
	}
	for (i = 0; !trace_writer__gen_full(w, ts); i++, ts += 2)
		trace_put(w, &s, trace_writer__tick(w, ts), GO_EV_PROC_STOP);
	assert_int_equal(i, 500);
	assert_int_equal(trace_writer__finish(w), 0);
	trace_writer__free(w);
	strbuf_free(&out);
}

/* settled long after the stack was made, and anew in each generation */
static void late_frames(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = writer(&out, 23);
	uint32_t late[50], f;
	struct trace_stream s;
	struct trace t;
	char text[64];
	size_t i, g;

	(void)state;
	trace_stream_init(&s, 1);
	for (g = 0; g < 3; g++) {
		for (i = 0; i < COUNT(late); i++) {
			late[i] = trace_writer__late_frame(w);
			put_log(w, &s, START + g * 1000 + i * 2, i, "t", late[i]);
		}
		for (i = COUNT(late); i-- > 0;) {
			snprintf(text, sizeof(text), "g%zu-%zu", g, i / 2);
			f = trace_writer__frame(w, text, "?", 1);
			trace_writer__settle(w, late[i], f);
		}
		if (g < 2)
			trace_writer__next_gen(w, 0);
	}
	assert_int_equal(trace_writer__finish(w), 0);
	t = trace_read(&out);
	assert_int_equal(t.cnt, 3 * COUNT(late));
	for (i = 0; i < t.cnt; i++) {
		snprintf(text, sizeof(text), "g%zu-%zu", i / COUNT(late), i % COUNT(late) / 2);
		assert_string_equal(t.ev[i].leaf, text);
	}
	trace_free(&t);
	trace_writer__free(w);
	strbuf_free(&out);
}

/* trace_read() sees that no two ticks are equal and that no generation reaches into another */
static void late_ticks(void **state)
{
	enum { STREAMS = 8, N = 30000 };
	struct trace_stream s[STREAMS];
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = writer(&out, 23);
	uint64_t seed = 99, ts = START, tick, before, first = 0;
	struct trace t;
	size_t i, k;

	(void)state;
	for (i = 0; i < STREAMS; i++)
		trace_stream_init(&s[i], i);
	for (i = 0; i < N; i++) {
		if (i && i % 5000 == 0) {
			trace_writer__next_gen(w, 0);
			first = trace_writer__tick(w, ts);
			trace_put(w, &s[0], first, GO_EV_PROC_STOP);
		}
		ts += rnd(&seed) % 40;
		k = rnd(&seed) % STREAMS;
		before = s[k].gen == trace_writer__gen(w) ? s[k].last_tick : 0;
		tick = trace_writer__tick_late(w, &s[k], ts - rnd(&seed) % 2000);
		assert_true(tick > before);
		trace_put(w, &s[k], tick, GO_EV_GO_SYSCALL_BEGIN, i, 0);
		trace_put(w, &s[k], trace_writer__tick(w, ts), GO_EV_GO_SYSCALL_END);
		assert_true(s[k].last_tick > tick);
	}
	assert_int_equal(trace_writer__finish(w), 0);
	t = trace_read(&out);
	assert_int_equal(t.ngen, 6);
	assert_int_equal(trace_count(&t, GO_EV_GO_SYSCALL_BEGIN), N);
	trace_free(&t);
	trace_writer__free(w);
	strbuf_free(&out);
}

/* ---- addresses ---- */

/*
 * Address n is n % 4 functions, none for 0: those of n/4*10, n/4*10 + 1 …, the serial of each being
 * that number, its name f<number>, its line the number.
 */
struct asked {
	unsigned prefetched, resolved, done;
	uint64_t all[64];
	char text[4][16];
	struct sym_frame frame[4];
};

static void ask_prefetch(void *ctx, const uint64_t *frame, size_t cnt)
{
	struct asked *a = ctx;

	assert_int_equal(a->prefetched, a->done); /* once in a generation */
	a->prefetched++;
	assert_true(cnt <= COUNT(a->all));
	memcpy(a->all, frame, cnt * sizeof(*frame));
}

static size_t ask_resolve(void *ctx, uint64_t frame, const struct sym_frame **out)
{
	struct asked *a = ctx;
	size_t i;

	assert_int_equal(frame, a->all[a->resolved % COUNT(a->all)]);
	a->resolved++;
	for (i = 0; i < frame % 4; i++) {
		uint32_t number = (uint32_t)(frame / 4 * 10 + i);

		snprintf(a->text[i], sizeof(a->text[i]), "f%u", number);
		a->frame[i] = (struct sym_frame){ a->text[i], "f.c", number, number };
	}
	*out = a->frame;
	return i;
}

static void ask_done(void *ctx)
{
	struct asked *a = ctx;

	a->done++;
	a->resolved = 0;
}

static struct trace_writer *asking_writer(struct strbuf *out, struct asked *a)
{
	return trace_writer__new(&(struct trace_writer_opts){
		.go_minor = 23,
		.start_ts = START,
		.resolver = { a, ask_prefetch, ask_resolve, ask_done },
		.sink = { sink_keep, out },
	});
}

/* "f10 < f11 < x" of stack `id` of the last generation read, and the pc of its leaf */
static char *stack_text(const struct go_gen *g, uint64_t id, uint64_t *pc)
{
	static struct go_frame f[GO_FRAMES_MAX];
	static char text[4096];
	const struct go_stack *st = go_gen_stack(g, id);
	size_t n, i, len = 0;

	assert_non_null(st);
	n = go_stack_frames(st, f);
	for (i = 0; i < n; i++) {
		const struct go_string *s = go_gen_string(g, f[i].func);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", i ? " < " : "",
					(int)s->len, s->text);
	}
	*pc = f[0].pc;
	return text;
}

static void addresses(void **state)
{
	struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;
	struct asked a = { 0 };
	struct trace_writer *w = asking_writer(&out, &a);
	uint64_t pc[2], other;
	struct trace_stream s;
	struct go_reader *r;
	struct go_gen *g;
	unsigned gen;

	(void)state;
	trace_stream_init(&s, 1);
	for (gen = 0; gen < 2; gen++) {
		uint32_t root = trace_writer__local_frame(w, "root", "x", 1);
		uint32_t one = trace_writer__addr_frame(w, 4 + 1);
		uint32_t two = trace_writer__addr_frame(w, 4 + 2);
		uint32_t none = trace_writer__addr_frame(w, 8);

		assert_int_equal(trace_writer__addr_frame(w, 4 + 1), one);
		assert_int_equal(trace_writer__stack(w, (const uint32_t[]){ two, one, root }, 3),
				 1);
		assert_int_equal(trace_writer__stack(w, (const uint32_t[]){ one, none, root }, 3),
				 2);
		trace_put(w, &s, trace_writer__tick(w, START + gen), GO_EV_USER_LOG, 0, 0, 0, 1);
		trace_writer__next_gen(w, 0);
	}
	assert_int_equal(trace_writer__finish(w), 0);
	assert_int_equal(a.prefetched, 2);
	assert_int_equal(a.done, 2);
	trace_writer__free(w);

	r = go_reader__new(out.buf, out.len, &why);
	for (gen = 0; gen < 2; gen++) {
		assert_int_equal(go_reader__next(r, &g), 1);
		assert_int_equal(go_gen_tables(r, &why), 0);
		assert_string_equal(stack_text(g, 1, &other), "f10 < f11 < f10 < root");
		assert_string_equal(stack_text(g, 2, &pc[gen]), "f10 < 0x8 < root");
		assert_int_equal(other, pc[gen]);
	}
	assert_int_equal(pc[0], pc[1]);	 /* a function is the same in all generations */
	assert_int_equal(pc[0] % 16, 8); /* … and is none of those of the trace */
	go_reader__free(r);
	strbuf_free(&why);
	strbuf_free(&out);
}

/* Addresses that become more frames than the format allows: the leaf side and the root stay. */
static void addresses_too_deep(void **state)
{
	struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;
	struct asked a = { 0 };
	struct trace_writer *w = asking_writer(&out, &a);
	uint32_t frame[61], i;
	struct go_frame f[GO_FRAMES_MAX];
	struct trace_stream s;
	struct go_reader *r;
	struct go_gen *g;

	(void)state;
	trace_stream_init(&s, 1);
	for (i = 0; i < 60; i++)
		frame[i] = trace_writer__addr_frame(w, 4 * (i + 1) + 3);
	frame[60] = trace_writer__local_frame(w, "root", "x", 1);
	trace_put(w, &s, trace_writer__tick(w, START), GO_EV_USER_LOG, 0, 0, 0,
		  trace_writer__stack(w, frame, 42));
	assert_int_equal(trace_writer__stack(w, frame, 61), 2);
	assert_int_equal(trace_writer__stack(w, frame, 43), 3);
	assert_int_equal(trace_writer__finish(w), 0);
	trace_writer__free(w);
	r = go_reader__new(out.buf, out.len, &why);
	assert_int_equal(go_reader__next(r, &g), 1);
	assert_int_equal(go_gen_tables(r, &why), 0);
	assert_int_equal(go_stack_frames(go_gen_stack(g, 1), f), 42 * 3);
	assert_int_equal(go_stack_frames(go_gen_stack(g, 2), f), GO_FRAMES_MAX);
	assert_int_equal(f[0].line, 10); /* the leaf: the innermost function of the first */
	assert_int_equal(f[GO_FRAMES_MAX - 2].line, 10 * 43); /* 42 of three, and one more */
	assert_int_equal(f[GO_FRAMES_MAX - 1].line, 1);	      /* the root */
	assert_int_equal(go_stack_frames(go_gen_stack(g, 3), f), GO_FRAMES_MAX);
	assert_int_equal(f[GO_FRAMES_MAX - 1].line, 10 * 43 + 2); /* … an inlined one, too */
	go_reader__free(r);
	strbuf_free(&why);
	strbuf_free(&out);
}

/* Samples stand beside the events, at the time they have. */
static void samples(void **state)
{
	static const int minors[] = { 22, 23, 25, 26 };
	enum { N = 5000 };

	(void)state;
	for (size_t v = 0; v < COUNT(minors); v++) {
		struct strbuf out = STRBUF_INIT, why = STRBUF_INIT;
		struct trace_writer *w = writer(&out, minors[v]);
		struct go_event ev;
		struct go_cursor c;
		struct trace_stream s;
		struct go_reader *r;
		struct go_gen *g;
		size_t i, b, seen = 0;
		uint32_t frame = trace_writer__frame(w, "f", "x", 1), stack;

		trace_stream_init(&s, 7);
		trace_put(w, &s, trace_writer__tick(w, START), GO_EV_PROC_STOP);
		stack = trace_writer__stack(w, &frame, 1);
		for (i = 0; i < N; i++)
			trace_writer__sample(w, trace_writer__tick(w, START + 10 + i * 10), 7 + i,
					     i % 3, i, stack);
		assert_int_equal(trace_writer__stats(w).events, 1 + N);
		assert_int_equal(trace_writer__finish(w), 0);
		trace_writer__free(w);
		r = go_reader__new(out.buf, out.len, &why);
		assert_int_equal(go_reader__next(r, &g), 1);
		assert_int_equal(go_gen_tables(r, &why), 0);
		for (b = 0; b < g->nbatch; b++) {
			if (g->batch[b].kind != GO_BATCH_SAMPLES)
				continue;
			assert_true(g->batch[b].m == GO_NO_THREAD);
			assert_true(g->batch[b].len <= GO_BATCH_MAX);
			go_cursor_init(&c, g, &g->batch[b]);
			while (go_cursor_next(&c, &ev) > 0) {
				assert_int_equal(ev.type, GO_EV_CPU_SAMPLE);
				assert_int_equal(ev.time, 1010 + seen * 10);
				assert_int_equal(ev.arg[1], 7 + seen);
				assert_int_equal(ev.arg[2], seen % 3);
				assert_int_equal(ev.arg[3], seen);
				assert_int_equal(ev.arg[4], stack);
				seen++;
			}
		}
		assert_int_equal(seen, N);
		go_reader__free(r);
		strbuf_free(&why);
		strbuf_free(&out);
	}
}

/* ---- sinks that are not as they should be ---- */

struct failing {
	struct strbuf out;
	unsigned calls, good;
};

static int sink_fails(void *ctx, const void *data, size_t len)
{
	struct failing *f = ctx;

	if (++f->calls <= f->good)
		return sink_keep(&f->out, data, len);
	return f->calls == f->good + 1 ? -ENOSPC : -EIO;
}

static void first_error_is_kept(void **state)
{
	for (unsigned good = 0; good < 3; good++) {
		struct failing f = { STRBUF_INIT, 0, good };
		struct trace_writer *w = trace_writer__new(&(struct trace_writer_opts){
			.go_minor = 23, .start_ts = START, .sink = { sink_fails, &f } });
		struct trace_writer_stats st;
		struct trace_stream s;
		struct trace t;

		(void)state;
		trace_stream_init(&s, 1);
		for (unsigned g = 0; g < 10; g++) { /* it goes on for the caller */
			trace_put(w, &s, trace_writer__tick(w, START + g), GO_EV_PROC_STOP);
			trace_writer__next_gen(w, 0);
		}
		assert_int_equal(trace_writer__finish(w), -ENOSPC);
		st = trace_writer__stats(w);
		assert_int_equal(st.err, -ENOSPC);
		assert_int_equal(f.calls, good + 1); /* not called again */
		assert_int_equal(st.generations, good);
		assert_int_equal(st.bytes, f.out.len);
		assert_int_equal(st.events, 10);
		if (good) {
			t = trace_read(&f.out); /* what came before is whole */
			assert_int_equal(t.ngen, good);
			trace_free(&t);
		}
		trace_writer__free(w);
		strbuf_free(&f.out);
	}
}

struct slow {
	struct strbuf out;
	sem_t go;
	unsigned calls;
};

static int sink_slow(void *ctx, const void *data, size_t len)
{
	struct slow *s = ctx;

	__atomic_add_fetch(&s->calls, 1, __ATOMIC_SEQ_CST);
	sem_wait(&s->go);
	return sink_keep(&s->out, data, len);
}

/* The sink waits for us: two generations can go ahead of it, no later ones are lost when it moves
 * on. */
static void slow_sink(void **state)
{
	struct slow sink = { .out = STRBUF_INIT };
	struct trace_writer *w;
	struct trace_stream s;
	struct trace t;
	size_t i;

	(void)state;
	sem_init(&sink.go, 0, 0);
	w = trace_writer__new(&(struct trace_writer_opts){
		.go_minor = 23, .start_ts = START, .sink = { sink_slow, &sink } });
	trace_stream_init(&s, 1);
	for (i = 0; i < 40; i++) {
		put_log(w, &s, START + i, i, "t", trace_writer__frame(w, "f", "?", 1));
		if (i >= 2)
			sem_post(&sink.go); /* before, none is needed: they wait in the queue */
		if (i < 39)
			trace_writer__next_gen(w, 0);
	}
	sem_post(&sink.go);
	sem_post(&sink.go);
	assert_int_equal(trace_writer__finish(w), 0);
	assert_int_equal(sink.calls, 40);
	t = trace_read(&sink.out);
	assert_int_equal(t.ngen, 40);
	for (i = 0; i < 40; i++)
		assert_int_equal(t.ev[i].ev.arg[0], i);
	trace_free(&t);
	trace_writer__free(w);
	sem_destroy(&sink.go);
	strbuf_free(&sink.out);
}

/* ---- a resolver that takes its time ---- */

static void prefetch_slow(void *ctx, const uint64_t *frame, size_t cnt)
{
	(void)frame, (void)cnt;
	sem_wait(ctx);
}

static size_t resolve_none(void *ctx, uint64_t frame, const struct sym_frame **out)
{
	(void)ctx, (void)frame, (void)out;
	return 0;
}

/* Looking up a generation's names takes longer than several generations: nobody has to wait. */
static void slow_resolver(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w;
	struct trace_stream s;
	struct trace t;
	uint32_t frame;
	sem_t go;
	size_t i;

	(void)state;
	sem_init(&go, 0, 0);
	w = trace_writer__new(&(struct trace_writer_opts){
		.go_minor = 23,
		.start_ts = START,
		.resolver = { .ctx = &go, .prefetch = prefetch_slow, .resolve = resolve_none },
		.sink = { sink_keep, &out },
	});
	trace_stream_init(&s, 1);
	for (i = 0; i < 17; i++) {
		frame = trace_writer__addr_frame(w, 0x1000 + i);
		put_log(w, &s, START + i, i, "t", frame);
		assert_int_equal(trace_writer__stalled(w), i == 16);
		if (i < 16)
			trace_writer__next_gen(w, 0);
	}
	for (i = 0; i < 17; i++)
		sem_post(&go);
	assert_int_equal(trace_writer__finish(w), 0);
	t = trace_read(&out);
	assert_int_equal(t.ngen, 17);
	assert_string_equal(t.ev[16].leaf, "0x1010");
	trace_free(&t);
	trace_writer__free(w);
	sem_destroy(&go);
	strbuf_free(&out);
}

/* ---- parts ---- */

struct parts {
	struct trace_part part[8];
	struct strbuf bytes[8];
	size_t cnt;
};

static int keep_part(void *ctx, const struct trace_part *part)
{
	struct parts *p = ctx;

	assert_in_range(p->cnt, 0, COUNT(p->part) - 1);
	strbuf_add(&p->bytes[p->cnt], part->data, part->len);
	p->part[p->cnt++] = *part;
	return 0;
}

/* A file of some parts, as a store of them makes it. */
static struct trace file_of(const struct parts *p, size_t first, size_t second)
{
	struct strbuf all = STRBUF_INIT;
	struct trace t;

	strbuf_add(&all, p->bytes[first].buf, p->bytes[first].len);
	strbuf_add(&all, p->bytes[second].buf + TRACE_HEADER_LEN,
		   p->bytes[second].len - TRACE_HEADER_LEN);
	t = trace_read(&all);
	strbuf_free(&all);
	return t;
}

/* Two generations with an opening between them: each file is one that readers take. */
static void opening(void **state)
{
	struct parts p = { 0 };
	struct strbuf one = STRBUF_INIT;
	struct trace_stream s;
	struct trace_writer *w;
	struct trace t;
	int to_parts;
	size_t i;

	(void)state;
	for (to_parts = 0; to_parts < 2; to_parts++) {
		w = trace_writer__new(&(struct trace_writer_opts){
			.go_minor = 23,
			.start_ts = START,
			.sink = { sink_keep, &one },
			.parts = { to_parts ? keep_part : NULL, &p },
		});
		trace_stream_init(&s, 7);
		put_log(w, &s, START + 10, 1, "first", trace_writer__frame(w, "f", "x", 1));
		i = trace_writer__gen(w);
		trace_writer__opening(w, START + 20, EV_CUT_FILE);
		assert_int_not_equal(trace_writer__gen(w), i); /* what was cached is not good */
		put_log(w, &s, START + 20, 2, "opening", trace_writer__frame(w, "f", "x", 1));
		trace_writer__next_gen(w, START + 20);
		put_log(w, &s, START + 20, 3, "second", trace_writer__frame(w, "f", "x", 1));
		assert_int_equal(trace_writer__finish(w), 0);
		assert_int_equal(trace_writer__stats(w).generations, 2);
		if (!to_parts)
			assert_int_equal(trace_writer__stats(w).bytes, one.len);
		trace_writer__free(w);
	}
	t = trace_read(&one); /* one trace has no use for it */
	assert_int_equal(t.ngen, 2);
	assert_int_equal(t.cnt, 2);
	assert_string_equal(t.ev[1].text, "second");
	trace_free(&t);

	assert_int_equal(p.cnt, 3);
	assert_int_equal(p.part[0].number, 1);
	assert_int_equal(p.part[0].cut, EV_CUT_FILE);
	assert_int_equal(p.part[0].begin_ts, START + 10);
	assert_int_equal(p.part[0].end_ts, START + 20);
	assert_true(p.part[1].opening);
	assert_int_equal(p.part[1].number, 1);
	assert_int_equal(p.part[1].begin_ts, START + 20);
	assert_int_equal(p.part[2].number, 2);
	assert_int_equal(p.part[2].cut, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(go_header(p.bytes[i].buf, p.bytes[i].len), 23);
	t = file_of(&p, 0, 2);
	assert_int_equal(t.cnt, 2);
	trace_free(&t);
	t = file_of(&p, 1, 2);
	assert_int_equal(t.cnt, 2);
	assert_string_equal(t.ev[0].text, "opening");
	assert_string_equal(t.ev[0].leaf, "f");
	assert_true(t.ev[1].ev.time > t.ev[0].ev.time);
	trace_free(&t);
	for (i = 0; i < 3; i++)
		strbuf_free(&p.bytes[i]);
	strbuf_free(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_versions),
		cmocka_unit_test(nothing_put),
		cmocka_unit_test(batches_keep_their_limit),
		cmocka_unit_test(many_streams),
		cmocka_unit_test(full_by_time),
		cmocka_unit_test(full_by_size),
		cmocka_unit_test(full_by_more_than_states),
		cmocka_unit_test(late_frames),
		cmocka_unit_test(late_ticks),
		cmocka_unit_test(addresses),
		cmocka_unit_test(addresses_too_deep),
		cmocka_unit_test(samples),
		cmocka_unit_test(first_error_is_kept),
		cmocka_unit_test(slow_sink),
		cmocka_unit_test(slow_resolver),
		cmocka_unit_test(opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
