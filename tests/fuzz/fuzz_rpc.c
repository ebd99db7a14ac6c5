// SPDX-License-Identifier: BSD-2-Clause
/*
 * Damaged requests through JSON-RPC, and through the splitter of streams: fuzz_rpc [-n N] [-s
 * FIRST] [-f SEEDS]
 *
 * jansson is the judge, which reads what we check by our own reader: every reply is JSON and says
 * neither more nor less than the request asks for (an answer for each call, none for a
 * notification, in order, with its id); what jansson does not take is a parse error. A stream of
 * such texts gives the same, however it is cut. To be built with sanitizers. The number of an input
 * that failed is told, `-n 1 -s NUMBER` runs it alone. Exit status 1 when something failed.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/unit/helpers.h"

#include "rpc/jsontext.h"
#include "rpc/rpc.h"

#define LIMIT_S 20
#define AT_ONCE 1000 /* inputs for a process */
#define NS_MAX 3000

struct tally {
	unsigned long inputs, texts, answers, results, parse_errors, none, pieces;
};

struct shared {
	uint64_t at;
	struct tally t;
};

struct seeds {
	struct strbuf *seed;
	size_t cnt, cap;
};

static struct shared *sh;

#define CHECK(what)                                                                         \
	do {                                                                                \
		if (!(what)) {                                                              \
			printf("# %llu: %s (line %d)\n", (unsigned long long)sh->at, #what, \
			       __LINE__);                                                   \
			fflush(stdout);                                                     \
			_exit(1);                                                           \
		}                                                                           \
	} while (0)

/* ---- seeds, and what becomes of them ---- */

static void add_line(struct strbuf *out, const char *s, const char *end)
{
	const char *stop, *text;
	unsigned byte;
	long n;

	for (; s < end; s++) {
		if (*s != '%') {
			strbuf_addch(out, *s);
			continue;
		}
		n = strtol(s + 1, (char **)&text, 10);
		stop = strchr(s, '|');
		if (*text == '*' && stop) {
			while (n-- > 0)
				strbuf_add(out, text + 1, (size_t)(stop - text - 1));
			s = stop;
		} else if (sscanf(s + 1, "%2x", &byte) == 1) {
			strbuf_addch(out, (char)byte);
			s += 2;
		}
	}
}

static bool read_seeds(struct seeds *all, const char *path)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	while ((n = getline(&line, &cap, f)) > 0) {
		if (*line == '#')
			continue;
		all->seed = xgrow(all->seed, all->cnt, &all->cap, sizeof(*all->seed));
		all->seed[all->cnt] = STRBUF_INIT;
		add_line(&all->seed[all->cnt++], line, line + n - 1);
	}
	free(line);
	fclose(f);
	return all->cnt > 0;
}

static void put_in(struct strbuf *t, size_t at, size_t cut, const char *in, size_t len)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_add(&out, t->buf, at);
	strbuf_add(&out, in, len);
	strbuf_add(&out, t->buf + at + cut, t->len - at - cut);
	strbuf_free(t);
	*t = out;
}

static void damage(struct strbuf *t, const struct seeds *all, uint64_t *r)
{
	static const char *const words[] = {
		"{",
		"}",
		"[",
		"]",
		"\"",
		"\\",
		",",
		":",
		" ",
		"\n",
		"null",
		"true",
		"0",
		"-1",
		"1e5",
		"1e999",
		"18446744073709551616",
		"\"id\":9,",
		"\"id\":\"x\"",
		"\"jsonrpc\":\"2.0\",",
		"\"method\":\"echo\",",
		"\"method\":\"later\",",
		"\"params\":[1],",
		"\\u0000",
		"\\ud800",
		"\\udc00\\ud800",
		"\xff",
		"\xc3",
		"\xe2\x82",
		"\xf0\x9f\x98\x80",
		"[[[[[[[[[[[[[[[[",
		"]]]]]]]]]]]]]]]]",
		"{\"a\":{\"a\":{\"a\":",
		"//",
		"'",
		"NaN",
		"\t",
	};
	size_t at = t->len ? rnd(r) % t->len : 0, left = t->len - at, n;
	const struct strbuf *other;
	const char *w;
	char c;

	switch (rnd(r) % 8) {
	case 0: /* a bit */
		if (left)
			t->buf[at] = (char)(t->buf[at] ^ 1 << rnd(r) % 8);
		break;
	case 1: /* a byte */
		c = (char)rnd(r);
		put_in(t, at, left && rnd(r) % 2, &c, 1);
		break;
	case 2: /* a word */
	case 3:
		w = words[rnd(r) % COUNT(words)];
		put_in(t, at, rnd(r) % 2 && left ? rnd(r) % (left < 8 ? left : 8) : 0, w,
		       strlen(w));
		break;
	case 4: /* some bytes less */
		put_in(t, at, left ? rnd(r) % (left < 20 ? left : 20) + 1 : 0, "", 0);
		break;
	case 5: /* a piece twice */
		n = left ? rnd(r) % (left < 60 ? left : 60) + 1 : 0;
		put_in(t, at, 0, t->buf + at, n);
		break;
	case 6: /* a piece of another one, or all of it */
		other = &all->seed[rnd(r) % all->cnt];
		if (other->len > NS_MAX)
			break;
		n = other->len ? rnd(r) % other->len : 0;
		put_in(t, at, left ? rnd(r) % left : 0, other->buf + n,
		       rnd(r) % 2 ? other->len - n : 0);
		break;
	default: /* cut */
		if (!(rnd(r) % 4))
			put_in(t, at, left, "", 0);
	}
}

