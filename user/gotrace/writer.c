// SPDX-License-Identifier: BSD-2-Clause
/*
 * See writer.h. Generations go round: filled by the caller, encoded by the worker, taken back to be
 * filled again.
 */
#include "gotrace/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotrace/frametab.h"
#include "gotrace/gen.h"
#include "gotrace/pctab.h"
#include "gotrace/ticks.h"
#include "gotrace/wire.h"
#include "util/strbuf.h"
#include "util/worker.h"
#include "util/xalloc.h"

/* Generations that should at most wait or be encoded, besides the one that fills; more where names
 * of functions are looked up, which takes seconds when a large program is met first. */
#define QUEUE_MAX 2
#define QUEUE_MAX_ASKING 16
_Static_assert(offsetof(struct trace_gen, work) == 0, "a piece of work is a generation");

#define GEN_NS 1000000000ull
#define GEN_BYTES (4u << 20)

struct trace_writer {
	struct trace_writer_opts opts;
	struct ticks ticks;
	struct frametab *frames;
	struct trace_gen *cur; /* begin_ts 0: no event yet */
	uint64_t last_id;
	uint64_t last_ts; /* of the newest event */
	uint64_t events;

	struct worker *worker;
	struct strbuf out; /* the thread's, as the next */
	struct pctab pcs;
	_Atomic uint64_t bytes, generations;
};

/* ---- the thread ---- */

/* One trace: the header goes ahead of the first generation, and no opening is needed. */
static int to_sink(struct trace_writer *w, const struct trace_part *part)
{
	const char *data = part->data;
	size_t len = part->len;

	if (part->opening)
		return 0;
	if (w->generations)
		data = part_body(part, &len);
	return w->opts.sink.write(w->opts.sink.ctx, data, len);
}

static int emit(void *ctx, struct work *work)
{
	struct trace_gen *g = (struct trace_gen *)work;
	struct trace_writer *w = ctx;
	struct gen_format fmt = {
		.go_minor = w->opts.go_minor,
		.start_ts = w->opts.start_ts,
		.wall_offset = w->opts.wall_offset,
		.resolver = &w->opts.resolver,
		.pcs = &w->pcs,
	};
	struct trace_part part = {
		.number = g->number,
		.begin_ts = g->begin_ts,
		.end_ts = g->end_ts,
		.opening = g->opening,
		.cut = g->cut,
	};
	int err;

	strbuf_reset(&w->out);
	strbuf_addf(&w->out, "go 1.%d trace", w->opts.go_minor);
	strbuf_add(&w->out, "\0\0", TRACE_HEADER_LEN - w->out.len);
	gen_encode(g, w->frames, &fmt, &w->out);
	if (w->opts.resolver.done)
		w->opts.resolver.done(w->opts.resolver.ctx);
	part.data = w->out.buf;
	part.len = w->out.len;
	worker_may_end();
	err = w->opts.parts.take ? w->opts.parts.take(w->opts.parts.ctx, &part) : to_sink(w, &part);
	worker_must_go_on();
	if (err)
		return err;
	if (g->opening)
		return 0;
	w->bytes += w->out.len - (w->generations ? TRACE_HEADER_LEN : 0);
	w->generations++;
	return 0;
}

/* ---- life ---- */

static struct trace_gen *take_gen(struct trace_writer *w, uint64_t number)
{
	struct trace_gen *g = (struct trace_gen *)worker__take_back(w->worker);

	if (!g)
		g = xcalloc(1, sizeof(*g));
	gen_reset(g, ++w->last_id, number);
	return g;
}

struct trace_writer *trace_writer__new(const struct trace_writer_opts *opts)
{
	struct trace_writer *w = xcalloc(1, sizeof(*w));
	int err;

	w->opts = *opts;
	w->out = STRBUF_INIT;
	if (!w->opts.gen_ns)
		w->opts.gen_ns = GEN_NS;
	if (!w->opts.gen_bytes)
		w->opts.gen_bytes = GEN_BYTES;
	w->worker = worker__new(&(struct worker_opts){
		emit, w, opts->resolver.prefetch ? QUEUE_MAX_ASKING : QUEUE_MAX });
	if (!w->worker) {
		err = errno;
		free(w);
		errno = err;
		return NULL;
	}
	ticks_init(&w->ticks, opts->start_ts);
	w->frames = frametab__new();
	w->cur = take_gen(w, 1);
	return w;
}

/* ts: when it ends. */
static void hand_over(struct trace_writer *w, uint64_t ts, uint64_t next)
{
	if (!w->cur->begin_ts)
		w->cur->begin_ts = ts;
	w->cur->end_ts = ts;
	worker__give(w->worker, &w->cur->work);
	w->cur = take_gen(w, next);
	ticks_new_gen(&w->ticks);
}

bool trace_writer__stalled(struct trace_writer *w)
{
	return worker__behind(w->worker);
}

void trace_writer__wait(struct trace_writer *w)
{
	worker__wait(w->worker);
}

void trace_writer__close(struct trace_writer *w)
{
	if (w->cur->first)
		hand_over(w, w->last_ts, w->cur->number + 1);
}

bool trace_writer__done(struct trace_writer *w)
{
	return worker__idle(w->worker);
}

void trace_writer__abandon(struct trace_writer *w)
{
	worker__abandon(w->worker);
}

int trace_writer__finish(struct trace_writer *w)
{
	trace_writer__close(w);
	return worker__finish(w->worker);
}

