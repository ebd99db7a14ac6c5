// SPDX-License-Identifier: BSD-2-Clause
/*
 * Annotations where the golden files cannot reach: as many of everything as a program likes, texts
 * that are as long as they may be, memory. trace_read() of helpers.h refuses an undefined id and an
 * equal tick; that regions nest and that a task begins once is looked at here.
 */
#include "helpers.h"

#include <malloc.h>

#include "event/evspec.h"
#include "gotrace/writer.h"
#include "model/marktext.h"
#include "model/model.h"
#include "util/u64map.h"
#include "util/utf8.h"

#define START 1000000000ull
#define THR (1ull << 32 | 100)
#define OTHER (1ull << 32 | 101)

#define GOROUTINES 4096 /* limits of the model */
#define BUSY_GOROUTINES 65536
#define DEPTH 1024
#define OPEN_TASKS 65536

static struct strbuf out;
static struct trace_writer *w;
static struct model *m;
static uint64_t ts;
static struct ev_mark mark;

static int sink_drop(void *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return 0;
}

static void feed(unsigned kind, uint32_t arg, void *rec, size_t len)
{
	struct ev_hdr *h = rec;

	*h = (struct ev_hdr){ .ts = ts += 10, .kind = (uint8_t)kind, .arg = arg };
	assert_int_equal(ev_check(rec, len), 0);
	model__feed(m, h, len);
}

static void begin(bool drop)
{
	struct ev_snap snap = { .t.thr = THR,
				.t.comm = "alpha",
				.st = EV_ST_PACK('R', 0, EV_NR_NONE) };
	struct ev_hdr h;
	struct sink sink = { sink_keep, &out };

	out = STRBUF_INIT;
	if (drop)
		sink = (struct sink){ sink_drop, NULL };
	w = trace_writer__new(
		&(struct trace_writer_opts){ .go_minor = 23, .start_ts = START, .sink = sink });
	m = model__new(&(struct model_opts){ .writer = w, .go_minor = 23, .start_ts = START });
	ts = START;
	snap.t.h = (struct ev_hdr){ .ts = ts, .kind = EV_SNAP, .flags = EVF_ONCPU, .arg = 100 };
	model__feed(m, &snap.t.h, sizeof(snap));
	feed(EV_START, 0, &h, sizeof(h));
}

static void end(struct trace *t)
{
	model__finish(m);
	assert_int_equal(trace_writer__finish(w), 0);
	if (t)
		*t = trace_read(&out);
}

static void done(struct trace *t)
{
	if (t)
		trace_free(t);
	model__free(m);
	trace_writer__free(w);
	strbuf_free(&out);
}

static uint64_t counted(enum mark_count c)
{
	return model__stats(m)->marks[c];
}

/* name and text are in the record already. */
static void feed_mark(unsigned op, unsigned by, uint64_t task, uint64_t id)
{
	if (!mark.thr)
		mark.thr = THR;
	mark.task = task;
	mark.id = id;
	feed(EV_MARK, EV_MARK_PACK(op, by, 0), &mark, EV_MARK_SHORT + mark.nname + mark.ntext);
	if (trace_writer__stalled(w))
		trace_writer__wait(w);
}

static void set_name(const char *name)
{
	memset(&mark, 0, sizeof(mark));
	mark.nname = (uint16_t)strlen(name);
	memcpy(mark.text, name, mark.nname);
}

/* ---- what readers ask of tasks and regions ---- */

struct open {
	uint64_t g;
	char name[DEPTH + 1][64];
	size_t cnt;
};

/* Which G is on the M of an event is not in the flat list: each M here has one. */
static void check_nesting(const struct trace *t)
{
	struct u64map tasks = { 0 };
	struct open *o = xcalloc(1, sizeof(*o));
	size_t i;

	for (i = 0; i < t->cnt; i++) {
		const struct seen *e = &t->ev[i];
		bool fresh = true;

		switch ((int)e->ev.type) {
		case GO_EV_USER_TASK_BEGIN:
			u64map_put(&tasks, e->ev.arg[0], &fresh);
			assert_true(fresh);
			break;
		case GO_EV_USER_REGION_BEGIN:
			assert_true(o->cnt <= DEPTH);
			memcpy(o->name[o->cnt++], e->text, 64);
			break;
		case GO_EV_USER_REGION_END:
			if (o->cnt)
				assert_string_equal(e->text, o->name[--o->cnt]);
			break;
		}
	}
	u64map_free(&tasks);
	free(o);
}

