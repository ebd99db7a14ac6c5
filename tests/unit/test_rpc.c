// SPDX-License-Identifier: BSD-2-Clause
/*
 * JSON-RPC as geth speaks it: each kind of request with its answer, byte for byte; batches, of
 * which one waits for the other; ids as they were written; what is no JSON, in all its ways; and
 * texts that come one behind the other, cut anywhere.
 */
#include "helpers.h"

#include "rpc/jsontext.h"
#include "rpc/rpc.h"

/* ---- a service with some methods ---- */

struct fixture {
	struct rpc_call *waiting;
	unsigned ran, hung_up;
	int fd;
};

static struct fixture *fixture_of(struct rpc_call *c)
{
	struct fixture *f = rpc_service(c);

	f->ran++;
	return f;
}

static void echo(struct rpc_call *c)
{
	json_t *all = json_array();
	unsigned i;

	fixture_of(c);
	for (i = 0; rpc_param(c, i); i++)
		json_array_append(all, (json_t *)rpc_param(c, i));
	rpc_result(c, all);
}

static void nothing(struct rpc_call *c)
{
	fixture_of(c);
	rpc_result(c, NULL);
}

static void fails(struct rpc_call *c)
{
	fixture_of(c);
	rpc_error(c, RPC_FAILED, "open \"x\"\n\xff: no such file");
}

static void choosy(struct rpc_call *c)
{
	fixture_of(c);
	rpc_bad_param(c, 1, "%s, not %d", "a number", 7);
}

static void note_hang_up(void *ctx)
{
	((struct fixture *)ctx)->hung_up++;
}

static void later(struct rpc_call *c)
{
	struct fixture *f = fixture_of(c);

	assert_null(f->waiting);
	f->waiting = c;
	rpc_on_hang_up(c, note_hang_up, f);
}

static void answer_at_hang_up(void *ctx)
{
	struct fixture *f = ctx;

	f->hung_up++;
	rpc_result(f->waiting, json_string("the end"));
}

static void until_the_end(struct rpc_call *c)
{
	struct fixture *f = fixture_of(c);

	f->waiting = c;
	rpc_on_hang_up(c, answer_at_hang_up, f);
}

static void takes_fd(struct rpc_call *c)
{
	fixture_of(c)->fd = rpc_fd(c, 0);
	assert_int_equal(rpc_fd(c, 1), -1);
	rpc_result(c, json_integer(rpc_caller(c)->uid));
}

static void large(struct rpc_call *c)
{
	struct strbuf sb = STRBUF_INIT;

	strbuf_set_f(&sb, "%*s", 1 << 20, "");
	fixture_of(c);
	rpc_result(c, json_string(sb.buf));
	strbuf_free(&sb);
}

static const struct rpc_method methods[] = {
	{ "t_echo", 0, 2, echo },	  { "t_need", 2, 3, echo },
	{ "t_nothing", 0, 0, nothing },	  { "t_fail", 0, 0, fails },
	{ "t_choosy", 0, 2, choosy },	  { "t_later", 0, 0, later },
	{ "t_end", 0, 0, until_the_end }, { "t_fd", 0, 0, takes_fd },
	{ "t_large", 0, 0, large },	  { 0 },
};

struct reply {
	struct strbuf text;
	unsigned cnt, none; /* how many came, and how many of them were nothing */
};

static void keep(void *ctx, const char *reply, size_t len)
{
	struct reply *r = ctx;

	r->cnt++;
	if (!reply) {
		assert_int_equal(len, 0);
		r->none++;
		return;
	}
	assert_int_equal(strlen(reply), len);
	strbuf_add(&r->text, reply, len);
}

static struct rpc_peer peer_of(struct fixture *f, struct reply *r)
{
	return (struct rpc_peer){
		.caller = { .rank = CALLER_USER, .uid = 1234 },
		.methods = methods,
		.service = f,
		.done = keep,
		.ctx = r,
	};
}

