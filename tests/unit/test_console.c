// SPDX-License-Identifier: BSD-2-Clause
/* What the console shows: results in JavaScript's form, what it knows of methods, what Tab offers;
 * and its history. */
#include "helpers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "console/history.h"
#include "console/known.h"
#include "console/show.h"

/* ---- results ---- */

static void shown(const char *json, const char *want)
{
	json_t *v = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct strbuf got = STRBUF_INIT;

	assert_non_null(v);
	show_value(&got, v, false);
	assert_string_equal(got.buf, want);
	json_decref(v);
	strbuf_free(&got);
}

static void results(void **state)
{
	(void)state;
	shown("null", "null");
	shown("true", "true");
	shown("-5", "-5");
	shown("\"go.trace\"", "\"go.trace\"");
	shown("[]", "[]");
	shown("{}", "{}");
	shown("[1, \"a\", null]", "[1, \"a\", null]");
	shown("{\"debug\": \"1.0\", \"rpc\": \"1.0\"}", "{\n  debug: \"1.0\",\n  rpc: \"1.0\"\n}");
	shown("{\"a\": {\"b-c\": {}, \"9\": []}}",
	      "{\n  a: {\n    \"b-c\": {},\n    \"9\": []\n  }\n}");
	/* as geth has lists of objects */
	shown("[{\"pid\": 1}, {\"pid\": 2, \"x\": {\"y\": 3}}]",
	      "[{\n    pid: 1\n}, {\n    pid: 2,\n    x: {\n      y: 3\n    }\n}]");
	shown("{\"l\": [{\"pid\": 1}]}", "{\n  l: [{\n      pid: 1\n  }]\n}");
}

static void numbers(void **state)
{
	(void)state;
	shown("1.5", "1.5");
	shown("0.1", "0.1");
	shown("-0.25", "-0.25");
	shown("123456789.125", "123456789.125");
	shown("1e300", "1e+300");
	shown("1e-7", "1e-7");
	shown("2.5e-10", "2.5e-10");
	shown("5e0", "5");
	shown("100000.0", "100000");
	shown("9223372036854775807", "9223372036854775807");
}