/* ---- tests ---- */

static void regions_as_deep_as_they_like(void **state)
{
	struct trace t;
	char name[32];

	(void)state;
	begin(false);
	for (uint64_t i = 1; i <= 3 * DEPTH; i++) {
		snprintf(name, sizeof(name), "r%u", (unsigned)i % 7);
		set_name(name);
		feed_mark(EV_MARK_REGION_BEGIN, EV_BY_HEADER, 0, i);
	}
	assert_int_equal(counted(MARK_COUNT_REGIONS), DEPTH);
	assert_int_equal(counted(MARK_COUNT_DEEP), 2 * DEPTH);
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, 3 * DEPTH); /* left out when it began */
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), 0);
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, 1);
	assert_int_equal(counted(MARK_COUNT_CROSSED), DEPTH - 1);
	end(&t);
	assert_int_equal(trace_count(&t, GO_EV_USER_REGION_END), DEPTH);
	check_nesting(&t);
	done(&t);
}

/* Of a call that has another one inside of it for each level below. */
static void feed_deep(unsigned op, unsigned by, uint64_t level)
{
	set_name(by == EV_BY_GO && op == EV_MARK_REGION_BEGIN ? "rec" : "");
	mark.goroutine = by == EV_BY_GO ? 7 : 0;
	mark.site = by == EV_BY_GO ? 0 : 3;
	feed_mark(op, by, 0, by == EV_BY_FUNC ? (1u << 30) - level * 64 : 0);
}

/* What is left out is the innermost, and takes its ends: the others end when they do. */
static void ends_of_what_is_too_deep(void **state)
{
	static const unsigned kinds[] = { EV_BY_USDT, EV_BY_GO, EV_BY_FUNC };
	const uint64_t n = DEPTH * 3 / 2;
	struct trace t;

	(void)state;
	for (size_t k = 0; k < COUNT(kinds); k++) {
		size_t ended = 0;

		begin(false);
		for (uint64_t i = 1; i <= n; i++)
			feed_deep(EV_MARK_REGION_BEGIN, kinds[k], i);
		assert_int_equal(counted(MARK_COUNT_REGIONS), DEPTH);
		assert_int_equal(counted(MARK_COUNT_DEEP), n - DEPTH);
		for (uint64_t i = n; i > DEPTH; i--)
			feed_deep(EV_MARK_REGION_END, kinds[k], i);
		set_name("as deep as may be");
		mark.goroutine = kinds[k] == EV_BY_GO ? 7 : 0;
		feed_mark(EV_MARK_LOG, kinds[k] == EV_BY_GO ? EV_BY_GO : EV_BY_HEADER, 0, 0);
		for (uint64_t i = DEPTH; i > 0; i--)
			feed_deep(EV_MARK_REGION_END, kinds[k], i);
		assert_int_equal(counted(MARK_COUNT_UNMATCHED), 0);
		feed_deep(EV_MARK_REGION_END, kinds[k], 0);
		assert_int_equal(counted(MARK_COUNT_UNMATCHED), 1);
		end(&t);
		check_nesting(&t);
		assert_int_equal(trace_count(&t, GO_EV_USER_REGION_END), DEPTH);
		for (size_t i = 0; i < t.cnt; i++) {
			ended += t.ev[i].ev.type == GO_EV_USER_REGION_END;
			if (!strcmp(t.ev[i].text, "as deep as may be"))
				break;
		}
		assert_int_equal(ended, 0);
		done(&t);
	}
}

/* An end by number of one that is not the innermost: what was too deep is over, too. */
static void crossed_while_too_deep(void **state)
{
	(void)state;
	begin(true);
	set_name("outer");
	feed_mark(EV_MARK_REGION_BEGIN, EV_BY_HEADER, 0, 1);
	set_name("");
	mark.site = 3;
	for (unsigned i = 0; i < DEPTH + 5; i++)
		feed_mark(EV_MARK_REGION_BEGIN, EV_BY_USDT, 0, 0);
	set_name("outer");
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, 1);
	assert_int_equal(counted(MARK_COUNT_CROSSED), DEPTH - 1);
	set_name("");
	mark.site = 3;
	feed_mark(EV_MARK_REGION_BEGIN, EV_BY_USDT, 0, 0);
	feed_mark(EV_MARK_REGION_END, EV_BY_USDT, 0, 0);
	assert_int_equal(counted(MARK_COUNT_REGIONS), DEPTH + 1);
	feed_mark(EV_MARK_REGION_END, EV_BY_USDT, 0, 0);
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), 1);
	end(NULL);
	done(NULL);
}

