// SPDX-License-Identifier: BSD-2-Clause
/*
 * debug_*GoTrace as geth has them, over recordings that begin and end when the test says so: what
 * waits for what, what is answered when one ends by itself, is lost, or is stopped while goTrace
 * waits; each user his own.
 */
#include "fake_recordings.h"

#include "cli/options.h"
#include "control/processes.h"

struct fixture {
	struct methods_service service;
	struct strbuf said; /* answers, each with a newline */
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->said = STRBUF_INIT;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	while (under_way)
		end(under_way, 0, "");
	methods_service_end(&f->service);
	strbuf_free(&f->said);
	free(f);
	return 0;
}

static void keep(void *ctx, const char *reply, size_t len)
{
	struct fixture *f = ctx;

	strbuf_add(&f->said, reply ? reply : "-", reply ? len : 1);
	strbuf_addch(&f->said, '\n');
}

static struct rpc_text *ask_with(struct fixture *f, uid_t uid, const int *fd, size_t nfd,
				 const char *text)
{
	struct rpc_peer p = { .caller = { .rank = CALLER_USER, .uid = uid },
			      .methods = control_methods,
			      .service = &f->service,
			      .fd = fd,
			      .nfd = nfd,
			      .done = keep,
			      .ctx = f };

	return rpc_text__new(&p, text, strlen(text));
}

static struct rpc_text *ask(struct fixture *f, uid_t uid, const char *text)
{
	return ask_with(f, uid, NULL, 0, text);
}

static void said(struct fixture *f, const char *text)
{
	assert_string_equal(f->said.buf, text);
	strbuf_reset(&f->said);
}

#define CALL(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":[" params "],\"id\":" id "}"
#define OK(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":null}"
#define FAILED(id, text) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":-32000,\"message\":\"" text "\"}}"
#define BAD(id, text)                     \
	"{\"jsonrpc\":\"2.0\",\"id\":" id \
	",\"error\":{\"code\":-32602,\"message\":\"invalid argument " text "\"}}"
#define START(id) CALL(id, "debug_startGoTrace", "\"go.trace\"")
#define STOP(id) CALL(id, "debug_stopGoTrace", "")
#define TRACE(id, s) CALL(id, "debug_goTrace", "\"go.trace\"," s)
#define IDLE(id) FAILED(id, "trace not in progress") "\n"

static void start_and_stop(void **state)
{
	struct fixture *f = *state;

	ask(f, 1, STOP("1"));
	said(f, IDLE("1"));
	ask(f, 1, START("2"));
	said(f, ""); /* not before it has begun */
	assert_string_equal(under_way->file, "go.trace");
	assert_int_equal(under_way->wish.caller.uid, 1);
	assert_int_equal(under_way->wish.door, DOOR_RPC);
	assert_int_equal(under_way->wish.duration_ns, 0);
	assert_int_equal(under_way->wish.fd, -1);
	assert_null(under_way->object);
	begin(under_way);
	said(f, OK("2") "\n");
	ask(f, 1, START("3"));
	said(f, FAILED("3", "trace already in progress") "\n");
	ask(f, 2, STOP("4")); /* somebody else's */
	said(f, IDLE("4"));
	ask(f, 1, STOP("5"));
	assert_true(under_way->stopped);
	said(f, ""); /* not before the file is complete */
	ask(f, 1, STOP("6"));
	said(f, IDLE("6"));
	end(under_way, 0, "");
	said(f, OK("5") "\n");
	ask(f, 1, STOP("7"));
	said(f, IDLE("7"));
	assert_null(f->service.going);
}

static void each_user_his_own(void **state)
{
	struct fixture *f = *state;
	struct served *one;

	ask(f, 1, START("1"));
	one = under_way;
	begin(one);
	ask(f, 2, START("2"));
	begin(under_way);
	said(f, OK("1") "\n" OK("2") "\n");
	ask(f, 1, STOP("3"));
	assert_true(one->stopped);
	assert_false(under_way->stopped);
	end(one, 0, "");
	said(f, OK("3") "\n");
	ask(f, 2, STOP("4"));
	end(under_way, 0, "");
	said(f, OK("4") "\n");
}