/* A fifth of them is as it was written. */
static struct strbuf invent(const struct seeds *all, uint64_t *r)
{
	const struct strbuf *seed = &all->seed[rnd(r) % all->cnt];
	struct strbuf t = STRBUF_INIT;
	unsigned n = rnd(r) % 5 ? 1 + rnd(r) % 4 : 0;

	strbuf_add(&t, seed->buf, seed->len);
	while (n--)
		damage(&t, all, r);
	return t;
}

/* ---- the service ---- */

static struct rpc_call *waiting;

static void echo(struct rpc_call *c)
{
	json_t *all = json_array();
	unsigned i;

	for (i = 0; i < 9; i++)
		if (rpc_param(c, i))
			json_array_append(all, (json_t *)rpc_param(c, i));
	rpc_result(c, all);
}

static void nothing(struct rpc_call *c)
{
	rpc_result(c, NULL);
}

static void fails(struct rpc_call *c)
{
	rpc_error(c, RPC_FAILED, "caf\xe9 \"\n");
}

static void later(struct rpc_call *c)
{
	waiting = c;
}

static void answer_now(void *ctx)
{
	struct rpc_call *c = ctx;

	waiting = NULL;
	rpc_result(c, json_true());
}

static void end(struct rpc_call *c)
{
	waiting = c;
	rpc_on_hang_up(c, answer_now, c);
}

static const struct rpc_method methods[] = {
	{ "echo", 0, 9, echo },
	{ "nothing", 0, 0, nothing },
	{ "need", 1, 1, echo },
	{ "fails", 0, 9, fails },
	{ "later", 0, 9, later },
	{ "end", 0, 9, end },
	{ 0 },
};

static void keep(void *ctx, const char *reply, size_t len)
{
	struct strbuf *out = ctx;

	CHECK(!reply == !len);
	CHECK(!out->len); /* once */
	strbuf_add(out, reply ? reply : "", len);
	strbuf_addch(out, '\n'); /* it has been called */
}

static void ask(const char *s, size_t len, bool hang_up, struct strbuf *out)
{
	struct rpc_peer p = { .methods = methods, .done = keep, .ctx = out };
	struct strbuf answer = STRBUF_INIT;
	struct rpc_call *c;
	struct rpc_text *t;
	char *exact = xmalloc(len ? len : 1);

	memcpy(exact, s, len);
	p.ctx = &answer;
	t = rpc_text__new(&p, exact, len);
	free(exact);
	CHECK(!t == !!answer.len);
	if (t && hang_up)
		rpc_text__hang_up(t);
	while ((c = waiting)) {
		CHECK(!answer.len);
		waiting = NULL;
		rpc_result(c, json_true());
	}
	CHECK(answer.len);
	strbuf_add(out, answer.buf, answer.len);
	strbuf_free(&answer);
	sh->t.texts++;
}

/* ---- the judge ---- */

#define READ_FLAGS (JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL)

/* What jansson cannot hold, but JSON allows. */
static bool beyond_jansson(const json_error_t *err, const char *text)
{
	return json_error_code(err) == json_error_numeric_overflow ||
	       json_error_code(err) == json_error_stack_overflow ||
	       json_error_code(err) == json_error_null_byte_in_key || strstr(text, "\\u");
}

static bool is_notification(const json_t *call)
{
	const json_t *method = json_object_get(call, "method");
	const char *version = json_string_value(json_object_get(call, "jsonrpc"));

	return version && !strcmp(version, "2.0") &&
	       json_string_length(json_object_get(call, "jsonrpc")) == 3 &&
	       json_string_length(method) > 0 &&
	       strlen(json_string_value(method)) == json_string_length(method) &&
	       !json_object_get(call, "id");
}