static void random_marks(void **state)
{
	static const char *const names[] = { "a", "b", "", "\xff\xfe", "c" };
	uint64_t seed = 77;
	struct trace t;

	(void)state;
	begin(false);
	for (int i = 0; i < 200000; i++) {
		set_name(names[rnd(&seed) % COUNT(names)]);
		mark.site = rnd(&seed) % 4 ? 0 : (uint32_t)(rnd(&seed) % 3);
		if (rnd(&seed) % 2)
			mark.text[0] = (char)(mark.nname ? 'a' + (char)(rnd(&seed) % 3) : 0);
		feed_mark(1 + rnd(&seed) % EV_MARK_REGION_END, 1 + rnd(&seed) % EV_BY_USDT,
			  rnd(&seed) % 40, rnd(&seed) % 60);
	}
	end(&t);
	check_nesting(&t);
	assert_true(counted(MARK_COUNT_REGIONS) > 1000);
	assert_true(counted(MARK_COUNT_TASKS) > 1000);
	assert_int_equal(counted(MARK_COUNT_TASKS), trace_count(&t, GO_EV_USER_TASK_BEGIN));
	assert_int_equal(counted(MARK_COUNT_REGIONS), trace_count(&t, GO_EV_USER_REGION_BEGIN));
	done(&t);
}

static void tasks_without_end(void **state)
{
	const uint64_t n = 10 * OPEN_TASKS;
	size_t before = 0, more;

	(void)state;
	begin(true);
	set_name("task");
	for (uint64_t i = 1; i <= n; i++) {
		if (i == 2 * OPEN_TASKS)
			before = mallinfo2().uordblks;
		feed_mark(EV_MARK_TASK_BEGIN, EV_BY_HEADER, i, 0);
	}
	trace_writer__wait(w);
	more = mallinfo2().uordblks;
	assert_int_equal(counted(MARK_COUNT_TASKS), n);
	assert_int_equal(counted(MARK_COUNT_FORGOTTEN), n - OPEN_TASKS);
	if (!SANITIZED) /* a few generations, and nothing for each task */
		assert_true(more < before + (24u << 20));
	feed_mark(EV_MARK_TASK_END, EV_BY_HEADER, n, 0);
	feed_mark(EV_MARK_TASK_END, EV_BY_HEADER, n, 0);
	assert_int_equal(counted(MARK_COUNT_ENDED_TWICE), 1);
	end(NULL);
	done(NULL);
}

static void goroutines_without_end(void **state)
{
	struct trace t;

	(void)state;
	begin(false);
	for (uint64_t i = 1; i <= 3 * GOROUTINES; i++) {
		set_name("region");
		mark.goroutine = i;
		mark.start = EV_FRAME(1, 0x1000 + i % 5);
		feed_mark(EV_MARK_REGION_BEGIN, EV_BY_GO, 0, 0);
		if (i != 1)
			feed_mark(EV_MARK_REGION_END, EV_BY_GO, 0, 0);
	}
	assert_int_equal(counted(MARK_COUNT_GOROUTINES), 3 * GOROUTINES);
	/* the first has a region open: it is still there, and its region ends */
	mark.goroutine = 1;
	feed_mark(EV_MARK_REGION_END, EV_BY_GO, 0, 0);
	assert_int_equal(counted(MARK_COUNT_GOROUTINES), 3 * GOROUTINES);
	end(&t);
	assert_int_equal(trace_count(&t, GO_EV_GO_CREATE), 3 * GOROUTINES);
	assert_int_equal(trace_count(&t, GO_EV_GO_DESTROY), 2 * GOROUTINES);
	assert_int_equal(trace_count(&t, GO_EV_USER_REGION_END), 3 * GOROUTINES);
	done(&t);
}

