// SPDX-License-Identifier: BSD-2-Clause
/*
 * The model where the golden files cannot reach: very many threads at once and one after the other,
 * memory, CPU numbers and kinds that do not exist. What it writes is read again: trace_read() of
 * helpers.h refuses an undefined id and an equal tick.
 */
#include "helpers.h"

#include <malloc.h>

#include "gotrace/writer.h"
#include "model/model.h"

#define START 1000000000ull
#define CPU_LIMIT 4096 /* CPU_MAX of the model */

struct bench {
	struct strbuf out;
	struct trace_writer *w;
	struct model *m;
	uint64_t ts;
};

static int sink_drop(void *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return 0;
}

static void begin_to(struct bench *b, struct sink sink)
{
	b->w = trace_writer__new(
		&(struct trace_writer_opts){ .go_minor = 23, .start_ts = START, .sink = sink });
	b->m = model__new(
		&(struct model_opts){ .writer = b->w, .go_minor = 23, .start_ts = START });
	b->ts = START;
}

static void begin(struct bench *b)
{
	*b = (struct bench){ .out = STRBUF_INIT };
	begin_to(b, (struct sink){ sink_keep, &b->out });
}

static struct trace end(struct bench *b)
{
	model__finish(b->m);
	assert_int_equal(trace_writer__finish(b->w), 0);
	return trace_read(&b->out);
}

static void done(struct bench *b, struct trace *t)
{
	trace_free(t);
	model__free(b->m);
	trace_writer__free(b->w);
	strbuf_free(&b->out);
}

/* ---- records ---- */

static uint64_t key(uint32_t tid, uint32_t serial)
{
	return (uint64_t)serial << 32 | tid;
}

static struct ev_hdr hdr(struct bench *b, unsigned kind, unsigned cpu, uint32_t arg)
{
	return (struct ev_hdr){
		.ts = b->ts += 10, .kind = (uint8_t)kind, .cpu = (uint16_t)cpu, .arg = arg
	};
}

static void feed_hdr(struct bench *b, unsigned kind, unsigned cpu, uint32_t arg)
{
	struct ev_hdr h = hdr(b, kind, cpu, arg);

	model__feed(b->m, &h, sizeof(h));
}

static void feed_thread(struct bench *b, uint64_t thr, const char *comm)
{
	struct ev_thread e = { .h = hdr(b, EV_THREAD, 0, (uint32_t)thr), .thr = thr };

	snprintf(e.comm, sizeof(e.comm), "%s", comm);
	model__feed(b->m, &e.h, sizeof(e));
}

static void feed_switch(struct bench *b, unsigned cpu, uint64_t prev, char state, uint64_t next)
{
	struct ev_switch e = { .h = hdr(b, EV_SWITCH, cpu, EV_ST_PACK(state, 0, EV_NR_NONE)),
			       .prev = prev,
			       .next = next };

	model__feed(b->m, &e.h, EV_SWITCH_SHORT);
}

static void feed_fork(struct bench *b, unsigned cpu, uint64_t parent, uint64_t child)
{
	struct ev_fork e = { .h = hdr(b, EV_FORK, cpu, 0), .parent = parent, .child = child };

	model__feed(b->m, &e.h, sizeof(e));
}

static void feed_syscall(struct bench *b, unsigned cpu, uint64_t thr, uint32_t nr, uint64_t ns)
{
	struct ev_sys e = { .h = hdr(b, EV_SYSCALL, cpu, nr), .thr = thr };

	e.begin = e.h.ts - ns;
	model__feed(b->m, &e.h, sizeof(e));
}

/* ---- tests ---- */

static void nothing(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	model__finish(b.m);
	assert_int_equal(trace_writer__finish(b.w), 0);
	assert_int_equal(b.out.len, 0);
	assert_int_equal(model__stats(b.m)->threads, 0);
	assert_int_equal(model__stats(b.m)->begin_ts, 0);
	done(&b, &(struct trace){ 0 });
	model__free(NULL);
}