/* The id that an answer to this must have: none of an id that is no id. */
static const json_t *id_of(const json_t *call)
{
	const json_t *id = json_object_get(call, "id");

	if (json_is_array(id) || json_is_object(id))
		return NULL;
	if (json_is_string(id) && strlen(json_string_value(id)) != json_string_length(id))
		return NULL;
	return json_is_null(id) ? NULL : id;
}

static void check_answer(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	CHECK(json_is_object(answer) && json_object_size(answer) == 3);
	CHECK(!strcmp(json_string_value(json_object_get(answer, "jsonrpc")), "2.0"));
	CHECK(json_object_get(answer, "id"));
	CHECK(!error == !!json_object_get(answer, "result"));
	if (error) {
		CHECK(json_object_size(error) == 2);
		CHECK(json_is_number(json_object_get(error, "code")));
		CHECK(json_string_length(json_object_get(error, "message")) > 0);
	}
	sh->t.results += !error;
	sh->t.answers++;
}

static void check_calls(const json_t *batch, const json_t *answers)
{
	size_t i, at = 0;
	const json_t *call, *id, *given;

	for (i = 0; i < json_array_size(batch); i++) {
		call = json_array_get(batch, i);
		if (is_notification(call))
			continue;
		id = id_of(call);
		given = json_object_get(json_array_get(answers, at++), "id");
		CHECK(given);
		CHECK(id ? json_equal(id, given) : json_is_null(given));
	}
	CHECK(at == json_array_size(answers));
}

static int error_code(const json_t *answer)
{
	return (int)json_number_value(json_object_get(json_object_get(answer, "error"), "code"));
}

static unsigned depth_of(const json_t *v)
{
	unsigned most = 0, d;
	const char *key;
	json_t *e;
	size_t i;

	if (json_is_array(v))
		json_array_foreach((json_t *)v, i, e)
			most = (d = depth_of(e)) > most ? d : most;
	if (json_is_object(v))
		json_object_foreach((json_t *)v, key, e)
			most = (d = depth_of(e)) > most ? d : most;
	return json_is_array(v) || json_is_object(v) ? most + 1 : 0;
}

/* A text and its answer, which ends in a newline. */
static void judge(const struct strbuf *in, const char *out, size_t len)
{
	json_error_t in_err, out_err;
	json_t *asked = json_loadb(in->buf, in->len, READ_FLAGS, &in_err);
	json_t *answer = len > 1 ? json_loadb(out, len, READ_FLAGS, &out_err) : NULL;
	json_t *one = NULL, *none = json_array();
	size_t i;

	CHECK(out[len - 1] == '\n' && !memchr(out, '\n', len - 1));
	if (len > 1 && !answer) {
		CHECK(beyond_jansson(&out_err, out));
		goto out;
	}
	if (json_is_array(answer)) {
		CHECK(json_array_size(answer) > 0);
		for (i = 0; i < json_array_size(answer); i++)
			check_answer(json_array_get(answer, i));
	} else if (answer) {
		check_answer(answer);
		one = json_pack("[O]", answer);
	} else {
		sh->t.none++;
	}
	if (memchr(in->buf, '\0', in->len)) { /* jansson takes one behind a number */
		CHECK(json_is_object(answer) && error_code(answer) == RPC_PARSE);
		sh->t.parse_errors++;
	} else if (!asked) {
		if (beyond_jansson(&in_err, in->buf))
			goto out;
		CHECK(json_is_object(answer) && error_code(answer) == RPC_PARSE);
		CHECK(json_is_null(json_object_get(answer, "id")));
		sh->t.parse_errors++;
	} else if (depth_of(asked) > RPC_DEPTH_MAX) {
		CHECK(json_is_object(answer) && error_code(answer) == RPC_PARSE);
		sh->t.parse_errors++;
	} else if (!json_is_array(asked)) {
		json_t *batch = json_pack("[O]", asked);

		CHECK(!json_is_array(answer));
		check_calls(batch, one ? one : none);
		json_decref(batch);
	} else if (!json_array_size(asked)) {
		CHECK(json_is_object(answer) && error_code(answer) == RPC_REQUEST);
	} else if (json_array_size(asked) > RPC_BATCH_MAX) {
		CHECK(json_array_size(answer) == 1);
		CHECK(error_code(json_array_get(answer, 0)) == RPC_REQUEST);
	} else {
		CHECK(!answer || json_is_array(answer));
		check_calls(asked, answer ? answer : none);
	}
out:
	json_decref(asked);
	json_decref(answer);
	json_decref(one);
	json_decref(none);
}

/* ---- streams ---- */

