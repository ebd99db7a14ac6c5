// SPDX-License-Identifier: BSD-2-Clause
/*
 * See decode.h. Framing first (a generation is a list of batches that point into the data), then
 * the tables of a generation, then single events: each step can be taken without the next, which is
 * what repair needs.
 */
#include "gotrace/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gotrace/wire.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct go_reader {
	const uint8_t *data;
	size_t len;
	size_t off; /* of the next batch */
	unsigned minor;
	bool broken;
	struct go_gen gen;
	size_t batch_cap, string_cap, stack_cap;
	struct strbuf why;
};

bool go_uvarint(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < WIRE_UVARINT_MAX && *p < end; i++) {
		uint8_t b = *(*p)++;

		if (i == WIRE_UVARINT_MAX - 1 && b > 1)
			return false;
		v |= (uint64_t)(b & 0x7f) << (7 * i);
		if (b < 0x80) {
			*out = v;
			return true;
		}
	}
	return false;
}

/* ---- framing ---- */

int go_header(const void *data, size_t len)
{
	static const unsigned minors[] = { 22, 23, 25, 26 };

	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		char head[GO_HEADER_LEN] = "go 1.xx trace";

		head[5] = (char)('0' + minors[i] / 10);
		head[6] = (char)('0' + minors[i] % 10);
		if (len >= sizeof(head) && !memcmp(data, head, sizeof(head)))
			return (int)minors[i];
	}
	return -EINVAL;
}

struct go_reader *go_reader__new(const void *data, size_t len, struct strbuf *why)
{
	int minor = go_header(data, len);
	struct go_reader *r;

	if (minor < 0) {
		strbuf_set_f(why, "not a Go trace of version 1.22, 1.23, 1.25 or 1.26");
		errno = EINVAL;
		return NULL;
	}
	r = xcalloc(1, sizeof(*r));
	r->data = data;
	r->len = len;
	r->off = GO_HEADER_LEN;
	r->minor = (unsigned)minor;
	r->why = (struct strbuf)STRBUF_INIT;
	return r;
}

unsigned go_reader__minor(const struct go_reader *r)
{
	return r->minor;
}

static enum go_batch_kind batch_kind(unsigned minor, const uint8_t *data, size_t len)
{
	switch (len ? data[0] : GO_EV_NONE) {
	case GO_EV_STRINGS:
		return GO_BATCH_STRINGS;
	case GO_EV_STACKS:
		return GO_BATCH_STACKS;
	case GO_EV_CPU_SAMPLES:
		return GO_BATCH_SAMPLES;
	case GO_EV_FREQUENCY:
		return minor < 25 ? GO_BATCH_SYNC : GO_BATCH_EVENTS;
	case GO_EV_SYNC:
		return minor >= 25 ? GO_BATCH_SYNC : GO_BATCH_EVENTS;
	default:
		return GO_BATCH_EVENTS;
	}
}

/*
 * Reads the batch at *p, which moves behind it when it is whole. NULL, or what is wrong; *gen is
 * set even then when it could be read.
 */
static const char *read_batch(const struct go_reader *r, const uint8_t **p, struct go_batch *b,
			      uint64_t *gen)
{
	const uint8_t *at = *p, *end = r->data + r->len;
	bool experiment = *at == GO_EV_EXPERIMENTAL_BATCH;
	uint64_t size;

	if (*at != GO_EV_EVENT_BATCH && !(experiment && r->minor >= 23))
		return "no batch begins";
	if (experiment && end - at < 2)
		return "the head of a batch is cut off or wrong";
	at += experiment ? 2 : 1; /* the number of the experiment is a byte */
	if (!go_uvarint(&at, end, gen) || !go_uvarint(&at, end, &b->m) ||
	    !go_uvarint(&at, end, &b->time) || !go_uvarint(&at, end, &size))
		return "the head of a batch is cut off or wrong";
	if (size > GO_BATCH_MAX)
		return "a batch is too large";
	if (size > (size_t)(end - at))
		return "a batch is cut off";
	b->data = at;
	b->len = (size_t)size;
	b->kind = experiment ? GO_BATCH_EXPERIMENT : batch_kind(r->minor, at, b->len);
	*p = at + size;
	return NULL;
}