/* All have a region open: some must go all the same, and their ends make no region of old. */
static void goroutines_that_cannot_go(void **state)
{
	const uint64_t more = 300;
	struct trace t;

	(void)state;
	begin(false);
	for (uint64_t i = 1; i <= BUSY_GOROUTINES + more; i++) {
		set_name("region");
		mark.goroutine = i;
		feed_mark(EV_MARK_REGION_BEGIN, EV_BY_GO, 0, 0);
	}
	assert_int_equal(counted(MARK_COUNT_FORGOTTEN), more);
	for (uint64_t i = 1; i <= more + 1; i++) {
		set_name(i % 2 ? "region" : "");
		mark.goroutine = i;
		feed_mark(EV_MARK_REGION_END, EV_BY_GO, 0, 0);
	}
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), more);
	/* one comes again: what it had open is not known, what it begins is */
	set_name("again");
	mark.goroutine = 1;
	feed_mark(EV_MARK_REGION_BEGIN, EV_BY_GO, 0, 0);
	feed_mark(EV_MARK_REGION_END, EV_BY_GO, 0, 0);
	set_name("region");
	mark.goroutine = 1;
	feed_mark(EV_MARK_REGION_END, EV_BY_GO, 0, 0);
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), more + 1);
	assert_int_equal(counted(MARK_COUNT_GOROUTINES), BUSY_GOROUTINES + more + 1);
	end(&t);
	assert_int_equal(trace_count(&t, GO_EV_GO_DESTROY), more);
	assert_int_equal(trace_count(&t, GO_EV_USER_REGION_END), 2);
	done(&t);
}

/* Numbers that ended are remembered, but not for ever; those that are open are. */
static void numbers_of_regions(void **state)
{
	const uint64_t n = 200000;

	(void)state;
	begin(true);
	set_name("region");
	feed_mark(EV_MARK_REGION_BEGIN, EV_BY_HEADER, 0, UINT64_MAX);
	for (uint64_t i = 1; i <= n; i++) {
		feed_mark(EV_MARK_REGION_BEGIN, EV_BY_HEADER, 0, i);
		feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, i);
	}
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, n);
	assert_int_equal(counted(MARK_COUNT_REGION_TWICE), 1);
	mark.thr = OTHER;
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, n - 1);
	assert_int_equal(counted(MARK_COUNT_REGION_TWICE), 1); /* of a process of its own */
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), 1);
	mark.thr = THR;
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, 1); /* too long ago */
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), 2);
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, UINT64_MAX);
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), 2);
	/* a number that ended is given again */
	feed_mark(EV_MARK_REGION_BEGIN, EV_BY_HEADER, 0, n);
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, n);
	feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, n);
	assert_int_equal(counted(MARK_COUNT_REGION_TWICE), 2);
	end(NULL);
	done(NULL);
}

/* As many threads, and regions that are open, as a program likes: an end that is of none of them
 * costs what any other does. */
static void ends_of_nothing(void **state)
{
	const uint64_t nthread = 2000, depth = 50;
	struct ev_thread thr = { .h.arg = 0, .comm = "alpha" };

	(void)state;
	begin(true);
	set_name("region");
	for (uint64_t t = 0; t < nthread; t++) {
		thr.thr = 1ull << 32 | (1000 + t);
		feed(EV_THREAD, 100, &thr, sizeof(thr));
		mark.thr = thr.thr;
		for (uint64_t i = 0; i < depth; i++)
			feed_mark(EV_MARK_REGION_BEGIN, EV_BY_HEADER, 0, 1 + t * depth + i);
	}
	for (uint64_t i = 0; i < 300000; i++)
		feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, 1ull << 40 | i);
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), 300000);
	for (uint64_t i = 0; i < depth; i++)
		feed_mark(EV_MARK_REGION_END, EV_BY_HEADER, 0, 1 + i);
	assert_int_equal(counted(MARK_COUNT_ELSEWHERE), depth);
	end(NULL);
	done(NULL);
}

/* Names that are long and all different, in as many threads as it takes: the oldest are forgotten,
 * their ends are left out, and those that are remembered end as they should. */
