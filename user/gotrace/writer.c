// SPDX-License-Identifier: BSD-2-Clause
/*
 * See writer.h. Generations go round: idle list -> filled by the caller -> queue -> encoded by the thread -> idle
 * list. The lock guards the two lists and the results, never the content of a generation.
 */
#include "gotrace/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotrace/frametab.h"
#include "gotrace/gen.h"
#include "gotrace/ticks.h"
#include "gotrace/wire.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define QUEUE_MAX \
	2 /* generations that should at most wait or be encoded, besides the one that fills */
#define GEN_NS 1000000000ull
#define GEN_BYTES (4u << 20)

struct trace_writer {
	struct trace_writer_opts opts;
	struct ticks ticks;
	struct frametab *frames;
	struct trace_gen *cur;
	uint64_t gen_begin_ts; /* ts of the first event of cur, 0 none yet */
	uint64_t events;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* any of the below */
	struct trace_gen *queue, **queue_end;
	unsigned nbusy; /* generations in the queue or with the thread */
	struct trace_gen *idle;
	bool closing, joined;
	struct trace_writer_stats stats;
};

/* ---- the thread ---- */

static int emit(struct trace_writer *w, struct trace_gen *g, struct strbuf *out)
{
	struct gen_format fmt = {
		.go_minor = w->opts.go_minor,
		.start_ts = w->opts.start_ts,
		.wall_offset = w->opts.wall_offset,
	};
	int err;

	strbuf_reset(out);
	if (!w->stats.generations) {
		strbuf_addf(out, "go 1.%d trace", w->opts.go_minor);
		strbuf_add(out, "\0\0", 3); /* the header is 16 bytes */
	}
	gen_encode(g, w->frames, &fmt, out);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	err = w->opts.sink.write(w->opts.sink.ctx, out->buf, out->len);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return err;
}

static void *encode_thread(void *arg)
{
	struct strbuf out = STRBUF_INIT;
	struct trace_writer *w = arg;
	struct trace_gen *g;
	int err;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->queue && !w->closing)
			pthread_cond_wait(&w->changed, &w->lock);
		g = w->queue;
		if (!g)
			break;
		w->queue = g->next;
		if (!w->queue)
			w->queue_end = &w->queue;
		err = w->stats.err;
		pthread_mutex_unlock(&w->lock);

		if (!err)
			err = emit(w, g, &out);

		pthread_mutex_lock(&w->lock);
		if (!err) {
			w->stats.bytes += out.len;
			w->stats.generations++;
		} else if (!w->stats.err) {
			w->stats.err = err;
		}
		g->next = w->idle;
		w->idle = g;
		w->nbusy--;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	strbuf_free(&out);
	return NULL;
}

/* ---- life ---- */

static struct trace_gen *take_idle(struct trace_writer *w, uint64_t number)
{
	struct trace_gen *g = w->idle;

	if (g)
		w->idle = g->next;
	else
		g = xcalloc(1, sizeof(*g));
	gen_reset(g, number);
	g->next = NULL;
	return g;
}

struct trace_writer *trace_writer__new(const struct trace_writer_opts *opts)
{
	struct trace_writer *w = xcalloc(1, sizeof(*w));
	sigset_t all, old;
	int err;

