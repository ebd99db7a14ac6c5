// SPDX-License-Identifier: BSD-2-Clause
/* What is asked of the service, beside what it was given: which options come of it, and what is
 * refused in which words. */
#include "helpers.h"

#include "control/address.h"
#include "control/wishes.h"

static const struct caller root = { .rank = CALLER_ALL };
static const struct caller ann = { .rank = CALLER_USER, .uid = 1000, .gid = 1000 };
static const struct caller unknown = { .rank = CALLER_NOBODY };

static struct options serve_with(const char *line, char *copy, char **argv, size_t max)
{
	struct strbuf why = STRBUF_INIT;
	struct options o;
	char *at = copy;
	int argc = 1;

	argv[0] = (char *)"serve";
	strcpy(copy, line);
	while (*line && (size_t)argc < max && (argv[argc] = strsep(&at, " ")))
		argc++;
	argv[argc] = NULL;
	if (options_parse(&o, FOR_SERVE, argc, argv, &why))
		fail_msg("'%s': %s", line, why.buf);
	return o;
}

/* What wish_read() says; its words behind the first, apart by blanks, in got. */
static int ask(const char *serve, const char *json, char *const *words, const struct caller *c,
	       struct strbuf *got, struct strbuf *why)
{
	char copy[512], *argv[32];
	struct options o = serve_with(serve, copy, argv, 31);
	json_t *object = json ? json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
	struct wish w;
	size_t i;
	int err;

	assert_true(!json || object);
	err = wish_read(&w, &o, object, words, c, why);
	for (i = 1; i < w.nwords; i++)
		strbuf_addf(got, "%s%s", i > 1 ? " " : "", w.words[i]);
	assert_int_equal(!err, !why->len);
	wish_free(&w);
	json_decref(object);
	options_free(&o);
	return err;
}

static void good(const char *serve, const char *json, const char *want)
{
	struct strbuf got = STRBUF_INIT, why = STRBUF_INIT;

	if (ask(serve, json, NULL, &root, &got, &why))
		fail_msg("%s + %s: %s", serve, json, why.buf);
	assert_string_equal(got.buf, want);
	strbuf_free(&got);
	strbuf_free(&why);
}

static void bad_for(const struct caller *c, const char *serve, const char *json, int err,
		    const char *want)
{
	struct strbuf got = STRBUF_INIT, why = STRBUF_INIT;

	assert_int_equal(ask(serve, json, NULL, c, &got, &why), err);
	if (!strstr(why.buf, want))
		fail_msg("%s + %s: '%s' has no '%s'", serve, json, why.buf, want);
	strbuf_free(&got);
	strbuf_free(&why);
}

static void bad(const char *serve, const char *json, const char *want)
{
	bad_for(&root, serve, json, -EINVAL, want);
}

static void what_serve_was_given(void **state)
{
	(void)state;
	good("-p 42 --syscalls none", NULL, "--pid=42 --syscalls=none");
	good("-a --comm x --listen none -q --min-free 1G", "{}", "--all --comm=x --min-free=1G");
	good("-p 42 --flight-recorder 10s --trigger exit --max-recordings 3", NULL, "--pid=42");
	good("-p 42 --sample", "{\"sample\": 7}", "--pid=42 --sample --sample=7");
	bad("", NULL, "what shall be recorded?");
	bad("--syscalls none", "{}", "what shall be recorded?");
}

static void values(void **state)
{
	(void)state;
	good("", "{\"pid\": 42}", "--pid=42");
	good("", "{\"pid\": [42, \"43,44\"]}", "--pid=42 --pid=43,44");
	good("", "{\"all\": true, \"irq\": 0.5}", "--all --irq=0.5");
	good("", "{\"pid\": 1, \"follow\": false, \"comm\": null}", "--pid=1");
	good("", "{\"pid\": 1, \"sample\": true}", "--pid=1 --sample");
	good("", "{\"cgroup\": \"/x y\"}", "--cgroup=/x y");
	good("", "{\"pid\": 1, \"region\": [\"a:b\", \"c:d\"]}",
	     "--pid=1 --region=a:b --region=c:d");
	bad("", "{\"pid\": true}", "'pid': its value is missing");
	bad("", "{\"all\": 1}", "'all' takes no value; write true or false");
	bad("", "{\"pid\": {}}", "'pid': its value is a number");
	bad("", "{\"pid\": [[1]]}", "'pid': its value is a number");
	bad("", "{\"cgroup\": \"a\\u0000b\"}", "NUL");
	bad("", "{\"pid\": 0}", "'0' is not a process id");
	bad("", "{\"pid\": -1}", "'-1' is not a process id");
	bad("", "{\"pid\": 1e30}", "is not a process id");
	bad("", "{\"pid\": 1, \"syscalls\": \"x\"}", "--syscalls=x: not a known word");
	bad("", "[1]", "told by an object");
	bad("", "{\"pid\": 1, \"all\": true}", "-a records everything");
}

/* Who is recorded is said anew, with the rules that belong to it. */
static void other_targets(void **state)
{
	(void)state;
	good("-a --comm x --exclude y --syscalls none", "{\"pid\": 7}", "--syscalls=none --pid=7");
	good("-p 42 -f", "{\"all\": true}", "--all");
	good("-a --comm x", "{\"comm\": \"y\"}", "--all --comm=x --comm=y");
	good("--cgroup /a", "{\"cgroup\": \"/b\"}", "--cgroup=/b");
}

