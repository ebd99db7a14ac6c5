// SPDX-License-Identifier: BSD-2-Clause
/* The summary as JSON: one valid object on one line, on the right stream, whatever the file is
 * called; and for people. */
#include "helpers.h"

#include <ctype.h>
#include <unistd.h>

#include "cli/summary.h"
#include "util/log.h"
#include "util/utf8.h"

/* ---- a reader of JSON that only says yes or no: behind the value, or NULL ---- */

static const char *value(const char *p);

static const char *string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		p++;
		if (*p == 'u') {
			for (int i = 0; i < 4; i++)
				if (!isxdigit((unsigned char)*++p))
					return NULL;
		} else if (!*p || !strchr("\"\\/bfnrt", *p)) {
			return NULL;
		}
	}
	return p + 1;
}

static const char *number(const char *p)
{
	p += *p == '-';
	if (!isdigit((unsigned char)*p) || (p[0] == '0' && isdigit((unsigned char)p[1])))
		return NULL;
	p += strspn(p, "0123456789");
	if (*p != '.')
		return p;
	return isdigit((unsigned char)*++p) ? p + strspn(p, "0123456789") : NULL;
}

static const char *object(const char *p)
{
	if (*++p == '}')
		return p + 1;
	for (;; p++) {
		p = string(p);
		if (!p || *p++ != ':')
			return NULL;
		p = value(p);
		if (!p || *p == '}')
			return p ? p + 1 : NULL;
		if (*p != ',')
			return NULL;
	}
}

static const char *list(const char *p)
{
	if (*++p == ']')
		return p + 1;
	for (;; p++) {
		p = value(p);
		if (!p || *p == ']')
			return p ? p + 1 : NULL;
		if (*p != ',')
			return NULL;
	}
}

static const char *value(const char *p)
{
	return *p == '{' ? object(p) : *p == '[' ? list(p) : *p == '"' ? string(p) : number(p);
}

static bool is_json_line(const char *text)
{
	const char *end = *text == '{' ? value(text) : NULL;
	size_t i, n;

	for (i = 0; text[i]; i += n) {
		n = utf8_char(text + i, strlen(text + i));
		if (!n)
			return false;
	}
	return end && !strcmp(end, "\n");
}

static void the_reader_itself(void **state)
{
	(void)state;
	assert_true(is_json_line("{}\n"));
	assert_true(is_json_line("{\"a\":{\"b\":0.50,\"c\":\"\\u000a\\\"\"},\"d\":-12}\n"));
	assert_true(is_json_line("{\"a\":[1,\"b\"],\"c\":[]}\n"));
	assert_false(is_json_line("{\"a\":[1,]}\n"));
	assert_false(is_json_line("{\"a\":[1}\n"));
	assert_false(is_json_line("{}"));
	assert_false(is_json_line("{\"a\":1,}\n"));
	assert_false(is_json_line("{\"a\":1 \"b\":2}\n"));
	assert_false(is_json_line("{,\"a\":1}\n"));
	assert_false(is_json_line("{\"a\":nan}\n"));
	assert_false(is_json_line("{\"a\":01}\n"));
	assert_false(is_json_line("{\"a\":\"\n\"}\n"));
	assert_false(is_json_line("{\"a\":\"\xff\"}\n"));
	assert_false(is_json_line("{}\n{}\n"));
}

/* ---- what is printed ---- */

static char out[8192], err[8192];

static void read_back(FILE *f, FILE *stream, int saved, char *to)
{
	fflush(stream);
	dup2(saved, fileno(stream));
	close(saved);
	rewind(f);
	to[fread(to, 1, sizeof(out) - 1, f)] = 0;
	fclose(f);
}

static void print(const struct summary *s, bool json)
{
	FILE *o = tmpfile(), *e = tmpfile();
	int so, se;

	fflush(stdout);
	so = dup(1);
	se = dup(2);
	dup2(fileno(o), 1);
	dup2(fileno(e), 2);
	summary_print(s, json);
	read_back(o, stdout, so, out);
	read_back(e, stderr, se, err);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s in %s", part, text);
}

static void empty(void **state)
{
	struct model_stats ms = { 0 };
	struct summary s = { .file = "go.trace", .model = &ms };

	(void)state;
	print(&s, true);
	assert_true(is_json_line(out));
	has(out, "{\"file\":\"go.trace\",\"bytes\":0,\"seconds\":0.000000,");
	has(out, "\"repairs\":{},\"annotations\":{\"tasks\":0,");
	assert_null(strstr(out, "cpu_seconds")); /* not a recording */
	print(&s, false);
	assert_string_equal(out, "");
	assert_string_equal(err,
			    "ctrace-bpf: go.trace: 0 B, 0.0 s, 0 events of 0 threads, 0 lost\n");
}