int go_reader__next(struct go_reader *r, struct go_gen **out)
{
	struct go_gen *g = &r->gen;
	uint64_t last = g->number;
	const char *wrong = NULL;

	*out = g;
	g->minor = r->minor;
	g->number = 0;
	g->start = g->end = r->off;
	g->whole = false;
	g->nbatch = g->nstring = g->nstack = 0;
	g->sync = (struct go_sync){ 0 };
	if (r->broken)
		return -EINVAL;
	if (r->off == r->len)
		return 0;

	while (r->off < r->len) {
		const uint8_t *p = r->data + r->off;
		struct go_batch b;
		uint64_t number = 0;

		if (*p == GO_EV_END_OF_GENERATION && r->minor >= 26) {
			if (!g->nbatch) {
				wrong = "a generation without batches ends";
				break;
			}
			g->whole = true;
			g->end = ++r->off;
			return 1;
		}
		wrong = read_batch(r, &p, &b, &number);
		if (g->nbatch && number && number == g->number + 1 && r->minor < 26) {
			g->whole = true; /* what may be wrong is the next one's */
			return 1;
		}
		if (wrong)
			break;
		if (!number || (g->nbatch ? number != g->number : last && number != last + 1)) {
			wrong = "generations are out of order";
			break;
		}
		g->batch = xgrow(g->batch, g->nbatch, &r->batch_cap, sizeof(*g->batch));
		g->batch[g->nbatch++] = b;
		g->number = number;
		r->off = g->end = (size_t)(p - r->data);
	}
	if (!wrong && r->minor < 26)
		return 1; /* may be whole; the framing cannot tell */
	r->broken = true;
	strbuf_set_f(&r->why, "%s at byte %zu", wrong ? wrong : "the last generation does not end",
		     r->off);
	return -EINVAL;
}

const char *go_reader__why(const struct go_reader *r)
{
	return r->why.buf;
}

void go_reader__free(struct go_reader *r)
{
	if (!r)
		return;
	free(r->gen.batch);
	free(r->gen.string);
	free(r->gen.stack);
	strbuf_free(&r->why);
	free(r);
}

/* ---- tables ---- */

static const char *read_strings(struct go_reader *r, const struct go_batch *b)
{
	const uint8_t *p = b->data + 1, *end = b->data + b->len;
	struct go_gen *g = &r->gen;

	while (p < end) {
		struct go_string s;
		uint64_t len;

		if (*p++ != GO_EV_STRING)
			return "a table of strings has something else in it";
		if (!go_uvarint(&p, end, &s.id) || !go_uvarint(&p, end, &len))
			return "a table of strings is cut off";
		if (len > GO_STRING_MAX || len > (size_t)(end - p))
			return "a string is too long";
		if (!s.id)
			return "string 0 is defined";
		s.text = (const char *)p;
		s.len = (size_t)len;
		p += len;
		g->string = xgrow(g->string, g->nstring, &r->string_cap, sizeof(*g->string));
		g->string[g->nstring++] = s;
	}
	return NULL;
}

static const char *read_stacks(struct go_reader *r, const struct go_batch *b)
{
	const uint8_t *p = b->data + 1, *end = b->data + b->len;
	struct go_gen *g = &r->gen;

	while (p < end) {
		struct go_stack s;
		uint64_t n, v;

		if (*p++ != GO_EV_STACK)
			return "a table of stacks has something else in it";
		if (!go_uvarint(&p, end, &s.id) || !go_uvarint(&p, end, &n))
			return "a table of stacks is cut off";
		if (n > GO_FRAMES_MAX)
			return "a stack is too deep";
		if (!s.id)
			return "stack 0 is defined";
		s.frames = p;
		s.nframe = (size_t)n;
		for (n *= 4; n; n--)
			if (!go_uvarint(&p, end, &v))
				return "a table of stacks is cut off";
		s.end = p;
		g->stack = xgrow(g->stack, g->nstack, &r->stack_cap, sizeof(*g->stack));
		g->stack[g->nstack++] = s;
	}
	return NULL;
}

/* Frequency alone, or Sync with Frequency and ClockSnapshot in any order, each once. */
static const char *read_sync(struct go_gen *g, const struct go_batch *b)
{
	const uint8_t *p = b->data, *end = b->data + b->len;
	struct go_sync *sy = &g->sync;
	uint64_t dt;

	if (sy->found)
		return "a generation has two sync batches";
	sy->found = true;
	if (g->minor >= 25)
		p++;
	while (p < end) {
		uint8_t type = *p++;

		if (type == GO_EV_FREQUENCY && !sy->freq) {
			if (!go_uvarint(&p, end, &sy->freq) || !sy->freq)
				return "the frequency is wrong";
		} else if (type == GO_EV_CLOCK_SNAPSHOT && g->minor >= 25 && !sy->clock) {
			if (!go_uvarint(&p, end, &dt) || !go_uvarint(&p, end, &sy->mono) ||
			    !go_uvarint(&p, end, &sy->sec) || !go_uvarint(&p, end, &sy->nsec) ||
			    __builtin_add_overflow(b->time, dt, &sy->time))
				return "the clock snapshot is wrong";
			sy->clock = true;
		} else {
			return "a sync batch has something else in it";
		}
	}
	if (!sy->freq || (g->minor >= 25 && !sy->clock))
		return "a sync batch lacks its frequency or clock";
	return NULL;
}