static struct rpc_text *ask_bytes(struct fixture *f, struct reply *r, const char *s, size_t len)
{
	struct rpc_peer p = peer_of(f, r);
	char *exact = xmalloc(len ? len : 1); /* a byte behind it is a fault */
	struct rpc_text *t;

	memcpy(exact, s, len);
	t = rpc_text__new(&p, exact, len);
	free(exact);
	return t;
}

static void expect_bytes(const char *in, size_t len, const char *out)
{
	struct reply r = { STRBUF_INIT, 0, 0 };
	struct fixture f = { 0 };

	assert_null(ask_bytes(&f, &r, in, len));
	assert_int_equal(r.cnt, 1);
	assert_int_equal(r.none, !*out);
	if (strcmp(r.text.buf, out))
		fail_msg("%.*s\n gives %s\n not   %s", (int)len, in, r.text.buf, out);
	strbuf_free(&r.text);
}

static void expect(const char *in, const char *out)
{
	expect_bytes(in, strlen(in), out);
}

#define CALL(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":" params ",\"id\":" id "}"
#define RESULT(id, value) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" value "}"
#define ERROR(id, code, text) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" text "\"}}"
#define INVALID(id) ERROR(id, "-32600", "invalid request")
#define PARSE ERROR("null", "-32700", "parse error")

/* ---- one call ---- */

static void calls(void **state)
{
	(void)state;
	expect(CALL("1", "t_nothing", "[]"), RESULT("1", "null"));
	expect(" \t\r\n" CALL("1", "t_nothing", "[]") "\n ", RESULT("1", "null"));
	expect("{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"t_nothing\"}", RESULT("1", "null"));
	expect(CALL("1", "t_nothing", "null"), RESULT("1", "null"));
	expect(CALL("1", "t_echo", "[\"a\",{\"b\":[1,2.5,true,null]}]"),
	       RESULT("1", "[\"a\",{\"b\":[1,2.5,true,null]}]"));
	expect(CALL("1", "t_echo", " [ ]"), RESULT("1", "[]"));
	expect(CALL("1", "t_echo", "[null,1]"), RESULT("1", "[]"));
	/* brackets, quotes and escapes where they mean nothing */
	expect(CALL("1", "t_echo", "[\"]}\\\"[{\",\"\\\\\"]"),
	       RESULT("1", "[\"]}\\\"[{\",\"\\\\\"]"));
	expect("{\"x\":{\"id\":5,\"a\":[{\"method\":1}]},\"jsonrpc\":\"2.0\",\"method\":\"t_nothing\","
	       "\"y\":[],\"id\":6,\"z\":\"\"}",
	       RESULT("6", "null"));
	/* names may be written in any way, and of two the last one counts */
	expect("{\"j\\u0073onrpc\":\"2.0\",\"\\u0069d\":1,\"id\":2,\"method\":\"x\",\"method\":\"t\\u005fnothing\"}",
	       RESULT("2", "null"));
}

static void ids(void **state)
{
	static const char *const as_they_are[] = {
		"0",
		"-1",
		"1.0",
		"1e2",
		"1E+400",
		"123456789012345678901234567890",
		"0.10",
		"null",
		"true",
		"\"\"",
		"\"a b\"",
		"\"\\u00e9\\/\\n\"",
		"\"\xc3\xa9\"",
		"-0",
	};
	static const char *const none[] = { "{}", "[]", "[1]", "\"\\ud800\"", "\"\\u0000\"" };
	struct strbuf in = STRBUF_INIT, out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(as_they_are); i++) {
		strbuf_set_f(&in, "{\"jsonrpc\":\"2.0\",\"id\": %s ,\"method\":\"t_nothing\"}",
			     as_they_are[i]);
		strbuf_set_f(&out, RESULT("%s", "null"), as_they_are[i]);
		expect(in.buf, out.buf);
		strbuf_set_f(&in, "{\"jsonrpc\":\"2.0\",\"id\":%s}", as_they_are[i]);
		strbuf_set_f(&out, INVALID("%s"), as_they_are[i]);
		expect(in.buf, out.buf);
	}
	for (i = 0; i < COUNT(none); i++) {
		strbuf_set_f(&in, "{\"jsonrpc\":\"2.0\",\"method\":\"t_nothing\",\"id\":%s}",
			     none[i]);
		expect(in.buf, INVALID("null"));
	}
	strbuf_free(&in);
	strbuf_free(&out);
}