void trace_writer__free(struct trace_writer *w)
{
	struct work *g;

	if (!w)
		return;
	worker__finish(w->worker);
	while ((g = worker__take_back(w->worker)))
		gen_free((struct trace_gen *)g);
	worker__free(w->worker);
	gen_free(w->cur);
	frametab__free(w->frames);
	ticks_free(&w->ticks);
	pctab_free(&w->pcs);
	strbuf_free(&w->out);
	free(w);
}

struct trace_writer_stats trace_writer__stats(struct trace_writer *w)
{
	return (struct trace_writer_stats){
		.bytes = w->bytes,
		.generations = w->generations,
		.events = w->events,
		.err = worker__error(w->worker),
	};
}

/* ---- generations and time ---- */

bool trace_writer__gen_full(const struct trace_writer *w, uint64_t ts)
{
	uint64_t begin = w->cur->begin_ts;

	if (!begin)
		return false;
	return (w->cur->batch_bytes >= w->opts.gen_bytes &&
		w->cur->batch_bytes >= 2 * w->cur->state_bytes) ||
	       (ts > begin && ts - begin >= w->opts.gen_ns);
}

void trace_writer__next_gen(struct trace_writer *w, uint64_t ts)
{
	hand_over(w, ts, w->cur->number + 1);
}

void trace_writer__opening(struct trace_writer *w, uint64_t ts, uint32_t why)
{
	w->cur->cut = why;
	hand_over(w, ts, w->cur->number);
	w->cur->opening = true;
}

void trace_writer__states_told(struct trace_writer *w)
{
	w->cur->state_bytes = w->cur->batch_bytes;
}

uint64_t trace_writer__gen(const struct trace_writer *w)
{
	return w->cur->id;
}

uint64_t trace_writer__tick(struct trace_writer *w, uint64_t ts)
{
	if (!w->cur->begin_ts)
		w->cur->begin_ts = ts ? ts : 1;
	if (ts > w->last_ts)
		w->last_ts = ts;
	return ticks_next(&w->ticks, ts);
}

uint64_t trace_writer__tick_late(struct trace_writer *w, const struct trace_stream *s, uint64_t ts)
{
	return ticks_late(&w->ticks, ts, s->gen == w->cur->id ? s->last_tick : 0);
}

/* ---- events ---- */

static void open_batch(struct trace_writer *w, struct trace_stream *s, uint64_t tick)
{
	s->batch = gen_open_batch(w->cur, s->m, tick);
	s->gen = w->cur->id;
	s->last_tick = tick;
}

void trace_writer__put(struct trace_writer *w, struct trace_stream *s, uint64_t tick, enum go_ev ev,
		       const uint64_t *arg, unsigned narg)
{
	uint8_t *begin, *p;
	struct batch *b;
	struct chunk *c;
	unsigned i;

	if (s->gen != w->cur->id || s->batch->size > GO_BATCH_MAX - BATCH_EVENT_MAX)
		open_batch(w, s, tick);
	b = s->batch;
	if (b->last->cap - b->last->used < BATCH_EVENT_MAX)
		gen_grow_batch(w->cur, b);
	c = b->last;
	begin = p = c->data + c->used;
	*p++ = (uint8_t)ev;
	p = put_uvarint(p, tick - s->last_tick);
	for (i = 0; i < narg; i++)
		p = put_uvarint(p, arg[i]);
	c->used += (uint32_t)(p - begin);
	b->size += (uint32_t)(p - begin);
	w->cur->batch_bytes += (size_t)(p - begin);
	s->last_tick = tick;
	w->events++;
}

void trace_writer__sample(struct trace_writer *w, uint64_t tick, uint64_t m, uint64_t p, uint64_t g,
			  uint32_t stack)
{
	gen_add_sample(w->cur, &(struct gen_sample){ tick, m, p, g, stack });
	w->events++;
}

/* ---- tables ---- */

uint32_t trace_writer__string(struct trace_writer *w, const char *text, size_t len)
{
	size_t before = w->cur->strings.ids.cnt;
	uint32_t id = strtab_id(&w->cur->strings, &w->cur->arena, text, len);

	if (w->cur->strings.ids.cnt != before) /* texts of logs can be more than all events */
		w->cur->batch_bytes += len;
	return id;
}

uint32_t trace_writer__stack(struct trace_writer *w, const uint32_t *frame, size_t cnt)
{
	return stacktab_id(&w->cur->stacks, &w->cur->arena, frame, cnt);
}

uint32_t trace_writer__frame(struct trace_writer *w, const char *func, const char *file,
			     uint32_t line)
{
	return frametab__id(w->frames, func, file, line);
}

uint32_t trace_writer__local_frame(struct trace_writer *w, const char *func, const char *file,
				   uint32_t line)
{
	return gen_local_frame(w->cur, func, file, line);
}

uint32_t trace_writer__addr_frame(struct trace_writer *w, uint64_t frame)
{
	return FRAME_ADDR | addrtab_id(&w->cur->addrs, frame);
}

uint32_t trace_writer__name_frame(struct trace_writer *w, uint64_t frame)
{
	return FRAME_NAME | trace_writer__addr_frame(w, frame);
}

uint32_t trace_writer__late_frame(struct trace_writer *w)
{
	struct trace_gen *g = w->cur;

	g->late = xgrow(g->late, g->nlate, &g->cap_late, sizeof(*g->late));
	g->late[g->nlate] = 0;
	return FRAME_LATE | (uint32_t)g->nlate++;
}

void trace_writer__settle(struct trace_writer *w, uint32_t late, uint32_t frame)
{
	w->cur->late[late & ~FRAME_LATE] = frame;
}