/* everything there is, as large as it can be */
static struct summary full(struct model_stats *ms, uint64_t *lost, unsigned ncpu)
{
	struct summary s = { .file = "go.trace",
			     .model = ms,
			     .recorded = true,
			     .lost_cpu = lost,
			     .ncpu = ncpu,
			     .late = 3,
			     .refused = 7,
			     .unfollowed = 5,
			     .no_storage = UINT64_MAX };
	size_t i;

	memset(ms, 0, sizeof(*ms));
	ms->begin_ts = 1000000000;
	ms->end_ts = 3500000000;
	ms->lost = 12;
	for (i = 0; i < REPAIR_MAX; i++)
		ms->repairs[i] = i + 1;
	for (i = 0; i < MARK_COUNT_MAX; i++)
		ms->marks[i] = 100 + i;
	for (i = 0; i < EV_KIND_MAX; i++)
		ms->records[i] = 1000;
	for (i = 0; i < EV_KERNEL_MAX; i++)
		s.lost_kind[i] = i;
	for (i = 0; i < ncpu; i++)
		lost[i] = i;
	for (i = 0; i < SUMMARY_PROGS; i++)
		s.missed[i] = (struct missed){ "sched_switch", i };
	s.cpu_seconds = 0.25;
	s.buffer_bytes = 64 << 20;
	return s;
}

static void recording(void **state)
{
	struct model_stats ms;
	uint64_t lost[4];
	struct summary s = full(&ms, lost, COUNT(lost));

	(void)state;
	print(&s, true);
	assert_true(is_json_line(out));
	has(out, "\"seconds\":2.500000,");
	has(out, "\"records\":45000,");
	has(out, "\"lost\":12,\"late\":3,");
	has(out, "\"lost_by_cpu\":{\"1\":1,\"2\":2,\"3\":3}");
	has(out, "\"switch\":2,");
	has(out, "\"bad_record\":");
	has(out, "\"annotations\":{\"tasks\":100,\"regions\":101,");
	has(out, "\"nonsense\":120}");
	has(err, "annotations: tasks 100, regions 101, logs 102, ");
	has(err, "calls left by an exception or a longjmp (their times are too long) 106, ");
	has(err, "regions ended on another thread, left out 109, ");
	has(err, "second ends of regions, left out 112, ");
	has(err, "; mark 15; irq 16; leave 17)");
	has(out, "\"cpu_seconds\":0.2500,");
	has(out, "\"no_storage\":18446744073709551615,");
	has(out, "\"buffer_bytes\":67108864}");
	has(err, "12 records were lost (CPU 1: 1, CPU 2: 2, CPU 3: 3;");
	has(err, "a larger --buffer helps, now 65536K");
	has(err, "12 lost, some late\n");
	has(err, "7 records were not legal");
	has(out, "\"unfollowed\":5,");
	has(err, "5 processes are missing");
	memset(lost, 0, sizeof(lost));
	lost[1] = s.no_storage = 12;
	print(&s, true);
	has(err, "12 records were lost (CPU 1: 12;");
	has(err, "the kernel could not give their threads a place in time"); /* no buffer helps */
}

