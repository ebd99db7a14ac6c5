// SPDX-License-Identifier: BSD-2-Clause
/*
 * See rpc.h. A text is taken apart at once: each of its calls has its method and its parameters, or
 * what is wrong with it. Then they are run one behind the other, as geth does; one that is answered
 * later has the others wait.
 */
#include "rpc/rpc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/jsontext.h"
#include "util/json.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct rpc_call {
	struct rpc_text *text;
	char *id;    /* as it was written; NULL: there is none, or it is no id */
	bool silent; /* a notification */
	const struct rpc_method *method; /* NULL: the sentence says why */
	json_t *params;			 /* an array */
	enum rpc_code code;
	char *sentence;
	void (*hang_up)(void *ctx);
	void *hang_up_ctx;
};

struct rpc_text {
	struct rpc_peer peer;
	struct rpc_call *call;
	size_t ncall, cap, now; /* now: the one that runs */
	bool batch;
	bool gone, hung_up;
	bool in_method; /* fn() of the one that runs has not returned */
	bool answered;	/* … and has answered */
	struct strbuf out;
	size_t nout;
};

/* ---- answers ---- */

static void answer_begin(struct rpc_text *t, const char *id)
{
	strbuf_addstr(&t->out, t->nout ? "," : t->batch ? "[" : "");
	t->nout++;
	strbuf_addf(&t->out, "{\"jsonrpc\":\"2.0\",\"id\":%s,", id ? id : "null");
}

static void answer_error(struct rpc_text *t, const char *id, enum rpc_code code,
			 const char *sentence)
{
	answer_begin(t, id);
	strbuf_addf(&t->out, "\"error\":{\"code\":%d,\"message\":", code);
	json_quote(&t->out, sentence);
	strbuf_addstr(&t->out, "}}");
}

static void answer_result(struct rpc_text *t, const char *id, const json_t *result)
{
	char *s = result ? json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (result && !s) { /* a text in it that is no UTF-8 */
		answer_error(t, id, RPC_INTERNAL, "the result cannot be told in JSON");
		return;
	}
	answer_begin(t, id);
	strbuf_addf(&t->out, "\"result\":%s}", s ? s : "null");
	free(s);
}

static void refuse(struct rpc_call *c, enum rpc_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct rpc_call *c, enum rpc_code code, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_addv(&sb, fmt, ap);
	va_end(ap);
	free(c->sentence);
	c->code = code;
	c->sentence = xstrdup(sb.buf);
	c->method = NULL;
	strbuf_free(&sb);
}

/* ---- taking a text apart ---- */