/* each with its name, in each generation that it runs in */
static void many_threads(void **state)
{
	enum { THREADS = 5000, ROUNDS = 3 };
	size_t i, r, named = 0;
	char name[EV_COMM_LEN];
	struct bench b;
	struct trace t;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_CPU, 0, 0);
	feed_hdr(&b, EV_START, 0, 0);
	for (i = 1; i <= THREADS; i++) {
		snprintf(name, sizeof(name), "w%zu", i);
		feed_thread(&b, key((uint32_t)i, 1), name);
	}
	for (r = 0; r < ROUNDS; r++) {
		for (i = 1; i <= THREADS; i++) {
			feed_switch(&b, 0, 0, 'R', key((uint32_t)i, 1));
			feed_syscall(&b, 0, key((uint32_t)i, 1), 39, 5);
			feed_switch(&b, 0, key((uint32_t)i, 1), 'R', 0);
		}
		b.ts += 1000000000; /* the next generation */
	}
	t = end(&b);
	assert_int_equal(t.ngen, ROUNDS);
	assert_int_equal(trace_count(&t, GO_EV_GO_CREATE), THREADS);
	assert_int_equal(trace_count(&t, GO_EV_GO_SYSCALL_BEGIN), THREADS * ROUNDS);
	assert_int_equal(trace_count(&t, GO_EV_GO_STATUS), THREADS * (ROUNDS - 1));
	for (i = 0; i < t.cnt; i++) {
		if (t.ev[i].ev.type != GO_EV_GO_SYSCALL_BEGIN)
			continue;
		snprintf(name, sizeof(name), "w%llu", (unsigned long long)t.ev[i].ev.m);
		assert_string_equal(t.ev[i].root, name);
		assert_string_equal(t.ev[i].leaf, "sys_getpid");
		named++;
	}
	assert_int_equal(named, THREADS * ROUNDS);
	assert_int_equal(model__stats(b.m)->threads, THREADS);
	assert_int_equal(model__stats(b.m)->repairs[REPAIR_INTRODUCED], THREADS);
	assert_int_equal(model__stats(b.m)->events, THREADS * ROUNDS * 4);
	done(&b, &t);
}

static void come_and_go(struct bench *b, uint32_t from, uint32_t to)
{
	const uint64_t parent = key(7, 1);
	char name[EV_COMM_LEN];

	for (uint32_t i = from; i < to; i++) {
		uint64_t child = key(1000 + i % 30000, 2 + i);

		snprintf(name, sizeof(name), "child %u", i);
		feed_thread(b, child, name);
		feed_fork(b, 0, parent, child);
		feed_switch(b, 1, 0, 'R', child);
		feed_switch(b, 1, child, 'X', 0);
		b->ts += 200000; /* 5000 in a generation */
		trace_writer__wait(b->w);
	}
}

static size_t heap(void)
{
	struct mallinfo2 mi = mallinfo2(); /* 0 under a sanitizer */

	return mi.uordblks + mi.hblkhd;
}

/* A million threads, one after the other, tids used again, no name twice: the heap stays as it is
 * after the first. */
static void threads_leave_nothing(void **state)
{
	const uint32_t n = SANITIZED ? 60000 : 1000000;
	struct bench b = { .out = STRBUF_INIT };
	size_t before, after;

	(void)state;
	begin_to(&b, (struct sink){ sink_drop, NULL });
	feed_hdr(&b, EV_CPU, 0, 0);
	feed_hdr(&b, EV_CPU, 0, 1);
	feed_thread(&b, key(7, 1), "parent");
	feed_hdr(&b, EV_START, 0, 0);
	feed_switch(&b, 0, 0, 'R', key(7, 1));
	come_and_go(&b, 0, n / 5);
	before = heap();
	come_and_go(&b, n / 5, n);
	after = heap();
	assert_int_equal(model__stats(b.m)->threads, n + 1);
	if (after > before + (4 << 20)) /* the writer's thread holds more or less just now */
		fail_msg("grew from %zu to %zu bytes", before, after);
	model__finish(b.m);
	assert_int_equal(trace_writer__finish(b.w), 0);
	done(&b, &(struct trace){ 0 });
}

