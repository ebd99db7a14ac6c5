// SPDX-License-Identifier: BSD-2-Clause
/* What `ps` and `tree` print, for listings that were made by hand, and what they read of
 * connections. */
#include "helpers.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "rights/caller.h"
#include "gops/connections.h"
#include "gops/detail.h"
#include "gops/pstable.h"
#include "util/harmless.h"

/* pid, parent, name, runtime, version, path; a * in front of the name: it is marked */
struct row {
	uint32_t pid, ppid;
	const char *name;
	enum runtime runtime;
	const char *version, *path;
};

static struct process_set made(const struct row *row, size_t n)
{
	struct process_set set = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		struct process *p;

		set.p = xgrow(set.p, set.cnt, &set.cap, sizeof(*set.p));
		p = &set.p[set.cnt++];
		*p = (struct process){ .pid = row[i].pid, .ppid = row[i].ppid };
		p->marked = *row[i].name == '*';
		p->name = xstrdup(row[i].name + p->marked);
		p->path = xstrdup(row[i].path);
		p->runtime = row[i].runtime;
		snprintf(p->version, sizeof(p->version), "%s", row[i].version);
		p->owner = p->uid = 1000;
	}
	return set;
}

static const struct row some[] = {
	{ 7, 1, "sh", RUNTIME_ELF, "", "/bin/sh" },
	{ 80, 7, "*shop", RUNTIME_GO, "go1.22.1", "/srv/shop" },
	{ 81, 80, "helper", RUNTIME_PYTHON, "3.11", "/usr/bin/python3.11" },
	{ 90, 7, "hidden", RUNTIME_UNKNOWN, "", "" },
	{ 12345, 3, "w\033[2J\nx", RUNTIME_RUST, "1.63.0", "/a\rb" },
};

static void printed(const struct row *row, size_t n,
		    void (*print)(struct strbuf *, const struct process_set *),
		    const char *expected)
{
	struct process_set set = made(row, n);
	struct strbuf out = STRBUF_INIT;

	print(&out, &set);
	assert_string_equal(out.buf, expected);
	strbuf_free(&out);
	process_set_free(&set);
}

static void table(void **state)
{
	(void)state;
	printed(some, COUNT(some), pstable_print,
		"7     1  sh       ELF         /bin/sh\n"
		"80    7  shop   * go1.22.1    /srv/shop\n"
		"81    80 helper   Python 3.11 /usr/bin/python3.11\n"
		"90    7  hidden   ?           \n"
		"12345 3  w?[2J?x  Rust 1.63.0 /a?b\n");
	printed(NULL, 0, pstable_print, "");
}

static void harmless(void **state)
{
	static const char *const texts[][2] = {
		{ "plain", "plain" },
		{ "\u00e4\u65e5", "\u00e4\u65e5" },
		{ "a\x1b]0;x\x07", "a?]0;x?" },
		{ "\x9b"
		  "2J",
		  "?2J" },
		{ "\xc2\x9b"
		  "2J",
		  "?2J" },
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\x7f\t\n", "???" },
		{ "evil\u202egnp.exe", "evil?gnp.exe" }, /* is read as evilexe.png */
		{ "a\u200b\u2028\ufeff", "a???" },
		{ "\xc3", "?" },
		{ "", "" },
	};
	struct strbuf out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		strbuf_reset(&out);
		add_harmless(&out, texts[i][0]);
		assert_string_equal(out.buf, texts[i][1]);
	}
	strbuf_free(&out);
}

static void tree(void **state)
{
	static const struct row ring[] = {
		{ 5, 6, "a", RUNTIME_ELF, "", "" },
		{ 6, 5, "b", RUNTIME_ELF, "", "" },
		{ 9, 9, "c", RUNTIME_ELF, "", "" },
	};

	(void)state;
	printed(some, COUNT(some), pstree_print,
		"...\n"
		"├── 1\n"
		"│\u00a0\u00a0 └── 7 (sh) {ELF}\n"
		"│\u00a0\u00a0     ├── [*]  80 (shop) {go1.22.1}\n"
		"│\u00a0\u00a0     │\u00a0\u00a0 └── 81 (helper) {Python 3.11}\n"
		"│\u00a0\u00a0     └── 90 (hidden) {?}\n"
		"└── 3\n"
		"    └── 12345 (w?[2J?x) {Rust 1.63.0}\n\n");
	printed(NULL, 0, pstree_print, "...\n\n");
	/* parents that changed while /proc was read: no end would be an endless tree */
	printed(ring, COUNT(ring), pstree_print, "...\n\n");
}

