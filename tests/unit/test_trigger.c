// SPDX-License-Identifier: BSD-2-Clause
/*
 * Triggers: how they are written, and how much of what is met all the time is shown. What meets
 * them is in tests/golden/trigger-*.ev.
 */
#include "helpers.h"

#include <signal.h>

#include "gotrace/writer.h"
#include "model/model.h"
#include "model/trigger_spec.h"

/* ---- how they are written ---- */

static void reads(const char *text, enum trigger_kind kind, const char *name, const char *message,
		  uint64_t ns, int code)
{
	struct strbuf why = STRBUF_INIT;
	struct trigger_spec s;

	if (trigger_spec_parse(&s, text, &why))
		fail_msg("%s: %s", text, why.buf);
	assert_int_equal(s.kind, kind);
	assert_string_equal(s.text, text);
	assert_string_equal(s.name ? s.name : "", name);
	assert_string_equal(s.message ? s.message : "", message);
	assert_int_equal(s.ns, ns);
	assert_int_equal(s.code, code);
	trigger_spec_free(&s);
	strbuf_free(&why);
}

static void test_good(void **state)
{
	(void)state;
	reads("region>10ms", TRIGGER_REGION, "", "", 10000000, -1);
	reads("region:query>0.5s", TRIGGER_REGION, "query", "", 500000000, -1);
	reads("region:ns::vector<a<int>>::push*>1", TRIGGER_REGION, "ns::vector<a<int>>::push*", "",
	      1000000000, -1);
	reads("task:order>0", TRIGGER_TASK, "order", "", 0, -1);
	reads("log:error", TRIGGER_LOG, "error", "", 0, -1);
	reads("log:*:a > b: c", TRIGGER_LOG, "*", "a > b: c", 0, -1);
	reads("runnable>5ms", TRIGGER_RUNNABLE, "", "", 5000000, -1);
	reads("offcpu:nginx*>100ms", TRIGGER_OFFCPU, "nginx*", "", 100000000, -1);
	reads("syscall:fsync>50ms", TRIGGER_SYSCALL, "fsync", "", 50000000, -1);
	reads("signal", TRIGGER_SIGNAL, "", "", 0, -1);
	reads("signal:SIGSEGV", TRIGGER_SIGNAL, "SIGSEGV", "", 0, SIGSEGV);
	reads("signal:KILL", TRIGGER_SIGNAL, "KILL", "", 0, SIGKILL);
	reads("signal:34", TRIGGER_SIGNAL, "34", "", 0, 34);
	reads("exit", TRIGGER_EXIT, "", "", 0, -1);
	reads("exit:0", TRIGGER_EXIT, "0", "", 0, 0);
	reads("end", TRIGGER_END, "", "", 0, -1);
}

static void test_bad(void **state)
{
	static const char *const bad[][2] = {
		{ "", "'' is nothing to wait for; there are region, task, log," },
		{ "regions>1s", "'regions' is nothing to wait for" },
		{ "region", "longer than what? write 'region:query>10ms', in quotes" },
		{ "region:query", "longer than what?" },
		{ "region:query>", "'' is no time" },
		{ "region:query>fast", "'fast' is no time" },
		{ "region:query>-1s", "'-1s' is no time" },
		{ "region:>1s", "a name is missing behind region" },
		{ "region>1s:query", "'1s:query' is no time" },
		{ "log", "which log? write log:error" },
		{ "log:", "a name is missing behind log" },
		{ "log::x", "a name is missing behind log" },
		{ "exit>1s", "exit takes no time" },
		{ "exit:256", "'256' is no exit code: they go from 0 to 255" },
		{ "exit:one", "'one' is no exit code" },
		{ "signal:0", "'0' is no signal" },
		{ "signal:SIGX", "'SIGX' is no signal" },
		{ "signal:99", "'99' is no signal" },
		{ "end:now", "end stands alone" },
	};
	struct strbuf why = STRBUF_INIT;
	struct trigger_spec s;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(trigger_spec_parse(&s, bad[i][0], &why), -EINVAL);
		if (!strstr(why.buf, bad[i][1]))
			fail_msg("'%s': %s", bad[i][0], why.buf);
		trigger_spec_free(&s);
	}
	strbuf_free(&why);
}

/* ---- a flood of them ---- */

static unsigned told;
static uint64_t told_ts;

static void tell(void *ctx, uint64_t ts, const char *text)
{
	assert_string_equal(text, ctx);
	assert_true(ts >= told_ts);
	told_ts = ts;
	told++;
}

static void feed_sys(struct model *m, unsigned kind, uint64_t ts, uint64_t begin)
{
	struct ev_sys ev = { .h = { .ts = ts, .kind = (uint8_t)kind, .arg = 39 },
			     .thr = 100,
			     .begin = begin };

	model__feed(m, &ev.h, EV_SYS_PLAIN);
}

static void feed_hdr(struct model *m, unsigned kind, uint64_t ts, uint32_t arg)
{
	struct ev_hdr h = { .ts = ts, .kind = (uint8_t)kind, .arg = arg };

	model__feed(m, &h, sizeof(h));
}

static size_t count_logs(const struct strbuf *bytes)
{
	static const char text[] = "syscall getpid took 2.0us on t (100), syscall>1us";
	size_t n = 0;

	/* the text is one string in each generation; its logs are events */
	for (const char *p = bytes->buf;
	     (p = memmem(p, bytes->len - (size_t)(p - bytes->buf), text, strlen(text))); p++)
		n++;
	return n;
}

/* Each is told; in the trace there are so many of a generation. */
static void test_flood(void **state)
{
	struct ev_snap snap = {
		.t = { .h = { .ts = 1000, .kind = EV_SNAP, .flags = EVF_ONCPU, .arg = 100 },
		       .thr = 100,
		       .comm = "t" },
		.st = EV_ST_PACK(EV_ST_RUNNABLE, 0, EV_NR_NONE),
	};
	struct strbuf bytes = STRBUF_INIT, why = STRBUF_INIT;
	struct trace_writer_stats few, many;
	struct trace_writer *w;
	struct trigger_spec s;
	struct model *m;
	unsigned i, k;

	(void)state;
	trigger_spec_parse(&s, "syscall>1us", &why);
	for (k = 0; k < 2; k++) {
		w = trace_writer__new(&(struct trace_writer_opts){
			.go_minor = 23, .start_ts = 1000, .sink = { sink_keep, &bytes } });
		m = model__new(&(struct model_opts){
			.writer = w,
			.go_minor = 23,
			.trigger = k ? &s : NULL,
			.ntrigger = k,
			.triggered = { tell,
				       (void *)"syscall getpid took 2.0us on t (100), syscall>1us" },
			.start_ts = 1000,
		});
		feed_hdr(m, EV_CONFIG, 1, EV_CONFIG_SYSCALLS);
		model__feed(m, &snap.t.h, sizeof(snap));
		feed_hdr(m, EV_START, 2000, 0);
		for (i = 1; i <= 10000; i++)
			feed_sys(m, EV_SYSCALL, 2000 + i * 3000, i * 3000);
		feed_hdr(m, EV_STOP, 100000000, 0);
		assert_int_equal(model__stats(m)->triggers, k * 10000);
		model__free(m);
		*(k ? &many : &few) = trace_writer__stats(w);
		assert_int_equal(trace_writer__finish(w), 0);
		trace_writer__free(w);
		assert_int_equal(count_logs(&bytes), k);
		strbuf_reset(&bytes);
	}
	assert_int_equal(told, 10000);
	assert_int_equal(many.events - few.events, 256);
	trigger_spec_free(&s);
	strbuf_free(&bytes);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