static void could_not_begin(void **state)
{
	struct fixture *f = *state;

	refuse_err = ENOENT;
	refuse_why = "open /x/y: no such file or directory";
	ask(f, 1, START("1"));
	said(f, FAILED("1", "open /x/y: no such file or directory") "\n");
	ask(f, 1, START("2"));
	end(under_way, -ESRCH, "no process with pid 7");
	said(f, FAILED("2", "no process with pid 7") "\n");
	ask(f, 1, TRACE("3", "5"));
	end(under_way, -EPERM, "not yours");
	said(f, FAILED("3", "not yours") "\n");
	ask(f, 1, STOP("4")); /* none of them is there for a stop */
	said(f, IDLE("4"));
	/* stopped before it began: there is no trace, and start must not say that there is */
	ask(f, 1, START("5"));
	ask(f, 1, STOP("6"));
	end(under_way, 0, "");
	said(f, FAILED("5", "the trace was stopped before it began") "\n" FAILED(
			"6", "the trace was stopped before it began") "\n");
}

static void go_trace(void **state)
{
	struct fixture *f = *state;

	ask(f, 1, TRACE("1", "5"));
	assert_int_equal(under_way->wish.duration_ns, 5000000000);
	begin(under_way);
	said(f, "");
	assert_false(under_way->stopped);
	end(under_way, 0, "");
	said(f, OK("1") "\n");

	ask(f, 1, TRACE("2", "0")); /* no time at all: begun, and stopped */
	begin(under_way);
	assert_true(under_way->stopped);
	end(under_way, 0, "");
	said(f, OK("2") "\n");

	ask(f, 1, TRACE("3", "600")); /* a stop ends it early, for both */
	begin(under_way);
	ask(f, 1, START("4"));
	said(f, FAILED("4", "trace already in progress") "\n");
	ask(f, 1, STOP("5"));
	assert_true(under_way->stopped);
	end(under_way, 0, "");
	said(f, OK("3") "\n" OK("5") "\n");

	ask(f, 1, TRACE("6", "1"));
	begin(under_way);
	end(under_way, -ENOSPC, "write go.trace: no space left on device");
	said(f, FAILED("6", "write go.trace: no space left on device") "\n");

	ask(f, 1, TRACE("7", "9223372036854775807"));
	assert_int_equal(under_way->wish.duration_ns, INT64_MAX);
	assert_null(f->said.len ? f->said.buf : NULL);
}

/* Nobody waited when it ended: the next stop is told how, once. */
static void ended_by_itself(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	ask(f, 1, START("1"));
	begin(under_way);
	end(under_way, 0, "");
	ask(f, 1, STOP("2"));
	ask(f, 1, STOP("3"));
	said(f, OK("1") "\n" OK("2") "\n" IDLE("3"));

	ask(f, 1, START("4"));
	begin(under_way);
	end(under_way, -ENOSPC, "no space left on device");
	ask(f, 2, STOP("5"));
	ask(f, 1, STOP("6"));
	ask(f, 1, STOP("7"));
	said(f, OK("4") "\n" IDLE("5") FAILED("6", "no space left on device") "\n" IDLE("7"));

	ask(f, 1, START("8")); /* the next one takes its place */
	begin(under_way);
	end(under_way, -ENOSPC, "no space left on device");
	ask(f, 1, START("9"));
	begin(under_way);
	ask(f, 1, STOP("10"));
	end(under_way, 0, "");
	said(f, OK("8") "\n" OK("9") "\n" OK("10") "\n");
	assert_null(f->service.going);

	for (i = 0; i < 1000; i++) { /* nobody ever asks: only so many are kept */
		ask(f, 100 + i,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"debug_startGoTrace\",\"params\":[\"a\"]}");
		begin(under_way);
		end(under_way, 0, "");
	}
	strbuf_reset(&f->said);
	for (i = 0; i < 1000; i++) {
		ask(f, 100 + i, "{\"jsonrpc\":\"2.0\",\"method\":\"debug_stopGoTrace\",\"id\":1}");
		said(f, i < 1000 - 64 ? IDLE("1") : OK("1") "\n");
	}
}

static void asker_is_gone(void **state)
{
	struct fixture *f = *state;

	rpc_text__let_go(ask(f, 1, TRACE("1", "5")));
	begin(under_way);
	assert_false(under_way->stopped); /* it goes on */
	ask(f, 1, STOP("2"));
	end(under_way, 0, "");
	said(f, OK("2") "\n");
	/* the one who waits for the begin */
	rpc_text__let_go(ask(f, 1, START("3")));
	begin(under_way);
	ask(f, 1, STOP("4"));
	end(under_way, 0, "");
	said(f, OK("4") "\n");
}