/* all those of a tid have ids of their own */
static void ids_of_lifetimes(void **state)
{
	uint64_t seen[50], id;
	size_t i, k, n = 0;
	struct bench b;
	struct trace t;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_START, 0, 0);
	for (uint32_t s = 1; s <= COUNT(seen); s++) {
		feed_thread(&b, key(42, s), "again");
		feed_switch(&b, 0, 0, 'R', key(42, s));
		feed_switch(&b, 0, key(42, s), 'X', 0);
	}
	t = end(&b);
	for (i = 0; i < t.cnt; i++) {
		if (t.ev[i].ev.type != GO_EV_GO_CREATE)
			continue;
		id = t.ev[i].ev.arg[0];
		for (k = 0; k < n; k++)
			assert_true(seen[k] != id);
		assert_true(n < COUNT(seen));
		seen[n++] = id;
	}
	assert_int_equal(n, COUNT(seen));
	done(&b, &t);
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* more lives than a tid's count has room for */
static void lifetimes_without_end(void **state)
{
	enum { LIVES = 65535 + 10 };
	uint64_t *id = xcalloc(LIVES, sizeof(*id));
	size_t i, n = 0;
	struct bench b;
	struct trace t;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_START, 0, 0);
	for (uint32_t s = 1; s <= LIVES; s++) {
		feed_switch(&b, 0, 0, 'R', key(42, s));
		feed_switch(&b, 0, key(42, s), 'X', 0);
	}
	t = end(&b);
	for (i = 0; i < t.cnt; i++)
		if (t.ev[i].ev.type == GO_EV_GO_CREATE)
			id[n++] = t.ev[i].ev.arg[0];
	assert_int_equal(n, LIVES);
	qsort(id, n, sizeof(*id), by_id);
	for (i = 1; i < n; i++)
		assert_true(id[i - 1] < id[i]);
	free(id);
	done(&b, &t);
}

static void feed_exec(struct bench *b, unsigned cpu, uint64_t thr, uint32_t tid)
{
	struct ev_exec e = { .h = hdr(b, EV_EXEC, cpu, tid), .thr = thr, .tid = tid };

	model__feed(b->m, &e.h, EV_EXEC_SHORT);
}

/*
 * The second thread of a tid whose M is still another's has its goroutine's id for an M. A tid of
 * that number, which no Linux gives, must not get the same. Nor is there a goroutine 0.
 */
static void ids_that_no_linux_gives(void **state)
{
	const uint32_t huge = 10000000 + 101;
	uint64_t m[4] = { 0 };
	size_t i, n = 0;
	struct bench b;
	struct trace t;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_START, 0, 0);
	feed_switch(&b, 0, 0, 'R', key(101, 1));
	feed_exec(&b, 0, key(101, 1), 100);
	feed_switch(&b, 1, 0, 'R', key(huge, 1));
	feed_switch(&b, 2, 0, 'R', key(101, 2));
	feed_switch(&b, 3, 0, 'R', key(7, 1));
	feed_exec(&b, 3, key(7, 1), 0);
	t = end(&b);
	for (i = 0; i < t.cnt; i++) {
		if (t.ev[i].ev.type == GO_EV_GO_CREATE)
			assert_true(t.ev[i].ev.arg[0] != 0);
		if (t.ev[i].ev.type != GO_EV_PROC_START)
			continue;
		for (size_t k = 0; k < n; k++)
			assert_true(m[k] != t.ev[i].ev.m);
		assert_true(n < COUNT(m));
		m[n++] = t.ev[i].ev.m;
	}
	assert_int_equal(n, COUNT(m));
	done(&b, &t);
}