/* Somebody has made as many below each other as the machine lets him. */
static void deep_tree(void **state)
{
	struct process_set set = { 0 };
	struct strbuf out = STRBUF_INIT;
	unsigned i, lines = 0;

	(void)state;
	for (i = 0; i < 100000; i++) {
		set.p = xgrow(set.p, set.cnt, &set.cap, sizeof(*set.p));
		set.p[set.cnt++] = (struct process){
			.pid = i + 2, .ppid = i + 1, .name = xstrdup("x"), .path = xstrdup("")
		};
	}
	pstree_print(&out, &set);
	for (i = 0; i < out.len; i++)
		lines += out.buf[i] == '\n';
	assert_int_equal(lines, 2 + 64 + 1 + 1);
	assert_non_null(strstr(out.buf, " 65 (x) {?}\n"));
	assert_non_null(strstr(out.buf, "└── …\n"));
	strbuf_free(&out);
	process_set_free(&set);
}

static void chosen(void **state)
{
	static const struct {
		const char *pattern;
		size_t cnt;
	} asked[] = {
		{ "shop", 1 },	 { "SHOP", 1 },	 { "sh", 2 },	{ "sh*", 2 },  { "s?op", 1 },
		{ "python", 1 }, { "go1.2", 1 }, { "rust", 1 }, { "/srv", 1 }, { "elf", 1 },
		{ "go", 1 },	 { "nix", 0 },	 { "[", 0 },	{ "", 5 },     { "unknown", 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(asked); i++) {
		struct process_set set = made(some, COUNT(some));

		process_set_filter(&set, asked[i].pattern);
		assert_int_equal(set.cnt, asked[i].cnt);
		process_set_free(&set);
	}
}

static void permitted(void **state)
{
	const struct caller all = { .rank = CALLER_ALL },
			    nobody = { .rank = CALLER_NOBODY, .uid = 1000 };
	const struct caller his = { .rank = CALLER_USER, .uid = 1000 };
	const struct caller other = { .rank = CALLER_USER, .uid = 1001 };
	struct process_set set = made(some, 1);
	struct process *p = &set.p[0];

	(void)state;
	assert_true(process_may_be_recorded(p, &all));
	assert_true(process_may_be_recorded(p, &his));
	assert_false(process_may_be_recorded(p, &other));
	assert_false(process_may_be_recorded(p, &nobody));
	assert_false(process_may_be_recorded(p, NULL));
	p->visible = true;
	assert_true(process_may_be_recorded(p, NULL));
	p->owner = 0; /* not dumpable */
	assert_false(process_may_be_recorded(p, &his));
	assert_true(process_may_be_recorded(p, &all));
	process_set_free(&set);
}

static void json(void **state)
{
	struct process_set set = made(some + 1, 3);
	const struct caller his = { .rank = CALLER_USER, .uid = 1000 };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	process_set_json(&out, &set, &his);
	assert_non_null(strstr(out.buf,
			       "[{\"pid\":80,\"ppid\":7,\"name\":\"shop\",\"runtime\":\"go\","
			       "\"version\":\"go1.22.1\",\"path\":\"/srv/shop\",\"markers\":true,"
			       "\"recordable\":true,\"uid\":1000,"));
	assert_non_null(strstr(out.buf,
			       "\"name\":\"hidden\",\"runtime\":\"unknown\",\"version\":null,"
			       "\"path\":null,\"markers\":false,"));
	strbuf_free(&out);
	process_set_free(&set);
}

/* ---- one process ---- */

static void elapsed(void **state)
{
	static const struct {
		uint64_t s;
		const char *text;
	} times[] = {
		{ 0, "00:00" },		  { 59, "00:59" },	    { 60, "01:00" },
		{ 3599, "59:59" },	  { 3600, "01:00:00" },	    { 86399, "23:59:59" },
		{ 86400, "01-00:00:00" }, { 90061, "01-01:01:01" }, { 8640000, "100-00:00:00" },
	};
	char buf[32];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(times); i++)
		assert_string_equal(format_elapsed(buf, times[i].s * 1000000000 + 999999999),
				    times[i].text);
}