static void errors(void **state)
{
	(void)state;
	expect(CALL("1", "t_fail", "[]"),
	       ERROR("1", "-32000", "open \\\"x\\\"\\u000a\xef\xbf\xbd: no such file"));
	expect(CALL("1", "t_choosy", "[1,2]"),
	       ERROR("1", "-32602", "invalid argument 1: a number, not 7"));
	expect(CALL("1", "debug_foo\\n", "[]"),
	       ERROR("1", "-32601", "the method debug_foo\\u000a does not exist/is not available"));
	expect(CALL("1", "t_need", "[]"),
	       ERROR("1", "-32602", "missing value for required argument 0"));
	expect(CALL("1", "t_need", "[1]"),
	       ERROR("1", "-32602", "missing value for required argument 1"));
	expect(CALL("1", "t_need", "[1,null,2]"),
	       ERROR("1", "-32602", "missing value for required argument 1"));
	expect(CALL("1", "t_need", "[1,2]"), RESULT("1", "[1,2]"));
	expect(CALL("1", "t_need", "[1,2,3,4]"),
	       ERROR("1", "-32602", "too many arguments, want at most 3"));
	expect(CALL("1", "t_nothing", "[null]"),
	       ERROR("1", "-32602", "too many arguments, want at most 0"));
	expect(CALL("1", "t_echo", "{\"a\":1}"), ERROR("1", "-32602", "non-array args"));
	expect(CALL("1", "t_echo", "7"), ERROR("1", "-32602", "non-array args"));
	expect(CALL("1", "t_echo", "[1,[99999999999999999999]]"),
	       ERROR("1", "-32602", "invalid argument 1: a number is too large"));
	expect(CALL("1", "t_echo", "[1e999]"),
	       ERROR("1", "-32602", "invalid argument 0: a number is too large"));
	expect(CALL("1", "t_echo", "[\"\\u0000\"]"),
	       ERROR("1", "-32602", "invalid argument 0: a text has a NUL in it"));
	expect(CALL("1", "t_echo", "[{\"\\u0000\":1}]"),
	       ERROR("1", "-32602", "invalid argument 0: a text has a NUL in it"));
	expect(CALL("1", "t_echo", "[\"\\udead\"]"),
	       ERROR("1", "-32602", "invalid argument 0: a text is no Unicode"));
}