static void cpus_beyond_the_limit(void **state)
{
	const struct model_stats *st;
	struct bench b;
	struct trace t;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_CPU, 0, 0);
	feed_hdr(&b, EV_CPU, 0, UINT32_MAX); /* before the start: ignored, and no repair */
	feed_thread(&b, key(5, 1), "t");
	feed_hdr(&b, EV_START, 0, 0);
	st = model__stats(b.m);
	assert_int_equal(st->repairs[REPAIR_BAD_RECORD], 0);
	feed_switch(&b, CPU_LIMIT, 0, 'R', key(5, 1));
	feed_switch(&b, 65535, key(5, 1), 'R', 0);
	feed_syscall(&b, CPU_LIMIT, key(5, 1), 39, 5);
	feed_fork(&b, CPU_LIMIT, key(5, 1), key(6, 1));
	feed_hdr(&b, EV_CPU, 0, CPU_LIMIT);
	feed_hdr(&b, EV_LOST, 0xffff, 3);
	assert_int_equal(st->repairs[REPAIR_BAD_RECORD], 6);
	assert_int_equal(st->lost, 3);
	feed_switch(&b, CPU_LIMIT - 1, 0, 'R', key(5, 1)); /* the last one is fine */
	assert_int_equal(st->repairs[REPAIR_BAD_RECORD], 6);
	t = end(&b);
	assert_int_equal(trace_count(&t, GO_EV_GO_CREATE), 1);
	assert_int_equal(trace_count(&t, GO_EV_PROC_START), 1);
	for (size_t i = 0; i < t.cnt; i++)
		if (t.ev[i].ev.type == GO_EV_PROC_START)
			assert_int_equal(t.ev[i].ev.arg[0], CPU_LIMIT - 1);
	done(&b, &t);
}

/* the table of CPUs moves while threads are on them */
static void cpus_that_come_later(void **state)
{
	struct bench b;
	struct trace t;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_START, 0, 0);
	for (unsigned cpu = 0; cpu < 300; cpu++) {
		feed_thread(&b, key(100 + cpu, 1), "t");
		feed_switch(&b, cpu, 0, 'R', key(100 + cpu, 1));
	}
	for (unsigned cpu = 0; cpu < 300; cpu++)
		feed_switch(&b, cpu, key(100 + cpu, 1), 'X', 0);
	assert_int_equal(model__stats(b.m)->repairs[REPAIR_FORCED_IN], 0);
	assert_int_equal(model__stats(b.m)->repairs[REPAIR_FORCED_OUT], 0);
	t = end(&b);
	assert_int_equal(trace_count(&t, GO_EV_GO_DESTROY), 300);
	assert_int_equal(trace_count(&t, GO_EV_PROC_STOP), 300);
	done(&b, &t);
}

static void kinds_out_of_range(void **state)
{
	struct bench b;
	struct trace t;
	size_t k, records = 0;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_START, 0, 0);
	feed_hdr(&b, EV_NONE, 0, 0);
	for (k = EV_KERNEL_END; k < EV_START; k++)
		feed_hdr(&b, (unsigned)k, 0, 0);
	for (k = EV_KIND_MAX; k < 256; k++)
		feed_hdr(&b, (unsigned)k, 0, 0);
	for (k = 0; k < EV_KIND_MAX; k++)
		records += model__stats(b.m)->records[k];
	assert_int_equal(records, 1);
	assert_int_equal(model__stats(b.m)->events, 0);
	t = end(&b);
	done(&b, &t);
}

/* what comes behind the end is not looked at, and a second start begins nothing anew */
static void start_and_stop_twice(void **state)
{
	struct bench b;
	struct trace t;
	size_t len;

	(void)state;
	begin(&b);
	feed_thread(&b, key(5, 1), "t");
	feed_hdr(&b, EV_START, 0, 0);
	feed_hdr(&b, EV_START, 0, 0);
	feed_switch(&b, 0, 0, 'R', key(5, 1));
	feed_hdr(&b, EV_STOP, 0, 0);
	len = model__stats(b.m)->end_ts;
	feed_switch(&b, 0, key(5, 1), 'X', 0);
	feed_hdr(&b, EV_START, 0, 0);
	feed_hdr(&b, EV_STOP, 0, 0);
	assert_int_equal(model__stats(b.m)->end_ts, len);
	assert_int_equal(model__stats(b.m)->begin_ts, START + 20);
	assert_int_equal(model__stats(b.m)->records[EV_START], 2);
	t = end(&b);
	assert_int_equal(trace_count(&t, GO_EV_GO_CREATE), 1);
	assert_int_equal(trace_count(&t, GO_EV_GO_DESTROY), 0);
	done(&b, &t);
}