static int by_string_id(const void *a, const void *b)
{
	uint64_t x = ((const struct go_string *)a)->id, y = ((const struct go_string *)b)->id;

	return (x > y) - (x < y);
}

static int by_stack_id(const void *a, const void *b)
{
	uint64_t x = ((const struct go_stack *)a)->id, y = ((const struct go_stack *)b)->id;

	return (x > y) - (x < y);
}

int go_gen_tables(struct go_reader *r, struct strbuf *why)
{
	struct go_gen *g = &r->gen;
	const char *wrong = NULL;

	g->nstring = g->nstack = 0;
	g->sync = (struct go_sync){ 0 };
	for (size_t i = 0; i < g->nbatch && !wrong; i++) {
		const struct go_batch *b = &g->batch[i];

		if (b->kind == GO_BATCH_STRINGS)
			wrong = read_strings(r, b);
		else if (b->kind == GO_BATCH_STACKS)
			wrong = read_stacks(r, b);
		else if (b->kind == GO_BATCH_SYNC)
			wrong = read_sync(g, b);
	}
	if (g->nstring)
		qsort(g->string, g->nstring, sizeof(*g->string), by_string_id);
	if (g->nstack)
		qsort(g->stack, g->nstack, sizeof(*g->stack), by_stack_id);
	for (size_t i = 1; i < g->nstring && !wrong; i++)
		if (g->string[i].id == g->string[i - 1].id)
			wrong = "a string is defined twice";
	for (size_t i = 1; i < g->nstack && !wrong; i++)
		if (g->stack[i].id == g->stack[i - 1].id)
			wrong = "a stack is defined twice";
	if (!wrong && !g->sync.found)
		wrong = "a generation has no sync batch";
	if (!wrong)
		return 0;
	strbuf_set_f(why, "generation %llu: %s", (unsigned long long)g->number, wrong);
	return -EINVAL;
}

const struct go_string *go_gen_string(const struct go_gen *gen, uint64_t id)
{
	static const struct go_string empty = { .text = "" };
	struct go_string key = { .id = id };

	if (!id)
		return &empty;
	if (!gen->nstring)
		return NULL;
	return bsearch(&key, gen->string, gen->nstring, sizeof(key), by_string_id);
}

const struct go_stack *go_gen_stack(const struct go_gen *gen, uint64_t id)
{
	static const struct go_stack none;
	struct go_stack key = { .id = id };

	if (!id)
		return &none;
	if (!gen->nstack)
		return NULL;
	return bsearch(&key, gen->stack, gen->nstack, sizeof(key), by_stack_id);
}

size_t go_stack_frames(const struct go_stack *st, struct go_frame *out)
{
	const uint8_t *p = st->frames;

	for (size_t i = 0; i < st->nframe; i++)
		if (!go_uvarint(&p, st->end, &out[i].pc) ||
		    !go_uvarint(&p, st->end, &out[i].func) ||
		    !go_uvarint(&p, st->end, &out[i].file) ||
		    !go_uvarint(&p, st->end, &out[i].line))
			return i; /* cannot be: the table was read through */
	return st->nframe;
}

/* ---- events ---- */

void go_cursor_init(struct go_cursor *c, const struct go_gen *gen, const struct go_batch *b)
{
	c->gen = gen;
	c->batch = b;
	c->p = b->data;
	c->end = b->data + b->len;
	c->time = b->time;
	c->why = "";
	if (b->kind == GO_BATCH_SAMPLES)
		c->p++;
	else if (b->kind != GO_BATCH_EVENTS)
		c->p = c->end;
}

static int broken(struct go_cursor *c, const char *why)
{
	c->p = c->end;
	c->why = why;
	return -EINVAL;
}

int go_cursor_next(struct go_cursor *c, struct go_event *ev)
{
	bool sample = c->batch->kind == GO_BATCH_SAMPLES;
	uint64_t dt = 0;

	if (c->p >= c->end)
		return *c->why ? -EINVAL : 0;
	ev->type = *c->p++;
	ev->spec = go_ev_spec_at(ev->type, c->gen->minor);
	if (!ev->spec ||
	    (sample ? ev->type != GO_EV_CPU_SAMPLE :
		      ev->spec->shape != GO_SHAPE_TIMED || ev->type == GO_EV_CLOCK_SNAPSHOT))
		return broken(c, "an event that does not belong into its batch");
	if (!sample && !go_uvarint(&c->p, c->end, &dt))
		return broken(c, "an event is cut off");
	for (unsigned i = 0; i < ev->spec->narg; i++)
		if (!go_uvarint(&c->p, c->end, &ev->arg[i]))
			return broken(c, "an event is cut off");
	if (__builtin_add_overflow(c->time, dt, &c->time))
		return broken(c, "the time of an event does not fit");
	ev->time = sample ? ev->arg[0] : c->time;
	ev->m = sample ? ev->arg[1] : c->batch->m;
	return 1;
}