/* All that a stream answers; pieces of random size up to max. */
static void stream(const struct strbuf *in, size_t max, uint64_t *r, struct strbuf *out)
{
	struct jsontext_split sp = { 0 };
	struct strbuf text = STRBUF_INIT;
	size_t at = 0, n, from, used;
	enum jsontext_found found = JSONTEXT_MORE;
	char *exact;

	while (at < in->len && found != JSONTEXT_NONE) {
		n = rnd(r) % max + 1;
		if (n > in->len - at)
			n = in->len - at;
		exact = xmalloc(n);
		memcpy(exact, in->buf + at, n);
		found = jsontext_split(&sp, exact, n, &from, &used);
		CHECK(from <= used && used <= n);
		CHECK(found != JSONTEXT_MORE || used == n);
		CHECK(found == JSONTEXT_NONE || used);
		strbuf_add(&text, exact + from, used - from);
		free(exact);
		at += used;
		if (found != JSONTEXT_WHOLE)
			continue;
		ask(text.buf, text.len, false, out);
		strbuf_reset(&text);
		sh->t.pieces++;
	}
	strbuf_addf(out, "%d %zu %zu", found == JSONTEXT_NONE, found == JSONTEXT_NONE ? at : 0,
		    text.len);
	strbuf_free(&text);
}

/* Whole texts among others: each comes out as it went in. */
static void check_stream(const struct seeds *all, uint64_t *r)
{
	struct strbuf in = STRBUF_INIT, whole = STRBUF_INIT, cut = STRBUF_INIT;
	unsigned n = 1 + rnd(r) % 6;

	while (n--) {
		struct strbuf t = invent(all, r);

		if (t.len < NS_MAX)
			strbuf_add(&in, t.buf, t.len);
		strbuf_free(&t);
		if (rnd(r) % 2)
			strbuf_addch(&in, '\n');
	}
	stream(&in, in.len + 1, r, &whole);
	stream(&in, rnd(r) % 2 ? 3 : 40, r, &cut);
	CHECK(whole.len == cut.len && !memcmp(whole.buf, cut.buf, cut.len));
	strbuf_free(&in);
	strbuf_free(&whole);
	strbuf_free(&cut);
}

static void one_input(const struct seeds *all, uint64_t number)
{
	uint64_t r = (number + 1) * 0x9e3779b97f4a7c15ull;
	struct strbuf in, out = STRBUF_INIT;

	in = invent(all, &r);
	ask(in.buf, in.len, rnd(&r) % 4 == 0, &out);
	judge(&in, out.buf, out.len);
	strbuf_free(&in);
	strbuf_free(&out);
	if (number % 4 == 0)
		check_stream(all, &r);
	sh->t.inputs++;
}

/* In a process of its own, that its number is known when it dies. */
static bool run(const struct seeds *all, uint64_t to)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		for (; sh->at < to; sh->at++) {
			alarm(LIMIT_S);
			one_input(all, sh->at);
		}
		exit(0); /* leaks are looked for */
	}
	if (waitpid(pid, &status, 0) == pid && !status)
		return true;
	printf("# %llu: status %#x\n", (unsigned long long)sh->at, status);
	sh->at++;
	return false;
}

int main(int argc, char **argv)
{
	unsigned long long n = 100000, first = 0, to;
	const char *path = "tests/fuzz/rpc-seeds.txt";
	struct seeds all = { 0 };
	unsigned failed = 0;
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "n:s:f:")) != -1) {
		if (c == 'n')
			n = strtoull(optarg, NULL, 0);
		else if (c == 's')
			first = strtoull(optarg, NULL, 0);
		else if (c == 'f')
			path = optarg;
		else
			return 2;
	}
	if (!read_seeds(&all, path)) {
		fprintf(stderr, "fuzz_rpc: no seeds in %s\n", path);
		return 2;
	}
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sh->at = first;
	while (sh->at < first + n) {
		to = sh->at + AT_ONCE < first + n ? sh->at + AT_ONCE : first + n;
		fflush(stdout);
		failed += !run(&all, to);
	}
	printf("%lu inputs from %zu seeds: %lu texts, %lu answers, %lu with a result; "
	       "%lu parse errors, %lu without an answer, %lu texts cut out of streams; failed %u\n",
	       sh->t.inputs, all.cnt, sh->t.texts, sh->t.answers, sh->t.results, sh->t.parse_errors,
	       sh->t.none, sh->t.pieces, failed);
	for (i = 0; i < all.cnt; i++)
		strbuf_free(&all.seed[i]);
	free(all.seed);
	munmap(sh, sizeof(*sh));
	return failed != 0;
}