	w->opts = *opts;
	if (!w->opts.gen_ns)
		w->opts.gen_ns = GEN_NS;
	if (!w->opts.gen_bytes)
		w->opts.gen_bytes = GEN_BYTES;
	ticks_init(&w->ticks, opts->start_ts);
	w->frames = frametab__new();
	w->cur = take_idle(w, 1);
	w->queue_end = &w->queue;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);

	sigfillset(&all); /* signals are the main loop's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, encode_thread, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		w->joined = true;
		trace_writer__free(w);
		errno = err;
		return NULL;
	}
	return w;
}

static void join(struct trace_writer *w)
{
	if (w->joined)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->joined = true;
}

static void hand_over(struct trace_writer *w)
{
	struct trace_gen *g = w->cur;

	pthread_mutex_lock(&w->lock);
	w->nbusy++;
	*w->queue_end = g;
	w->queue_end = &g->next;
	w->cur = take_idle(w, g->number + 1);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

bool trace_writer__stalled(struct trace_writer *w)
{
	bool stalled;

	pthread_mutex_lock(&w->lock);
	stalled = w->nbusy >= QUEUE_MAX && !w->stats.err;
	pthread_mutex_unlock(&w->lock);
	return stalled;
}

void trace_writer__wait(struct trace_writer *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->nbusy >= QUEUE_MAX && !w->stats.err)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void trace_writer__close(struct trace_writer *w)
{
	if (!w->joined && w->cur->first)
		hand_over(w);
}

bool trace_writer__done(struct trace_writer *w)
{
	bool done;

	pthread_mutex_lock(&w->lock);
	done = !w->nbusy;
	pthread_mutex_unlock(&w->lock);
	return done;
}

/* The thread may be stopped in the sink's write(2) alone, where it holds no lock. */
void trace_writer__abandon(struct trace_writer *w)
{
	if (w->joined)
		return;
	pthread_cancel(w->thread);
	pthread_join(w->thread, NULL);
	w->joined = true;
	if (!w->stats.err)
		w->stats.err = -ECANCELED;
}

int trace_writer__finish(struct trace_writer *w)
{
	trace_writer__close(w);
	join(w);
	return w->stats.err;
}

void trace_writer__free(struct trace_writer *w)
{
	struct trace_gen *g;

	if (!w)
		return;
	join(w);
	while ((g = w->idle)) {
		w->idle = g->next;
		gen_free(g);
	}
	gen_free(w->cur);
	frametab__free(w->frames);
	ticks_free(&w->ticks);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct trace_writer_stats trace_writer__stats(struct trace_writer *w)
{
	struct trace_writer_stats s;

	pthread_mutex_lock(&w->lock);
	s = w->stats;
	pthread_mutex_unlock(&w->lock);
	s.events = w->events;
	return s;
}

/* ---- generations and time ---- */

bool trace_writer__gen_full(const struct trace_writer *w, uint64_t ts)
{
	if (!w->gen_begin_ts)
		return false;
	return w->cur->batch_bytes >= w->opts.gen_bytes ||
	       (ts > w->gen_begin_ts && ts - w->gen_begin_ts >= w->opts.gen_ns);
}

void trace_writer__next_gen(struct trace_writer *w)
{
	hand_over(w);
	ticks_new_gen(&w->ticks);
	w->gen_begin_ts = 0;
}

uint64_t trace_writer__gen(const struct trace_writer *w)
{
	return w->cur->number;
}

uint64_t trace_writer__tick(struct trace_writer *w, uint64_t ts)
{
	if (!w->gen_begin_ts)
		w->gen_begin_ts = ts ? ts : 1;
	return ticks_next(&w->ticks, ts);
}

uint64_t trace_writer__tick_late(struct trace_writer *w, const struct trace_stream *s, uint64_t ts)
{
	return ticks_late(&w->ticks, ts, s->gen == w->cur->number ? s->last_tick : 0);
}

/* ---- events ---- */

static void open_batch(struct trace_writer *w, struct trace_stream *s, uint64_t tick)
{
	s->batch = gen_open_batch(w->cur, s->m, tick);
	s->gen = w->cur->number;
	s->last_tick = tick;
}

void trace_writer__put(struct trace_writer *w, struct trace_stream *s, uint64_t tick, enum go_ev ev,
		       const uint64_t *arg, unsigned narg)
{
	uint8_t *begin, *p;
	struct batch *b;
	struct chunk *c;
	unsigned i;

	if (s->gen != w->cur->number || s->batch->size > GO_BATCH_MAX - BATCH_EVENT_MAX)
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

/* ---- tables ---- */

uint32_t trace_writer__string(struct trace_writer *w, const char *text, size_t len)
{
	return strtab_id(&w->cur->strings, &w->cur->arena, text, len);
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