/* two CPUs, after a pause longer than the table of late ticks reaches: equal begins are told apart */
static void syscalls_after_a_pause(void **state)
{
	struct bench b;
	struct trace t;

	(void)state;
	begin(&b);
	feed_hdr(&b, EV_START, 0, 0);
	for (uint32_t i = 0; i < 4; i++)
		feed_switch(&b, i, 0, 'R', key(50 + i, 1));
	b.ts += 20000000000ull;
	feed_hdr(&b, EV_METRIC, 0, 0); /* the new generation begins here */
	b.ts += 1000;
	for (uint32_t i = 0; i < 4; i++)
		feed_syscall(&b, i, key(50 + i, 1), 39, 100 + 10 * i); /* all begin at once */
	t = end(&b);						       /* finds equal ticks */
	assert_int_equal(t.ngen, 2);
	assert_int_equal(trace_count(&t, GO_EV_GO_SYSCALL_BEGIN), 4);
	done(&b, &t);
}

/* ---- stacks ---- */

static void feed_stack(struct bench *b, uint32_t id, uint16_t nuser, uint64_t frame,
		       enum ev_stack_end how)
{
	struct ev_stack e = { .h = hdr(b, EV_STACK, 0, id), .nuser = nuser, .end = (uint8_t)how };

	for (unsigned i = 0; i < nuser; i++)
		e.pc[i] = frame + i;
	model__feed(b->m, &e.h, EV_STACK_SHORT + nuser * sizeof(e.pc[0]));
}

static void feed_sleep(struct bench *b, uint64_t prev, uint64_t next, uint32_t stack)
{
	struct ev_switch e = { .h = hdr(b, EV_SWITCH, 0, EV_ST_PACK(EV_ST_SLEEP, 0, EV_NR_NONE)),
			       .prev = prev,
			       .next = next,
			       .stack.id = stack };

	model__feed(b->m, &e.h, sizeof(e));
}

static void feed_module(struct bench *b, uint32_t number, const char *path)
{
	struct ev_module e = { .h = hdr(b, EV_MODULE, 0, number), .type = EV_MODULE_FILE };
	size_t n = strlen(path) + 1;

	memcpy(e.path, path, n);
	model__feed(b->m, &e.h, EV_MODULE_SHORT + n);
}

static const struct model_module *module_called(struct bench *b, const char *name)
{
	const struct model_stats *st = model__stats(b->m);

	for (size_t i = 0; i < st->nmodule; i++)
		if (!strcmp(st->module[i].name, name))
			return &st->module[i];
	return NULL;
}

static void ends_of_stacks(void **state)
{
	const struct model_module *mod;
	const struct model_stats *st;
	char longest[EV_PATH_MAX];
	struct bench b;
	struct trace t = { 0 };

	(void)state;
	begin(&b);
	feed_module(&b, 1, "/usr/lib/libc.so.6");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	feed_module(&b, 2, longest);
	feed_module(&b, 5, "[jit]");
	feed_stack(&b, 1, 3, EV_FRAME(1, 10), EV_END_COMPLETE);
	feed_stack(&b, 2, 4, EV_FRAME(1, 20), EV_END_NO_RULE);
	feed_stack(&b, 3, 5, EV_FRAME(1, 30), EV_END_NO_RULE);
	feed_stack(&b, 4, 127, EV_FRAME(2, 30), EV_END_DEEP);
	feed_stack(&b, 5, 1, EV_FRAME(9, 30), EV_END_READ);
	feed_stack(&b, 6, 0, 0, EV_END_NO_PROCESS);
	feed_stack(&b, 7, 2, EV_FRAME(0, 30), EV_END_NO_MAPPING);
	feed_stack(&b, 8, 0, 0, EV_END_NONE);
	st = model__stats(b.m);
	assert_int_equal(st->stacks[EV_END_NONE], 0);
	assert_int_equal(st->stacks[EV_END_COMPLETE], 1);
	assert_int_equal(st->stacks[EV_END_NO_RULE], 2);
	assert_int_equal(st->stacks[EV_END_DEEP], 1);
	assert_int_equal(st->stacks[EV_END_NO_PROCESS], 1);
	assert_int_equal(st->stacks[EV_END_NO_MAPPING], 1);
	assert_int_equal(st->user_frames, 3 + 4 + 5 + 127 + 1 + 2);
	assert_int_equal(st->nmodule, 5);
	mod = module_called(&b, "[unmapped]");
	assert_non_null(mod);
	assert_int_equal(mod->ends[EV_END_NO_MAPPING], 1);
	mod = module_called(&b, "libc.so.6");
	assert_non_null(mod);
	assert_int_equal(mod->ends[EV_END_NO_RULE], 2);
	assert_int_equal(mod->ends[EV_END_COMPLETE], 0);
	mod = module_called(&b, "module 9");
	assert_non_null(mod);
	assert_int_equal(mod->ends[EV_END_READ], 1);
	assert_non_null(module_called(&b, "[jit]"));
	mod = module_called(&b, longest + sizeof(longest) - sizeof(mod->name));
	assert_non_null(mod);
	assert_int_equal(mod->ends[EV_END_DEEP], 1);
	done(&b, &t);
}