static void in_a_batch(void **state)
{
	struct fixture *f = *state;

	ask(f, 1, "[" START("1") "," STOP("2") "," START("3") "," STOP("4") "," STOP("5") "]");
	begin(under_way);
	end(under_way, 0, "");
	begin(under_way);
	end(under_way, 0, "");
	said(f, "[" OK("1") "," OK("2") "," OK("3") "," OK(
			"4") "," FAILED("5", "trace not in progress") "]\n");
}

static void parameters(void **state)
{
	static const char *const seconds[] = { "5.0", "-1",   "\"5\"", "1e1",
					       "0.5", "true", "[5]",   "{}" };
	struct strbuf text = STRBUF_INIT;
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < COUNT(seconds); i++) {
		strbuf_set_f(&text, TRACE("1", "%s"), seconds[i]);
		ask(f, 1, text.buf);
		said(f, BAD("1", "1: the seconds have to be a whole number, 0 or more") "\n");
	}
	strbuf_free(&text);
	ask(f, 1, CALL("1", "debug_goTrace", "5,\"go.trace\""));
	said(f, BAD("1", "1: the seconds have to be a whole number, 0 or more") "\n");
	ask(f, 1, CALL("1", "debug_goTrace", "7,5"));
	said(f, BAD("1", "0: the file has to be a string") "\n");
	ask(f, 1, CALL("1", "debug_startGoTrace", "\"x\",[42]"));
	said(f, BAD("1", "1: what is recorded has to be an object, as {\\\"pid\\\": 42}") "\n");
	ask(f, 1, CALL("1", "debug_goTrace", "\"x\",1,\"pid\""));
	said(f, BAD("1", "2: what is recorded has to be an object, as {\\\"pid\\\": 42}") "\n");
	assert_null(under_way);
	/* what is wrong with the object is the caller's fault, and said so */
	refuse_err = EINVAL;
	refuse_why = "unknown option \"pidd\"";
	ask(f, 1, CALL("1", "debug_goTrace", "\"x\",1,{\"pidd\":42}"));
	said(f, BAD("1", "2: unknown option \\\"pidd\\\"") "\n");
	refuse_err = EPERM;
	refuse_why = "process 42 is not yours";
	ask(f, 1, CALL("1", "debug_goTrace", "\"x\",1,{\"pid\":42}"));
	said(f, FAILED("1", "process 42 is not yours") "\n");
	refuse_err = EINVAL;
	refuse_why = "nothing to record";
	ask(f, 1, CALL("1", "debug_startGoTrace", "\"x\""));
	said(f, FAILED("1", "nothing to record") "\n");
	ask(f, 1, CALL("1", "debug_goTrace", "\"x\",1,{\"pid\":42,\"region\":[\"a:b\"]}"));
	assert_string_equal(under_way->object, "{\"pid\":42,\"region\":[\"a:b\"]}");
	end(under_way, 0, "");
	ask(f, 1, CALL("1", "debug_startGoTrace", "\"x\",{\"all\":true}"));
	assert_string_equal(under_way->object, "{\"all\":true}");
}

static void snapshots(void **state)
{
	struct fixture *f = *state;

	ask(f, 1, CALL("1", "debug_snapshotGoTrace", "\"other\""));
	said(f, FAILED("1", "there is no flight recorder") "\n");
	ask(f, 1, CALL("2", "debug_snapshotGoTrace", "\"snap\""));
	said(f, "");
	snapshot_done_fn(snapshot_ctx, 0, "");
	said(f, OK("2") "\n");
	ask(f, 1, CALL("3", "debug_snapshotGoTrace", "\"snap\""));
	snapshot_done_fn(snapshot_ctx, -EIO, "disk\xff");
	said(f, FAILED("3", "disk\xef\xbf\xbd") "\n");
}

static void of_our_own(void **state)
{
	const struct options o = { .max_recordings = 8,
				   .max_time_ns = 600000000000,
				   .max_total = 1 << 20 };
	struct fixture *f = *state;
	json_t *answer, *r;

	ask(f, 1, CALL("1", "rpc_modules", ""));
	said(f,
	     "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ctrace\":\"1.0\",\"debug\":\"1.0\",\"rpc\":\"1.0\"}}\n");
	f->service.o = &o;
	ask(f, 70007, CALL("1", "ctrace_status", ""));
	answer = json_loads(f->said.buf, 0, NULL);
	r = json_object_get(answer, "result");
	assert_string_equal(json_string_value(json_object_get(r, "target")),
			    "process 42 (caf\xef\xbf\xbd)");
	assert_true(json_real_value(json_object_get(r, "uptime")) > 0);
	assert_string_equal(json_string_value(json_object_get(r, "caller")), "uid 70007");
	assert_true(json_is_null(json_object_get(r, "flight_recorder")));
	assert_true(json_real_value(json_object_get(json_object_get(r, "limits"), "seconds")) ==
		    600);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(r, "recordings"), 0)),
			 70007);
	json_decref(answer);
}