static const struct rpc_method *find_method(const struct rpc_method *m, const char *name)
{
	for (; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

static const char *param_trouble(const json_error_t *err)
{
	switch (json_error_code(err)) {
	case json_error_numeric_overflow:
		return "a number is too large";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a text has a NUL in it";
	default: /* well-formed as it is */
		return "a text is no Unicode";
	}
}

/* Positions only: names of parameters are not known outside. */
static void read_params(struct rpc_call *c, struct jsontext params)
{
	struct jsontext_walk w = jsontext_walk(params);
	struct jsontext t;
	json_error_t err;
	unsigned i;
	json_t *v;

	if (params.s && *params.s != '[' && *params.s != 'n') {
		refuse(c, RPC_PARAMS, "non-array args");
		return;
	}
	for (i = 0; jsontext_next(&w, NULL, &t); i++) {
		if (i == c->method->max) {
			refuse(c, RPC_PARAMS, "too many arguments, want at most %u",
			       c->method->max);
			return;
		}
		v = json_loadb(t.s, t.len, JSON_DECODE_ANY, &err);
		if (!v) {
			refuse(c, RPC_PARAMS, "invalid argument %u: %s", i, param_trouble(&err));
			return;
		}
		json_array_append_new(c->params, v);
	}
	for (i = 0; i < c->method->min; i++)
		if (!json_array_get(c->params, i) || json_is_null(json_array_get(c->params, i))) {
			refuse(c, RPC_PARAMS, "missing value for required argument %u", i);
			return;
		}
}

/* The id's text goes out again, so it has to be one that everybody can read. */
static void read_id(struct rpc_call *c, struct jsontext id)
{
	char *s = NULL;

	if (!id.s || *id.s == '{' || *id.s == '[')
		return;
	if (*id.s == '"') {
		s = jsontext_string(id);
		if (!s)
			return;
		free(s);
	}
	c->id = xmalloc(id.len + 1);
	memcpy(c->id, id.s, id.len);
	c->id[id.len] = '\0';
}

struct request {
	struct jsontext version, id, method, params;
};

/* Of a name that comes twice the last one counts, as everywhere. */
static struct request read_request(struct jsontext object)
{
	struct jsontext_walk w = jsontext_walk(object);
	struct request rq = { 0 };
	struct jsontext name, value;
	char *s;

	if (*object.s != '{')
		return rq;
	while (jsontext_next(&w, &name, &value)) {
		s = jsontext_string(name);
		if (!s)
			continue;
		if (!strcmp(s, "jsonrpc"))
			rq.version = value;
		else if (!strcmp(s, "id"))
			rq.id = value;
		else if (!strcmp(s, "method"))
			rq.method = value;
		else if (!strcmp(s, "params"))
			rq.params = value;
		free(s);
	}
	return rq;
}

static void read_call(struct rpc_text *t, struct jsontext object)
{
	struct request rq = read_request(object);
	char *version = rq.version.s ? jsontext_string(rq.version) : NULL;
	char *method = rq.method.s ? jsontext_string(rq.method) : NULL;
	struct rpc_call *c;

	t->call = xgrow(t->call, t->ncall, &t->cap, sizeof(*t->call));
	c = &t->call[t->ncall++];
	*c = (struct rpc_call){ .text = t, .params = json_array() };
	read_id(c, rq.id);
	if (!version || strcmp(version, "2.0") || !method || !*method || (rq.id.s && !c->id)) {
		refuse(c, RPC_REQUEST, "invalid request");
	} else {
		c->silent = !rq.id.s;
		c->method = find_method(t->peer.methods, method);
		if (c->method)
			read_params(c, rq.params);
		else
			refuse(c, RPC_METHOD, "the method %s does not exist/is not available",
			       method);
	}
	free(version);
	free(method);
}

/* The id of the first that has one: whoever waits for it gets the error. */
static void refuse_batch(struct rpc_text *t, struct jsontext all)
{
	struct rpc_call c = { .text = t };
	struct jsontext_walk w = jsontext_walk(all);
	struct jsontext object;

	while (!c.id && jsontext_next(&w, NULL, &object))
		read_id(&c, read_request(object).id);
	answer_error(t, c.id, RPC_REQUEST, "batch too large");
	free(c.id);
}

static void read_batch(struct rpc_text *t, struct jsontext all)
{
	struct jsontext_walk w = jsontext_walk(all);
	struct jsontext object;
	size_t n;

	for (n = 0; n <= RPC_BATCH_MAX && jsontext_next(&w, NULL, &object); n++)
		;
	if (!n) {
		answer_error(t, NULL, RPC_REQUEST, "empty batch");
		return;
	}
	t->batch = true;
	if (n > RPC_BATCH_MAX) {
		refuse_batch(t, all);
		return;
	}
	for (w = jsontext_walk(all); jsontext_next(&w, NULL, &object);)
		read_call(t, object);
}

static void read_text(struct rpc_text *t, const char *text, size_t len)
{
	struct jsontext all;
	int err;

	if (len > RPC_TEXT_MAX) {
		answer_error(t, NULL, RPC_REQUEST, "request too large");
		return;
	}
	err = jsontext_check(text, len, RPC_DEPTH_MAX, &all);
	if (err == -E2BIG)
		answer_error(t, NULL, RPC_PARSE, "parse error: nested too deep");
	else if (err)
		answer_error(t, NULL, RPC_PARSE, "parse error");
	else if (*all.s == '[')
		read_batch(t, all);
	else
		read_call(t, all);
}

/* ---- running it ---- */

static void text_free(struct rpc_text *t)
{
	size_t i;

	for (i = 0; i < t->ncall; i++) {
		free(t->call[i].id);
		free(t->call[i].sentence);
		json_decref(t->call[i].params);
	}
	free(t->call);
	strbuf_free(&t->out);
	free(t);
}

/* Until one has to be waited for. True: all are answered, and the text is gone. */
static bool run(struct rpc_text *t)
{
	struct rpc_call *c;

	/* What has not begun when nobody is there any more does not begin. */
	for (; t->now < t->ncall && !t->gone; t->now++) {
		c = &t->call[t->now];
		if (t->out.len > RPC_REPLY_MAX)
			refuse(c, RPC_TOO_LARGE, "response too large");
		if (!c->method) {
			if (!c->silent)
				answer_error(t, c->id, c->code, c->sentence);
			continue;
		}
		t->in_method = true;
		t->answered = false;
		c->method->fn(c);
		t->in_method = false;
		t->peer.nfd = 0;
		if (!t->answered)
			return false;
	}
	if (t->batch && t->nout)
		strbuf_addch(&t->out, ']');
	if (!t->gone)
		t->peer.done(t->peer.ctx, t->nout ? t->out.buf : NULL, t->out.len);
	text_free(t);
	return true;
}

struct rpc_text *rpc_text__new(const struct rpc_peer *peer, const char *text, size_t len)
{
	struct rpc_text *t = xcalloc(1, sizeof(*t));

	t->peer = *peer;
	t->out = STRBUF_INIT;
	read_text(t, text, len);
	if (t->batch) /* whose would they be? */
		t->peer.nfd = 0;
	return run(t) ? NULL : t;
}

static void hang_up(struct rpc_text *t)
{
	const struct rpc_call *c = &t->call[t->now];

	if (c->hang_up)
		c->hang_up(c->hang_up_ctx);
}

void rpc_text__hang_up(struct rpc_text *t)
{
	if (t->hung_up)
		return;
	t->hung_up = true;
	hang_up(t);
}

void rpc_text__let_go(struct rpc_text *t)
{
	t->gone = true;
	hang_up(t); /* it may be answered by that, and be no more */
}

/* ---- for methods ---- */

const json_t *rpc_param(const struct rpc_call *call, unsigned nth)
{
	const json_t *v = json_array_get(call->params, nth);

	return json_is_null(v) ? NULL : v;
}

const struct caller *rpc_caller(const struct rpc_call *call)
{
	return &call->text->peer.caller;
}

void *rpc_service(const struct rpc_call *call)
{
	return call->text->peer.service;
}

int rpc_fd(const struct rpc_call *call, unsigned nth)
{
	const struct rpc_peer *p = &call->text->peer;

	return nth < p->nfd ? p->fd[nth] : -1;
}

void rpc_on_hang_up(struct rpc_call *call, void (*fn)(void *ctx), void *ctx)
{
	call->hang_up = fn;
	call->hang_up_ctx = ctx;
}

static void answered(struct rpc_call *call)
{
	struct rpc_text *t = call->text;

	t->answered = true;
	if (t->in_method)
		return;
	t->now++;
	run(t);
}

void rpc_result(struct rpc_call *call, json_t *result)
{
	if (!call->silent)
		answer_result(call->text, call->id, result);
	json_decref(result);
	answered(call);
}

void rpc_error(struct rpc_call *call, enum rpc_code code, const char *message)
{
	if (!call->silent)
		answer_error(call->text, call->id, code, message);
	answered(call);
}

void rpc_bad_param(struct rpc_call *call, unsigned nth, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;

	strbuf_addf(&sb, "invalid argument %u: ", nth);
	va_start(ap, fmt);
	strbuf_addv(&sb, fmt, ap);
	va_end(ap);
	rpc_error(call, RPC_PARAMS, sb.buf);
	strbuf_free(&sb);
}