/* However many modules there are, we count a few thousand by name. */
static void modules_without_end(void **state)
{
	struct bench b;
	struct trace t = { 0 };

	(void)state;
	begin(&b);
	for (uint32_t i = 1; i < EV_MODULE_MAX; i++) {
		feed_module(&b, i, "/lib/x");
		feed_stack(&b, i, 1, EV_FRAME(i, 1), EV_END_LOOP);
	}
	assert_int_equal(model__stats(b.m)->nmodule, 8192);
	assert_int_equal(model__stats(b.m)->stacks[EV_END_LOOP], EV_MODULE_MAX - 1);
	done(&b, &t);
}

/* Each sleep in a stack of its own, epochs as they come: what is forgotten is given back. */
static void stacks_leave_nothing(void **state)
{
	uint32_t i, n = SANITIZED ? 20000 : 200000;
	uint64_t a = key(100, 1), z = key(101, 2);
	size_t before = 0, after;
	struct trace t = { 0 };
	struct bench b = { .out = STRBUF_INIT };

	(void)state;
	begin_to(&b, (struct sink){ sink_drop, NULL });
	feed_hdr(&b, EV_CPU, 0, 0);
	feed_thread(&b, a, "a");
	feed_thread(&b, z, "z");
	feed_hdr(&b, EV_START, 0, 0);
	for (i = 1; i <= n; i++) {
		feed_stack(&b, i, 40, EV_FRAME(1, i % 500), EV_END_COMPLETE);
		feed_sleep(&b, i % 2 ? z : a, i % 2 ? a : z, i);
		b.ts += 100000; /* many generations */
		if (i % 1000 == 0)
			feed_hdr(&b, EV_EPOCH, 0, i / 1000);
		if (i == n / 10) {
			trace_writer__wait(b.w);
			before = heap();
		}
	}
	trace_writer__wait(b.w);
	after = heap();
	if (!SANITIZED && after > before + (4u << 20))
		fail_msg("%zu bytes, then %zu", before, after);
	assert_int_equal(model__stats(b.m)->stacks[EV_END_COMPLETE], n);
	model__finish(b.m);
	assert_int_equal(trace_writer__finish(b.w), 0);
	done(&b, &t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(threads_leave_nothing),
		cmocka_unit_test(ids_of_lifetimes),
		cmocka_unit_test(lifetimes_without_end),
		cmocka_unit_test(ids_that_no_linux_gives),
		cmocka_unit_test(cpus_beyond_the_limit),
		cmocka_unit_test(cpus_that_come_later),
		cmocka_unit_test(kinds_out_of_range),
		cmocka_unit_test(start_and_stop_twice),
		cmocka_unit_test(syscalls_after_a_pause),
		cmocka_unit_test(ends_of_stacks),
		cmocka_unit_test(modules_without_end),
		cmocka_unit_test(stacks_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