static void not_for_requests(void **state)
{
	static const char *const names[] = { "output",	  "raw",
					     "rotate",	  "keep",
					     "duty",	  "strict",
					     "json",	  "quiet",
					     "verbose",	  "help",
					     "listen",	  "socket",
					     "trigger",	  "flight-recorder",
					     "min-free",  "output-dir",
					     "max-time",  "duration",
					     "completion" };
	char json[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		snprintf(json, sizeof(json), "{\"pid\": 1, \"%s\": \"1\"}", names[i]);
		bad("", json, "cannot be asked for");
	}
	bad("", "{\"pid\": 1, \"nonsense\": 1}", "there is no option 'nonsense'");
	bad("", "{\"pid\": 1, \"\": 1}", "there is no option ''");
	bad("", "{\"pid\": 1, \"pi\": 1}", "there is no option 'pi'");
	bad("", "{\"pid=1 --all\": true}", "there is no option");
	bad("--max-size 1M", "{\"pid\": 1, \"max-size\": \"2M\"}", "more than this service");
	good("--max-size 1M", "{\"pid\": 1, \"max-size\": \"4K\"}",
	     "--max-size=1M --pid=1 --max-size=4K");
}

static void words(void **state)
{
	char *two[] = { (char *)"--pid=1", (char *)"--comm=--all", NULL };
	char *fine[] = { (char *)"--pid=1", (char *)"--follow", (char *)"--region=--all:x", NULL };
	char *no[] = { (char *)"--pid=1", (char *)"--output=/etc/passwd", NULL };
	char *end[] = { (char *)"--", (char *)"true", NULL };
	char *letter[] = { (char *)"-p1", NULL };
	char *shortened[] = { (char *)"--pi=1", NULL };
	char *value_apart[] = { (char *)"--pid", NULL };
	struct strbuf got = STRBUF_INIT, why = STRBUF_INIT;

	(void)state;
	assert_int_equal(ask("-a", NULL, fine, &ann, &got, &why), 0);
	assert_string_equal(got.buf, "--pid=1 --follow --region=--all:x");
	assert_int_equal(ask("", NULL, two, &root, &got, &why), -EINVAL);
	assert_int_equal(ask("", NULL, no, &root, &got, &why), -EINVAL);
	assert_int_equal(ask("", NULL, end, &root, &got, &why), -EINVAL);
	assert_int_equal(ask("", NULL, letter, &root, &got, &why), -EINVAL);
	assert_int_equal(ask("", NULL, shortened, &root, &got, &why), -EINVAL);
	assert_int_equal(ask("", NULL, value_apart, &root, &got, &why), -EINVAL);
	strbuf_free(&got);
	strbuf_free(&why);
}

static void by_right(void **state)
{
	struct strbuf got = STRBUF_INIT, why = STRBUF_INIT;

	(void)state;
	bad_for(&ann, "", "{\"all\": true}", -EPERM, "only root and members of the group ctrace");
	bad_for(&ann, "", "{\"cgroup\": \"/\"}", -EPERM, "a control group");
	bad_for(&ann, "", "{\"container\": \"abcdef\"}", -EPERM, "a container");
	bad_for(&ann, "-a", NULL, -EPERM, "every process of the machine");
	bad_for(&ann, "", "{\"pid\": 1, \"buffer\": \"1G\"}", -EPERM, "buffer");
	bad_for(&unknown, "-p 1", NULL, -EPERM, "nobody knows who asks");
	assert_int_equal(ask("-a", "{\"pid\": 1}", NULL, &ann, &got, &why), 0);
	strbuf_free(&got);
	strbuf_free(&why);
}

static void many(void **state)
{
	json_t *object = json_object(), *list = json_array();
	struct strbuf got = STRBUF_INIT, why = STRBUF_INIT;
	char *text;
	int i;

	(void)state;
	for (i = 0; i < 2000; i++)
		json_array_append_new(list, json_string("x"));
	json_object_set_new(object, "comm", list);
	text = json_dumps(object, 0);
	assert_int_equal(ask("-a", text, NULL, &root, &got, &why), -EINVAL);
	assert_non_null(strstr(why.buf, "more than"));
	free(text);
	json_decref(object);
	strbuf_free(&got);
	strbuf_free(&why);
}

static void address(const char *text, const char *want, bool loopback)
{
	struct strbuf why = STRBUF_INIT, words_of = STRBUF_INIT;
	union address a;

	assert_int_equal(address_parse(text, &a, &why), want ? 0 : -EINVAL);
	if (want) {
		address_words(&a, &words_of);
		assert_string_equal(words_of.buf, want);
		assert_int_equal(address_is_loopback(&a), loopback);
	} else {
		assert_non_null(strstr(why.buf, text));
	}
	strbuf_free(&why);
	strbuf_free(&words_of);
}

static void addresses(void **state)
{
	(void)state;
	address("127.0.0.1:6060", "127.0.0.1:6060", true);
	address("127.3.2.1:0", "127.3.2.1:0", true);
	address("localhost:8551", "127.0.0.1:8551", true);
	address("[::1]:6060", "[::1]:6060", true);
	address("0.0.0.0:80", "0.0.0.0:80", false);
	address(":80", "[::]:80", false);
	address("[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", false);
	address("10.0.0.1:65535", "10.0.0.1:65535", false);
	address("127.0.0.1", NULL, false);
	address("127.0.0.1:", NULL, false);
	address("127.0.0.1:65536", NULL, false);
	address("127.0.0.1:+1", NULL, false);
	address("::1:80", NULL, false);
	address("[::1:80", NULL, false);
	address("[:80", NULL, false);
	address("[]:80", NULL, false);
	address("127.1:80", NULL, false);
	address("example.com:80", NULL, false);
	address("", NULL, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_serve_was_given),
		cmocka_unit_test(values),
		cmocka_unit_test(other_targets),
		cmocka_unit_test(not_for_requests),
		cmocka_unit_test(words),
		cmocka_unit_test(by_right),
		cmocka_unit_test(many),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