/* Ourselves are not among them: who else is there that runs as we do? */
static void lists_processes(void **state)
{
	struct fixture *f = *state;
	json_t *answer, *all;
	size_t i, n;

	f->service.processes = processes__new();
	assert_non_null(f->service.processes);
	ask(f, geteuid(), CALL("1", "ctrace_processes", ""));
	answer = json_loads(f->said.buf, 0, NULL);
	all = json_object_get(answer, "result");
	n = json_array_size(all);
	assert_true(n > 0);
	for (i = 0; i < n; i++)
		assert_true(json_is_true(json_object_get(json_array_get(all, i), "recordable")));
	json_decref(answer);
	strbuf_reset(&f->said);
	ask(f, 4000000000, CALL("1", "ctrace_processes", "")); /* nobody's */
	said(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}\n");
	ask(f, geteuid(), CALL("1", "ctrace_processes", "\"no such name\""));
	said(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}\n");
	ask(f, geteuid(), CALL("1", "ctrace_processes", "7"));
	said(f, BAD("1", "0: the name has to be a string") "\n");
	processes__free(f->service.processes);
}

#define DONE(code, why) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"code\":" code ",\"why\":\"" why "\"}}\n"

static void commands(void **state)
{
	static const char call[] = CALL("1", "ctrace_record", "\"-p\",\"42\"");
	const int fd[] = { 71, 72, 73 };
	struct fixture *f = *state;
	struct rpc_text *t;

	ask(f, 1, call);
	said(f,
	     FAILED("1",
		    "ctrace_record needs the Unix socket, and the descriptor of a file with the call") "\n");
	ask_with(f, 1, fd, 1, CALL("1", "ctrace_record", "\"-p\",42"));
	said(f, BAD("1", "1: a word has to be a string") "\n");
	refuse_err = EINVAL;
	refuse_why = "unknown option --foo";
	ask_with(f, 1, fd, 3, call);
	said(f, DONE("2", "unknown option --foo"));

	t = ask_with(f, 1, fd, 3, call);
	assert_string_equal(under_way->words, "-p 42 ");
	assert_int_equal(under_way->wish.door, DOOR_COMMAND);
	assert_int_equal(under_way->wish.fd, 71);
	assert_int_equal(under_way->wish.err_fd, 72);
	assert_int_equal(under_way->wish.json_fd, 73);
	begin(under_way);
	said(f, "");
	rpc_text__hang_up(t); /* the first Ctrl-C */
	assert_true(under_way->stopped);
	said(f, "");
	end(under_way, 0, "");
	said(f, DONE("0", ""));

	ask_with(f, 1, fd, 1, CALL("1", "ctrace_record", "\"-p42\",\"--duration=5\",\"-a\""));
	assert_string_equal(under_way->words, "-p42 -a ");
	assert_int_equal(under_way->wish.duration_ns, 5000000000);
	end(under_way, 0, "");
	strbuf_reset(&f->said);
	ask_with(f, 1, fd, 1, call); /* its target's end */
	assert_int_equal(under_way->wish.err_fd, -1);
	begin(under_way);
	end(under_way, -EIO, "caf\xe9: I/O error");
	said(f, DONE("1", "caf\xef\xbf\xbd: I/O error"));

	rpc_text__let_go(ask_with(f, 1, fd, 3, call)); /* it was killed */
	begin(under_way);
	assert_true(under_way->stopped);
	end(under_way, 0, "");
	said(f, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(start_and_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(each_user_his_own, setup, teardown),
		cmocka_unit_test_setup_teardown(could_not_begin, setup, teardown),
		cmocka_unit_test_setup_teardown(go_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(asker_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(in_a_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(parameters, setup, teardown),
		cmocka_unit_test_setup_teardown(snapshots, setup, teardown),
		cmocka_unit_test_setup_teardown(of_our_own, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(commands, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