static void regions_share_memory(void **state)
{
	const uint64_t nthread = 30, depth = 1000, n = nthread * depth;
	struct ev_thread thr = { .h.arg = 0, .comm = "alpha" };
	uint64_t forgotten = 0;
	size_t before = 0;

	(void)state;
	begin(true);
	for (uint64_t i = 0; i < n; i++) {
		thr.thr = 1ull << 32 | (1000 + i / depth);
		if (i % depth == 0)
			feed(EV_THREAD, 100, &thr, sizeof(thr));
		if (i == n / 2)
			before = mallinfo2().uordblks + mallinfo2().hblkhd;
		set_name("");
		mark.thr = thr.thr;
		mark.nname = EV_MARK_STR;
		memset(mark.text, 'x', EV_MARK_STR);
		snprintf(mark.text, 16, "%u", (unsigned)i);
		feed_mark(EV_MARK_REGION_BEGIN, i % 2 ? EV_BY_HEADER : EV_BY_USDT, 0,
			  i % 2 ? i : 0);
	}
	trace_writer__wait(w);
	forgotten = counted(MARK_COUNT_FORGOTTEN);
	assert_in_range(forgotten, n / 3, n * 2 / 3); /* 16 MiB are some 14,700 of these */
	if (!SANITIZED)
		assert_true(mallinfo2().uordblks + mallinfo2().hblkhd < before + (12u << 20));
	assert_int_equal(counted(MARK_COUNT_REGIONS), n);
	for (uint64_t i = n; i-- > 0;) {
		set_name("");
		mark.thr = 1ull << 32 | (1000 + i / depth);
		mark.nname = EV_MARK_STR;
		memset(mark.text, 'x', EV_MARK_STR);
		snprintf(mark.text, 16, "%u", (unsigned)i);
		feed_mark(EV_MARK_REGION_END, i % 2 ? EV_BY_HEADER : EV_BY_USDT, 0, i % 2 ? i : 0);
	}
	assert_int_equal(counted(MARK_COUNT_CROSSED), 0);
	assert_int_equal(counted(MARK_COUNT_UNMATCHED), 0);
	assert_int_equal(counted(MARK_COUNT_FORGOTTEN), forgotten);
	end(NULL);
	done(NULL);
}

/* One name costs its memory once, however often it is open: none of these need be forgotten. */
static void regions_of_one_name(void **state)
{
	struct ev_thread thr = { .h.arg = 0, .comm = "alpha" };

	(void)state;
	begin(true);
	for (uint64_t i = 0; i < 100000; i++) {
		thr.thr = 1ull << 32 | (1000 + i / 1000);
		if (i % 1000 == 0)
			feed(EV_THREAD, 100, &thr, sizeof(thr));
		set_name("");
		mark.thr = thr.thr;
		mark.nname = EV_MARK_STR;
		memset(mark.text, 'x', EV_MARK_STR);
		feed_mark(EV_MARK_REGION_BEGIN, EV_BY_HEADER, 0, 1 + i);
	}
	assert_int_equal(counted(MARK_COUNT_FORGOTTEN), 0);
	end(NULL);
	done(NULL);
}

/* Modules are read again for weeks: a site that is told again is the same one. */
static void sites_told_again(void **state)
{
	struct ev_site site;
	size_t before = 0, len;
	struct trace t;

	(void)state;
	begin(false);
	for (uint32_t i = 0; i < 100000; i++) {
		if (i == 1000)
			before = mallinfo2().uordblks;
		len = (size_t)snprintf(site.name, sizeof(site.name), "name %u", i) + 1;
		feed(EV_SITE, 1 + i % 10, &site, EV_SITE_SHORT + len);
	}
	if (!SANITIZED)
		assert_true(mallinfo2().uordblks < before + 65536); /* a byte of each is more */
	set_name("");
	mark.site = 3;
	feed_mark(EV_MARK_REGION_BEGIN, EV_BY_USDT, 0, 0);
	end(&t);
	for (size_t i = 0; i < t.cnt; i++)
		if (t.ev[i].ev.type == GO_EV_USER_REGION_BEGIN)
			assert_string_equal(t.ev[i].text, "name 99992");
	assert_int_equal(trace_count(&t, GO_EV_USER_REGION_BEGIN), 1);
	done(&t);
}

/* More annotations than one thread can have on its way, behind its switch-out. */
static void too_many_kept(void **state)
{
	struct ev_switch sw = { .prev = THR };
	struct trace t;

	(void)state;
	begin(false);
	feed(EV_SWITCH, EV_ST_PACK('R', 0, EV_NR_NONE), &sw, EV_SWITCH_SHORT);
	for (int i = 0; i < 100; i++) {
		set_name("late");
		ts -= 10;
		feed_mark(EV_MARK_LOG, EV_BY_HEADER, 0, 0);
	}
	end(&t);
	assert_int_equal(counted(MARK_COUNT_LOGS), 100);
	assert_int_equal(trace_count(&t, GO_EV_USER_LOG), 101); /* with the start */
	assert_int_equal(counted(MARK_COUNT_MOVED), 8); /* then the thread must be running */
	assert_int_equal(counted(MARK_COUNT_UNPLACED), 0);
	done(&t);
}

/* A thread that is not seen again, while every CPU is busy: its annotation is left out, and
 * counted. */