static void no_requests(void **state)
{
	(void)state;
	expect("{}", INVALID("null"));
	expect("5", INVALID("null"));
	expect("null", INVALID("null"));
	expect("\"x\"", INVALID("null"));
	expect("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"t_nothing\"}", INVALID("1"));
	expect("{\"id\":1,\"method\":\"t_nothing\"}", INVALID("1"));
	expect("{\"jsonrpc\":2.0,\"id\":1,\"method\":\"t_nothing\"}", INVALID("1"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", INVALID("1"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", INVALID("1"));
	expect("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u0000\"}", INVALID("1"));
	expect("{\"jsonrpc\":\"2.0\"}", INVALID("null"));
}

static void notifications(void **state)
{
	static const char *const texts[] = {
		"{\"jsonrpc\":\"2.0\",\"method\":\"t_nothing\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"t_fail\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"no_such\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"t_need\",\"params\":[]}",
		"[{\"jsonrpc\":\"2.0\",\"method\":\"t_nothing\"},{\"jsonrpc\":\"2.0\",\"method\":\"x\"}]",
	};
	static const unsigned ran[] = { 1, 1, 0, 0, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		struct reply r = { STRBUF_INIT, 0, 0 };
		struct fixture f = { 0 };

		assert_null(ask_bytes(&f, &r, texts[i], strlen(texts[i])));
		assert_int_equal(r.cnt, 1);
		assert_int_equal(r.none, 1);
		assert_int_equal(f.ran, ran[i]);
	}
}

static void no_json(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"[",
		"}",
		"]",
		"{]",
		"[}",
		"[1,]",
		"[,1]",
		"[1 2]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"{1:1}",
		"{\"a\":1 \"b\":2}",
		"{}{}",
		"[] x",
		"tru",
		"True",
		"nul",
		"nulll",
		"NaN",
		"[Infinity]",
		"01",
		"+1",
		"-",
		"1.",
		".5",
		"1e",
		"1e+",
		"0x10",
		"\"",
		"\"\\\"",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\t\"",
		"\"a\nb\"",
		"\"\xff\"",
		"\"\xc3\"",
		"\"\xed\xa0\x80\"",
		"\"\xc0\xaf\"",
		"\xef\xbb\xbf{}",
		"// {}",
		"[1]//",
		"{\"a\":1}}",
		"[[]",
		"\v{}",
		"\xc2\xa0{}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		expect(bad[i], PARSE);
	expect_bytes("{}\0", 3, PARSE);
	expect_bytes("\"\\\0\"", 4, PARSE);
	expect_bytes("\"\0\"", 3, PARSE);
}

static void bounds(void **state)
{
	struct strbuf in = STRBUF_INIT, out = STRBUF_INIT;
	int i, depth;

	(void)state;
	for (depth = RPC_DEPTH_MAX; depth <= RPC_DEPTH_MAX + 1; depth++) {
		strbuf_reset(&in);
		/* the request and its parameters are two */
		strbuf_addstr(&in, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_nothing\",\"x\":");
		for (i = 0; i < depth - 1; i++)
			strbuf_addstr(&in, i % 2 ? "{\"a\":" : "[");
		strbuf_addstr(&in, "0");
		for (i = depth - 1; i-- > 0;)
			strbuf_addch(&in, i % 2 ? '}' : ']');
		strbuf_addch(&in, '}');
		expect(in.buf, depth > RPC_DEPTH_MAX ?
				       ERROR("null", "-32700", "parse error: nested too deep") :
				       RESULT("1", "null"));
	}
	strbuf_reset(&in);
	for (i = 0; i < 500000; i++)
		strbuf_addch(&in, '[');
	expect(in.buf, ERROR("null", "-32700", "parse error: nested too deep"));

	strbuf_set_f(&in, CALL("1", "t_nothing", "[]") "%*s", RPC_TEXT_MAX, "");
	expect_bytes(in.buf, RPC_TEXT_MAX, RESULT("1", "null"));
	expect_bytes(in.buf, RPC_TEXT_MAX + 1, ERROR("null", "-32600", "request too large"));

	for (depth = RPC_BATCH_MAX; depth <= RPC_BATCH_MAX + 1; depth++) {
		strbuf_set_f(&in, "[");
		strbuf_set_f(&out, "[");
		for (i = 0; i < depth; i++) {
			strbuf_addf(&in, "%s" CALL("%d", "t_nothing", "[]"), i ? "," : "", i + 7);
			strbuf_addf(&out, "%s" RESULT("%d", "null"), i ? "," : "", i + 7);
		}
		strbuf_addstr(&in, "]");
		strbuf_addstr(&out, "]");
		expect(in.buf, depth > RPC_BATCH_MAX ?
				       "[" ERROR("7", "-32600", "batch too large") "]" :
				       out.buf);
	}
	strbuf_free(&in);
	strbuf_free(&out);
}

/* ---- several ---- */

static void batches(void **state)
{
	(void)state;
	expect("[]", ERROR("null", "-32600", "empty batch"));
	expect(" [ ] ", ERROR("null", "-32600", "empty batch"));
	expect("[1,{},[],\"]\"]",
	       "[" INVALID("null") "," INVALID("null") "," INVALID("null") "," INVALID("null") "]");
	expect("[" CALL("1", "t_nothing", "[]") "]", "[" RESULT("1", "null") "]");
	expect("[" CALL(
		       "\"a\"", "t_echo",
		       "[1]") ", {\"jsonrpc\":\"2.0\",\"method\":\"t_fail\"} ,{\"id\":8}," CALL("2",
												"no",
												"[]") "]",
	       "[" RESULT("\"a\"", "[1]") "," INVALID("8") "," ERROR(
		       "2", "-32601", "the method no does not exist/is not available") "]");
}

/* What is answered can be much more than what is asked. */
static void too_large(void **state)
{
	struct reply r = { STRBUF_INIT, 0, 0 };
	struct strbuf in = STRBUF_INIT;
	struct fixture f = { 0 };
	const char *end;
	int i;

	(void)state;
	for (i = 0; i < RPC_BATCH_MAX; i++)
		strbuf_addf(&in, "%c" CALL("%d", "t_large", "[]"), i ? ',' : '[', i);
	strbuf_addstr(&in, "]");
	assert_null(ask_bytes(&f, &r, in.buf, in.len));
	assert_int_equal(f.ran, RPC_REPLY_MAX >> 20);
	assert_true(r.text.len < RPC_REPLY_MAX + 20000);
	end = strstr(r.text.buf, ERROR("4", "-32003", "response too large"));
	assert_non_null(end);
	for (i = 4; (end = strstr(end, "too large")); end++)
		i++;
	assert_int_equal(i, RPC_BATCH_MAX);
	strbuf_free(&r.text);
	strbuf_free(&in);
}

static void waiting(void **state)
{
	static const char two[] = "[" CALL("1", "t_later", "[]") "," CALL(
		"2", "t_echo", "[5]") "," CALL("3", "t_later", "[]") "]";
	struct reply r = { STRBUF_INIT, 0, 0 };
	struct fixture f = { 0 };
	struct rpc_call *c;

	(void)state;
	assert_non_null(ask_bytes(&f, &r, two, strlen(two)));
	assert_int_equal(f.ran, 1); /* the next one waits for it */
	assert_int_equal(r.cnt, 0);
	c = f.waiting;
	f.waiting = NULL;
	rpc_result(c, NULL);
	assert_int_equal(f.ran, 3);
	assert_int_equal(r.cnt, 0);
	rpc_error(f.waiting, RPC_FAILED, "no");
	assert_int_equal(r.cnt, 1);
	assert_string_equal(r.text.buf, "[" RESULT("1", "null") "," RESULT("2", "[5]") "," ERROR(
						"3", "-32000", "no") "]");
	assert_int_equal(f.hung_up, 0);
	strbuf_free(&r.text);
}

static void nobody_waits(void **state)
{
	static const char text[] = "[" CALL("1", "t_later", "[]") "," CALL("2", "t_echo", "[]") "]";
	struct reply r = { STRBUF_INIT, 0, 0 };
	struct fixture f = { 0 };
	struct rpc_text *t;

	(void)state;
	t = ask_bytes(&f, &r, text, strlen(text));
	rpc_text__hang_up(t);
	rpc_text__hang_up(t);
	assert_int_equal(f.hung_up, 1);
	rpc_text__let_go(t);
	assert_int_equal(f.hung_up, 2);
	rpc_result(f.waiting, json_integer(1));
	assert_int_equal(f.ran, 1); /* the second one did not begin */
	assert_int_equal(r.cnt, 0);

	f = (struct fixture){ 0 };
	t = ask_bytes(&f, &r, text, strlen(text));
	rpc_text__let_go(t);
	assert_int_equal(f.hung_up, 1);
	rpc_result(f.waiting, NULL);
	assert_int_equal(r.cnt, 0);

	/* answered by the hang-up itself */
	f = (struct fixture){ 0 };
	t = ask_bytes(&f, &r, CALL("1", "t_end", "[]"), strlen(CALL("1", "t_end", "[]")));
	rpc_text__hang_up(t);
	assert_string_equal(r.text.buf, RESULT("1", "\"the end\""));
	f = (struct fixture){ 0 };
	t = ask_bytes(&f, &r, CALL("1", "t_end", "[]"), strlen(CALL("1", "t_end", "[]")));
	rpc_text__let_go(t);
	assert_int_equal(f.hung_up, 1);
	assert_int_equal(r.cnt, 1);
	strbuf_free(&r.text);
}

static void descriptors(void **state)
{
	static const char one[] = CALL("1", "t_fd", "[]"),
			  batch[] = "[" CALL("1", "t_fd", "[]") "]";
	struct reply r = { STRBUF_INIT, 0, 0 };
	struct fixture f = { 0 };
	struct rpc_peer p = peer_of(&f, &r);
	int fd = 77;

	(void)state;
	p.fd = &fd;
	p.nfd = 1;
	assert_null(rpc_text__new(&p, one, strlen(one)));
	assert_int_equal(f.fd, 77);
	assert_string_equal(r.text.buf, RESULT("1", "1234"));
	assert_null(rpc_text__new(&p, batch, strlen(batch)));
	assert_int_equal(f.fd, -1);
	p.nfd = 1; /* they are gone when the method has returned */
	assert_non_null(
		rpc_text__new(&p, CALL("1", "t_later", "[]"), strlen(CALL("1", "t_later", "[]"))));
	assert_int_equal(rpc_fd(f.waiting, 0), -1);
	rpc_result(f.waiting, NULL);
	strbuf_free(&r.text);
}

/* ---- texts one behind the other ---- */

static void split(const char *stream, size_t piece, struct strbuf *out, enum jsontext_found *last)
{
	struct jsontext_split sp = { 0 };
	size_t len = strlen(stream), at = 0, n, from, used;

	while (at < len) {
		char *exact;

		n = piece < len - at ? piece : len - at;
		exact = xmalloc(n);
		memcpy(exact, stream + at, n);
		*last = jsontext_split(&sp, exact, n, &from, &used);
		assert_true(from <= used && used <= n);
		strbuf_add(out, exact + from, used - from);
		free(exact);
		at += used;
		if (*last == JSONTEXT_WHOLE) {
			strbuf_addch(out, '|');
			assert_int_equal(sp.len, 0);
		}
		if (*last == JSONTEXT_NONE)
			return;
		assert_true(used > 0);
	}
	if (sp.len)
		strbuf_addf(out, "+%zu", sp.len);
}

static void splits(void **state)
{
	static const char *const in[] = {
		"{}[]",
		" { } \n[1,[2]]\t{\"a\":\"}\"}",
		"{\"a\\\"}\":\"\\\\\"}[\"[\"]",
		"{}x",
		"[\"",
		"{\"a\":{}",
		"5",
		"[}{]",
		"\n",
	};
	static const char *const out[] = {
		"{}|[]|",
		"{ }|[1,[2]]|{\"a\":\"}\"}|",
		"{\"a\\\"}\":\"\\\\\"}|[\"[\"]|",
		"{}|",
		"[\"+2",
		"{\"a\":{}+7",
		"",
		"[}|{]|",
		"",
	};
	static const enum jsontext_found end[] = {
		JSONTEXT_WHOLE, JSONTEXT_WHOLE, JSONTEXT_WHOLE, JSONTEXT_NONE, JSONTEXT_MORE,
		JSONTEXT_MORE,	JSONTEXT_NONE,	JSONTEXT_WHOLE, JSONTEXT_MORE,
	};
	struct strbuf got = STRBUF_INIT;
	enum jsontext_found last;
	size_t i, piece;

	(void)state;
	for (i = 0; i < COUNT(in); i++)
		for (piece = 1; piece < 40; piece++) {
			strbuf_reset(&got);
			split(in[i], piece, &got, &last);
			assert_string_equal(got.buf, out[i]);
			assert_int_equal(last, end[i]);
		}
	strbuf_free(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),	 cmocka_unit_test(ids),
		cmocka_unit_test(errors),	 cmocka_unit_test(no_requests),
		cmocka_unit_test(notifications), cmocka_unit_test(no_json),
		cmocka_unit_test(bounds),	 cmocka_unit_test(batches),
		cmocka_unit_test(too_large),	 cmocka_unit_test(waiting),
		cmocka_unit_test(nobody_waits),	 cmocka_unit_test(descriptors),
		cmocka_unit_test(splits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