/* Nothing that a terminal would obey, or that is there and cannot be seen. */
static void terminals(void **state)
{
	struct strbuf got = STRBUF_INIT;
	json_t *v;

	(void)state;
	shown("\"\\u001b[2J\\u0007\\u007f\\u009b\\u00ad\"",
	      "\"\\u001b[2J\\u0007\\u007f\\u009b\\u00ad\"");
	shown("\"a\\nb\\t\\\"c\\\" \\\\ \\u0000\"", "\"a\\nb\\t\\\"c\\\" \\\\ \\u0000\"");
	shown("\"\\u202egnp.exe\\u2066\\ufeff\\u200b\"", "\"\\u202egnp.exe\\u2066\\ufeff\\u200b\"");
	shown("\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"",
	      "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"");
	shown("{\"\\u001b[2J\": 1, \"\": 2}", "{\n  \"\\u001b[2J\": 1,\n  \"\": 2\n}");
	v = json_pack("[i, s, n, b]", 1, "a", 1);
	show_value(&got, v, true);
	assert_string_equal(got.buf, "[\033[31m1\033[0m, \033[32m\"a\"\033[0m, \033[1mnull\033[0m, "
				     "\033[1mtrue\033[0m]");
	json_decref(v);
	strbuf_free(&got);
}

/* ---- methods ---- */

static void told(const char *space, const char *name, const char *want)
{
	struct strbuf got = STRBUF_INIT;
	json_t *spaces = json_pack("{s:s, s:s}", "eth", "1.0", "debug", "1.0");

	assert_int_equal(known_tell(&got, space, name, spaces), want != NULL);
	assert_string_equal(got.buf, want ? want : "");
	json_decref(spaces);
	strbuf_free(&got);
}

static void methods(void **state)
{
	struct strbuf got = STRBUF_INIT;

	(void)state;
	told("debug", NULL,
	     "{\n  goTrace: function(file, seconds, what),\n  snapshotGoTrace: function(file),\n"
	     "  startGoTrace: function(file, what),\n  stopGoTrace: function()\n}");
	told("debug", "goTrace", "function(file, seconds, what)");
	told("debug", "stopGoTrace", "function()");
	told("debug", "other", NULL);
	told("eth", NULL, "{\n}"); /* what is there, and not known */
	told("net", NULL, NULL);
	assert_true(known_find("ctrace", "status")->bare);
	assert_false(known_find("debug", "stopGoTrace")->bare);
	assert_true(known_help(&got, NULL, NULL));
	for (const struct known_method *m = known_methods; m->name; m++) {
		assert_non_null(strstr(got.buf, m->help));
		assert_true(!*m->args == !*m->usage);
	}
	assert_non_null(strstr(got.buf, "\n  > debug.goTrace(\"go.trace\", 5)\n"));
	strbuf_reset(&got);
	assert_true(known_help(&got, "debug", "stopGoTrace"));
	assert_int_equal(strncmp(got.buf, "  debug.stopGoTrace() ", 22), 0);
	assert_int_equal(strchr(got.buf, '\n') - got.buf, got.len - 1);
	strbuf_reset(&got);
	assert_false(known_help(&got, "debug", "x"));
	assert_int_equal(got.len, 0);
	strbuf_free(&got);
}

/* The cursor is at the line's end, or at a |. */
static void offered(const char *line, size_t replaced, const char *want)
{
	json_t *spaces = json_pack("{s:s, s:s, s:s}", "eth", "1.0", "debug", "1.0", "rpc", "1.0");
	struct strbuf got = STRBUF_INIT;
	size_t n = known_complete(&got, line, strcspn(line, "|"), spaces);

	if (n != replaced || strcmp(got.buf, want))
		fail_msg("'%s': %zu bytes become %s", line, n, got.buf);
	json_decref(spaces);
	strbuf_free(&got);
}

static void completion(void **state)
{
	struct strbuf got = STRBUF_INIT;

	(void)state;
	offered("", 0, "debug.\neth.\nexit\nhelp\nrpc.\n");
	offered("e", 1, "eth.\nexit\n");
	offered("  de", 2, "debug.\n");
	offered("debug.s", 7, "debug.snapshotGoTrace(\ndebug.startGoTrace(\ndebug.stopGoTrace()\n");
	offered("debug.s|topGoTrace()", 7,
		"debug.snapshotGoTrace(\ndebug.startGoTrace(\ndebug.stopGoTrace()\n");
	offered("rpc.", 4, "rpc.modules\n");
	offered("x", 1, "");
	offered("ctrace.", 7, ""); /* this service has none of it */
	offered("debug.goTrace(\"de", 0, "");
	offered("debug.goTrace(de", 0, "");
	offered("help de", 2, "debug.\n");
	offered("help debug.st", 8, "debug.startGoTrace\ndebug.stopGoTrace\n");
	offered("help debug. r", 0, "");
	/* nobody has said what there is */
	assert_int_equal(known_complete(&got, "", 0, NULL), 0);
	assert_string_equal(got.buf, "ctrace.\ndebug.\nexit\nhelp\nrpc.\n");
	strbuf_free(&got);
}

/* ---- history ---- */

static void gather(void *ctx, const char *line)
{
	strbuf_addf(ctx, "%s|", line);
}

static void remembered(const char *path, const char *want)
{
	struct strbuf got = STRBUF_INIT;

	history_read(path, gather, &got);
	assert_string_equal(got.buf, want);
	strbuf_free(&got);
}

static void history_file(void **state)
{
	char dir[TEMP_LEN], path[TEMP_LEN + 40], other[TEMP_LEN + 40], line[5000];
	struct stat st;

	(void)state;
	assert_int_equal(temp_dir(dir, "console"), 0);
	snprintf(path, sizeof(path), "%s/a/b/history", dir);
	remembered(path, "");
	umask(0);
	assert_int_equal(history_add(path, "debug.stopGoTrace()"), 0);
	assert_int_equal(history_add(path, "\xc3\xa4"), 0);
	assert_int_equal(history_add(path, ""), 0);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	assert_int_equal(history_add(path, line), 0); /* no such monsters */
	remembered(path, "debug.stopGoTrace()|\xc3\xa4|");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(other, sizeof(other), "%s/a", dir);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* what is there and no file of ours is left alone, and waited for by nobody */
	snprintf(other, sizeof(other), "%s/a/b/link", dir);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(history_add(other, "x"), -ELOOP);
	remembered(other, "");
	unlink(other);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_true(history_add(other, "x") < 0);
	remembered(other, "");
	unlink(other);
	assert_int_equal(history_add("", "x"), 0);
	unlink(path);
	snprintf(path, sizeof(path), "%s/a/b", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a", dir);
	rmdir(path);
	rmdir(dir);
}

static void count_line(void *ctx, const char *line)
{
	struct strbuf *got = ctx;

	got->len++; /* as a counter */
	if (got->len == 1)
		assert_string_equal(line, "1001");
	if (got->len == HISTORY_KEPT)
		assert_string_equal(line, "2000");
}

static void long_history(void **state)
{
	char dir[TEMP_LEN], path[TEMP_LEN + 40], line[16];
	struct strbuf cnt = STRBUF_INIT;
	struct stat before, after;

	(void)state;
	assert_int_equal(temp_dir(dir, "console"), 0);
	snprintf(path, sizeof(path), "%s/history", dir);
	for (int i = 1; i <= 2 * HISTORY_KEPT; i++) {
		snprintf(line, sizeof(line), "%d", i);
		assert_int_equal(history_add(path, line), 0);
	}
	stat(path, &before);
	history_read(path, count_line, &cnt);
	assert_int_equal(cnt.len, HISTORY_KEPT);
	stat(path, &after);
	assert_int_equal(after.st_size, HISTORY_KEPT * 5);
	assert_int_equal(after.st_mode & 0777, 0600);
	cnt.len = 0;
	history_read(path, count_line, &cnt);
	assert_int_equal(cnt.len, HISTORY_KEPT);
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing beside it */
}

static void history_place(void **state)
{
	struct strbuf path = STRBUF_INIT;

	(void)state;
	setenv("XDG_STATE_HOME", "/x/state", 1);
	setenv("HOME", "/x/home", 1);
	history_path(&path);
	assert_string_equal(path.buf, "/x/state/ctrace-bpf/history");
	setenv("XDG_STATE_HOME", "state",
	       1); /* relative ones are not meant, says the specification */
	history_path(&path);
	assert_string_equal(path.buf, "/x/home/.local/state/ctrace-bpf/history");
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/", 1); /* a user without one */
	history_path(&path);
	assert_string_equal(path.buf, "");
	if (!geteuid()) {
		setenv("HOME", "/x/home", 1);
		setenv("XDG_STATE_HOME", "/x/state", 1);
		setenv("SUDO_UID", "65534", 1); /* nobody has no home, whatever sudo left in HOME */
		setenv("SUDO_GID", "65534", 1);
		history_path(&path);
		assert_null(strstr(path.buf, "/x/"));
		unsetenv("SUDO_UID");
		unsetenv("SUDO_GID");
	}
	strbuf_free(&path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results),	cmocka_unit_test(numbers),
		cmocka_unit_test(terminals),	cmocka_unit_test(methods),
		cmocka_unit_test(completion),	cmocka_unit_test(history_file),
		cmocka_unit_test(long_history), cmocka_unit_test(history_place),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