static void nowhere_to_tell(void **state)
{
	struct ev_switch sw = { .prev = THR, .next = OTHER };
	struct trace t;

	(void)state;
	begin(false);
	feed(EV_SWITCH, EV_ST_PACK('R', 0, EV_NR_NONE), &sw, EV_SWITCH_SHORT);
	set_name("late");
	ts -= 10;
	feed_mark(EV_MARK_LOG, EV_BY_HEADER, 0, 0);
	end(&t);
	assert_int_equal(counted(MARK_COUNT_LOGS), 0);
	assert_int_equal(counted(MARK_COUNT_UNPLACED), 1);
	done(&t);
}

/* The texts of logs are in the generation too, and end it. */
static void long_logs(void **state)
{
	size_t peak = 0, now;
	char text[16];

	(void)state;
	begin(true);
	for (unsigned i = 0; i < 100000; i++) {
		set_name("category");
		mark.ntext = EV_MARK_STR;
		memset(mark.text + mark.nname, 'x', EV_MARK_STR);
		memcpy(mark.text + mark.nname, text, (size_t)snprintf(text, sizeof(text), "%u", i));
		feed_mark(EV_MARK_LOG, EV_BY_HEADER, 0, 0);
		now = i % 1000 ? 0 : mallinfo2().uordblks + mallinfo2().hblkhd;
		peak = now > peak ? now : peak;
	}
	end(NULL);
	assert_true(trace_writer__stats(w).generations >
		    20); /* of 4 MiB, where the texts are 100 */
	if (!SANITIZED)
		assert_true(peak < 48u << 20);
	done(NULL);
}

static void expect_text(const char *raw, size_t len, enum mark_fate fate, const char *want)
{
	struct mark_texts texts = { 0 };
	struct mark_text *t = marktext_get(&texts, raw, len, fate), *again;

	assert_int_equal(t->len, strlen(want));
	assert_memory_equal(t->text, want, t->len);
	again = marktext_get(&texts, raw, len, fate);
	assert_ptr_equal(again, t);
	marktext_put(again);
	marktexts_free(&texts);
	assert_memory_equal(t->text, want, t->len); /* ours still */
	marktext_put(t);
}

static void texts(void **state)
{
	char raw[EV_MARK_STR], want[GO_STRING_MAX + 1];

	(void)state;
	expect_text("plain", 5, MARK_WHOLE, "plain");
	expect_text("", 0, MARK_WHOLE, "(unnamed)");
	expect_text("", 0, MARK_BAD, "(unreadable)");
	expect_text("gone", 4, MARK_BAD, "(unreadable)");
	expect_text("cut", 3, MARK_CUT, "cut\xe2\x80\xa6");
	expect_text("a\xff\xc3", 3, MARK_WHOLE, "a\xef\xbf\xbd\xef\xbf\xbd");
	expect_text("\xc3\xa9", 2, MARK_WHOLE, "\xc3\xa9");
	memset(raw, 'x', sizeof(raw));
	memset(want, 'x', sizeof(want));
	want[GO_STRING_MAX] = '\0';
	expect_text(raw, sizeof(raw), MARK_WHOLE, want);
	memcpy(want + GO_STRING_MAX - 3, "\xe2\x80\xa6", 3);
	expect_text(raw, sizeof(raw), MARK_CUT, want);
	/* each byte becomes three: what was whole is cut */
	memset(raw, 0xff, sizeof(raw));
	for (size_t i = 0; i < GO_STRING_MAX - 3; i += 3)
		memcpy(want + i, UTF8_BAD, 3);
	memcpy(want + 1020, "\xe2\x80\xa6\0", 4);
	expect_text(raw, sizeof(raw), MARK_WHOLE, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_as_deep_as_they_like),
		cmocka_unit_test(ends_of_what_is_too_deep),
		cmocka_unit_test(crossed_while_too_deep),
		cmocka_unit_test(random_marks),
		cmocka_unit_test(tasks_without_end),
		cmocka_unit_test(goroutines_without_end),
		cmocka_unit_test(goroutines_that_cannot_go),
		cmocka_unit_test(numbers_of_regions),
		cmocka_unit_test(ends_of_nothing),
		cmocka_unit_test(regions_share_memory),
		cmocka_unit_test(regions_of_one_name),
		cmocka_unit_test(sites_told_again),
		cmocka_unit_test(too_many_kept),
		cmocka_unit_test(nowhere_to_tell),
		cmocka_unit_test(long_logs),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