static void stacks(void **state)
{
	static const char *const troubles[] = { "libx.so: \"truncated\"", "y\n" };
	static const char *const annots[] = { "x: \"marker\"" };
	static const char *const modules[] = {
		"one", "ten", "five\"", "six", "two", "three", "none"
	};
	static const uint64_t unfinished[] = { 1, 10, 5, 6, 2, 3, 0 };
	struct model_module module[COUNT(modules)];
	uint64_t walks[EV_END_MAX];
	struct model_stats ms = { .samples = 7, .user_frames = 90, .module = module };
	struct summary s = { .file = "go.trace", .model = &ms };
	size_t i;

	(void)state;
	print(&s, true);
	assert_true(is_json_line(out));
	has(out,
	    "\"samples\":7,\"stacks\":{\"complete\":0,\"cut\":0,\"broken\":0,\"frames\":90,"
	    "\"by_end\":{},\"by_module\":[]},\"symbol_troubles\":[],\"annotation_troubles\":[]}");
	assert_null(strstr(err, "stacks"));

	memset(module, 0, sizeof(module));
	for (i = 0; i < COUNT(modules); i++) {
		strcpy(module[i].name, modules[i]);
		module[i].ends[EV_END_COMPLETE] = 100;
		module[i].ends[i % 2 ? EV_END_DEEP : EV_END_LOOP] = unfinished[i];
	}
	ms.nmodule = COUNT(modules);
	for (i = 0; i < EV_END_MAX; i++)
		ms.stacks[i] = walks[i] = i;
	print(&s, true);
	assert_true(is_json_line(out));
	has(out,
	    "\"complete\":1,\"cut\":17,\"broken\":18,\"frames\":90,\"by_end\":{\"complete\":1,"
	    "\"deep\":2,\"no_process\":3,\"no_mapping\":4,\"no_table\":5,\"no_rule\":6,"
	    "\"read\":7,\"loop\":8},\"by_module\":[{\"unfinished_different\":10,\"module\":\"ten\"},"
	    "{\"unfinished_different\":6,\"module\":\"six\"},{\"unfinished_different\":5,\"module\":\"five\\\"\"},"
	    "{\"unfinished_different\":3,\"module\":\"three\"},{\"unfinished_different\":2,\"module\":\"two\"}]}");
	has(err,
	    "stacks: 36 that differ, 2.5 frames each, 1 complete, 17 cut (too deep 2, process "
	    "not known yet 3, no tables 5, not in memory 7), 18 broken (outside of all code "
	    "4, no rule 6, went round 8); of 35 different ones that ended early: ten 10, six 6, five\" 5, three 3, "
	    "two 2\n");

	memset(walks, 0, sizeof(walks));
	walks[EV_END_COMPLETE] = 3;
	s.walks = walks;
	s.walked_frames = 6;
	s.symbol_troubles = (struct summary_troubles){ troubles, COUNT(troubles) };
	s.annot_troubles = (struct summary_troubles){ annots, COUNT(annots) };
	ms.nmodule = 0;
	print(&s, true);
	assert_true(is_json_line(out));
	has(out, ",\"walks\":{\"complete\":3},\"walked_frames\":6,\"by_module\":[]},"
		 "\"symbol_troubles\":[\"libx.so: \\\"truncated\\\"\",\"y\\u000a\"],"
		 "\"annotation_troubles\":[\"x: \\\"marker\\\"\"]}");
	has(err, "stacks: 3 walked, 2.0 frames each, 3 complete\n");
	has(err, "ctrace-bpf: libx.so: \"truncated\"\n");
	has(err, "ctrace-bpf: x: \"marker\"\n");
}

/* The file could not be written: what was lost is told, and nothing that is not in the file. */
static void failed(void **state)
{
	struct model_stats ms;
	uint64_t lost[4];
	struct summary s = full(&ms, lost, COUNT(lost));

	(void)state;
	s.error = "cannot write \"T\"";
	print(&s, true);
	assert_true(is_json_line(out));
	has(out, "\"lost\":12,\"late\":3,");
	has(out, ",\"error\":\"cannot write \\\"T\\\"\"}");
	has(err, "12 records were lost (CPU 1: 1, CPU 2: 2, CPU 3: 3;");
	assert_null(strstr(err, "12 lost"));
	assert_null(strstr(err, "Open it"));
}

/* a file name may be anything */
static void names(void **state)
{
	static const char *const files[] = { "a\"b", "a\\", "a\nb\t", "\xff\xfe",
					     "\xc3\xa4 \xe2\x82" };
	struct model_stats ms = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct summary s = { .file = files[i], .model = &ms };

		print(&s, true);
		assert_true(is_json_line(out));
	}
}

static void trace_on_stdout(void **state)
{
	struct model_stats ms = { 0 };
	struct summary s = { .file = "-", .model = &ms };
	char *line_end;

	(void)state;
	print(&s, true);
	assert_string_equal(out, "");
	line_end = strchr(err, '\n');
	assert_non_null(line_end);
	has(line_end + 1, "ctrace-bpf: standard output: ");
	line_end[1] = 0;
	assert_true(is_json_line(err));
}

static void quiet(void **state)
{
	struct model_stats ms;
	uint64_t lost[1];
	struct summary s = full(&ms, lost, 1);

	(void)state;
	log_set_level(LOG_ERROR);
	print(&s, true);
	assert_true(is_json_line(out));
	has(err, "12 records were lost"); /* that is an error */
	assert_null(strstr(err, "events of"));
	log_set_level(LOG_NOTICE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reader_itself),
		cmocka_unit_test(failed),
		cmocka_unit_test(empty),
		cmocka_unit_test(recording),
		cmocka_unit_test(stacks),
		cmocka_unit_test(names),
		cmocka_unit_test(trace_on_stdout),
		cmocka_unit_test(quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