static void detail(void **state)
{
	static const char command[] = "shop\0--title\0a b\033";
	struct connection c = { "127.0.0.1", "::1", 80, 4000, "ESTABLISHED" };
	struct process_set set = made(some + 1, 1);
	struct detail d = { .p = set.p[0],
			    .command = STRBUF_INIT,
			    .memory = 1.5,
			    .cpu = 0.25,
			    .age_ns = 61000000000,
			    .connections = { &c, 1, 1 } };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	d.p.uid = 4294967; /* nobody's name */
	d.p.threads = 3;
	strbuf_add(&d.command, command, sizeof(command));
	detail_print(&out, &d);
	assert_string_equal(out.buf, "parent PID:\t7\nthreads:\t3\nmemory usage:\t1.500%\n"
				     "cpu usage:\t0.250%\nusername:\t4294967\n"
				     "cmd+args:\tshop --title a b?\nelapsed time:\t01:01\n"
				     "local/remote:\t127.0.0.1:80 <-> ::1:4000 (ESTABLISHED)\n"
				     "runtime:\tgo1.22.1\npath:\t/srv/shop\nmarkers:\tyes\n"
				     "recordable:\tno, not by this user\n");
	strbuf_reset(&out);
	detail_json(&out, &d);
	assert_non_null(strstr(out.buf, "\"command\":[\"shop\",\"--title\",\"a b\\u001b\"],"));
	assert_non_null(strstr(out.buf,
			       "\"connections\":[{\"local\":\"127.0.0.1\",\"local_port\":80,"
			       "\"remote\":\"::1\",\"remote_port\":4000,"
			       "\"state\":\"ESTABLISHED\"}]}"));
	strbuf_free(&out);
	strbuf_free(&d.command);
	process_set_free(&set);
}

/* ---- connections ---- */

static void lines(void **state)
{
	struct connection c;
	uint64_t inode;

	(void)state;
	assert_int_equal(
		connection_parse(
			"   0: 0100007F:17AC 00000000:0000 0A 00000000:00000000 00:00000000 "
			"00000000     0        0 4242 1 0000000000000000 100 0 0 10 0",
			false, true, &c, &inode),
		0);
	assert_string_equal(c.local, "127.0.0.1");
	assert_int_equal(c.local_port, 6060);
	assert_string_equal(c.remote, "0.0.0.0");
	assert_string_equal(c.state, "LISTEN");
	assert_int_equal(inode, 4242);
	assert_int_equal(
		connection_parse("  1: 00000000000000000000000001000000:1F90 "
				 "0000000000000000FFFF00000100007F:0050 01 00000000:00000000 "
				 "00:00000000 00000000 0 0 7 1",
				 true, true, &c, &inode),
		0);
	assert_string_equal(c.local, "::1");
	assert_string_equal(c.remote, "::ffff:127.0.0.1");
	assert_string_equal(c.state, "ESTABLISHED");
	assert_int_equal(connection_parse("  1: 0100007F:0035 00000000:0000 07 00000000:00000000 "
					  "00:00000000 00000000 0 0 7 1",
					  false, false, &c, &inode),
			 0);
	assert_string_equal(c.state, "NONE");
	/* the head of the table, and what no kernel writes */
	assert_int_equal(connection_parse("  sl  local_address rem_address   st tx_queue", false,
					  true, &c, &inode),
			 -EINVAL);
	assert_int_equal(connection_parse("  1: 0100:0035 00000000:0000 07 00000000:00000000 "
					  "00:00000000 00000000 0 0 7 1",
					  false, true, &c, &inode),
			 -EINVAL);
	assert_int_equal(connection_parse("  1: 0100007F:F0035 00000000:0000 07 00000000:00000000 "
					  "00:00000000 00000000 0 0 7 1",
					  false, true, &c, &inode),
			 -EINVAL);
	assert_int_equal(connection_parse("", false, true, &c, &inode), -EINVAL);
}

/* Which of them has this port? */
static const struct connection *with_port(const struct connections *all, uint16_t port)
{
	size_t i;

	for (i = 0; i < all->cnt; i++)
		if (all->c[i].local_port == port)
			return &all->c[i];
	return NULL;
}

static void own_connections(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct connection *c;
	struct connections all;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	connections_read(&all, (uint32_t)getpid());
	c = with_port(&all, ntohs(at.sin_port));
	assert_non_null(c);
	assert_string_equal(c->state, "LISTEN");
	connections_free(&all);
	close(fd);
	connections_read(&all, (uint32_t)getpid());
	assert_null(with_port(&all, ntohs(at.sin_port)));
	connections_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(harmless),
		cmocka_unit_test(deep_tree),
		cmocka_unit_test(tree),
		cmocka_unit_test(chosen),
		cmocka_unit_test(permitted),
		cmocka_unit_test(json),
		cmocka_unit_test(elapsed),
		cmocka_unit_test(detail),
		cmocka_unit_test(lines),
		cmocka_unit_test(own_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
