/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only door of the encoder: events in, a Go execution trace out, a generation at a time.
 *
 * The caller (the model) decides what is legal; the writer knows only bytes, ids and time. One
 * thread calls it. A second thread, its own, encodes full generations and hands them to the sink,
 * so that a slow file, or the looking up of names, delays the file and nothing else. When too many
 * generations wait for it, the writer says so, and the caller had better bring nothing more until
 * it does not: memory is what bounds the queue.
 */
#ifndef CTRACE_GOTRACE_WRITER_H
#define CTRACE_GOTRACE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotrace/part.h"
#include "gotrace/resolver.h"
#include "gotrace/spec.h"
#include "util/sink.h"

struct trace_writer;
struct batch;

struct trace_writer_opts {
	int go_minor;			/* 22, 23, 25, 26 */
	uint64_t start_ts;		/* CLOCK_MONOTONIC that becomes tick 1000 */
	int64_t wall_offset;		/* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	uint64_t gen_ns;		/* a generation is full after this long; 0: 1 s */
	size_t gen_bytes;		/* … or with so many bytes of batches; 0: 4 MiB */
	struct frame_resolver resolver; /* for trace_writer__addr_frame(); all NULL: none */
	/* takes the bytes of one trace, whole generations, from the writer's thread; after an error
	 * it is not called again, and what was written before must stay readable */
	struct sink sink;
	struct part_sink parts; /* in place of it, for more than one file; take NULL: sink */
};

/* The events of one M. Embedded where the M is kept; may be forgotten at any time. */
struct trace_stream {
	uint64_t m;
	uint64_t gen;	    /* of the open batch; 0 none */
	uint64_t last_tick; /* of its newest event */
	struct batch *batch;
};

struct trace_writer_stats {
	uint64_t bytes; /* handed to the sink with success */
	uint64_t generations;
	uint64_t events; /* put, of all generations */
	int err;	 /* first failure of the sink, -errno */
};

struct trace_writer *trace_writer__new(const struct trace_writer_opts *opts);
/* Do as many generations wait as should? */
bool trace_writer__stalled(struct trace_writer *w);
/* Waits until they do not. */
void trace_writer__wait(struct trace_writer *w);
/* Hands over what is left as the last generation; nothing may be put any more. */
void trace_writer__close(struct trace_writer *w);
/* Has the thread written everything (or failed)? */
bool trace_writer__done(struct trace_writer *w);
/* Gives up a write that does not come to an end; what the sink took before stays. */
void trace_writer__abandon(struct trace_writer *w);
/* Closes where that was not done, waits for the thread. Returns the sink's first error. */
int trace_writer__finish(struct trace_writer *w);
void trace_writer__free(struct trace_writer *w); /* NULL is fine */
/* Safe at any time, from the caller's thread. */
struct trace_writer_stats trace_writer__stats(struct trace_writer *w);

/* ---- generations ---- */

/* Is it time to change? ts: CLOCK_MONOTONIC ns of the next event. */
bool trace_writer__gen_full(const struct trace_writer *w, uint64_t ts);
/*
 * Closes the generation, which ends at ts, and opens the next. Every late frame must have been
 * settled. The caller then repeats the state of every P and G before anything else.
 */
void trace_writer__next_gen(struct trace_writer *w, uint64_t ts);
/*
 * Closes the generation and opens one that is an opening (part.h), at ts; why: EV_CUT_*, what
 * closed it. The caller tells all states as at the begin of a trace, then opens the next.
 */
void trace_writer__opening(struct trace_writer *w, uint64_t ts, uint32_t why);
/* The states with which the open one begins are told: it has as many bytes of events as of them
 * before it is full. */
void trace_writer__states_told(struct trace_writer *w);
/* An id of the open one, of which each is given once. */
uint64_t trace_writer__gen(const struct trace_writer *w);

/* ---- time; see ticks.h ---- */

uint64_t trace_writer__tick(struct trace_writer *w, uint64_t ts);
/* For an event of stream s that is known only now: behind the stream's last one, inside the
 * generation. */
uint64_t trace_writer__tick_late(struct trace_writer *w, const struct trace_stream *s, uint64_t ts);

/* ---- events ---- */

static inline void trace_stream_init(struct trace_stream *s, uint64_t m)
{
	*s = (struct trace_stream){ .m = m };
}

/* Appends an event to a stream; tick is greater than that of the stream's last event. */
void trace_writer__put(struct trace_writer *w, struct trace_stream *s, uint64_t tick, enum go_ev ev,
		       const uint64_t *arg, unsigned narg);

/* How many arguments, 0 to 5. */
#define TRACE_NARG(...) TRACE_NARG_(0, ##__VA_ARGS__, 5, 4, 3, 2, 1, 0)
#define TRACE_NARG_(zero, a, b, c, d, e, n, ...) n

#define trace_put(w, s, tick, ev, ...)                                                \
	trace_writer__put(w, s, tick, ev, (const uint64_t[]){ 0, ##__VA_ARGS__ } + 1, \
			  TRACE_NARG(__VA_ARGS__))

/*
 * A moment at which a thread was seen on a CPU, with what it was doing; stands beside the events
 * and is not checked against them. m: its M; p: P; g: the goroutine, 0 none.
 */
void trace_writer__sample(struct trace_writer *w, uint64_t tick, uint64_t m, uint64_t p, uint64_t g,
			  uint32_t stack);

/* ---- tables of the open generation ---- */

/* Text as it comes; cut and cleaned as strtab.h says. The id is good until the next generation. */
uint32_t trace_writer__string(struct trace_writer *w, const char *text, size_t len);
/* Handles of frames, leaf first; the id is good until the next generation. */
uint32_t trace_writer__stack(struct trace_writer *w, const uint32_t *frame, size_t cnt);

/* A frame, for the whole trace, whose memory it keeps. */
uint32_t trace_writer__frame(struct trace_writer *w, const char *func, const char *file,
			     uint32_t line);
/* A frame for the open generation: what may be another one every time, such as a thread's name. */
uint32_t trace_writer__local_frame(struct trace_writer *w, const char *func, const char *file,
				   uint32_t line);
/*
 * A frame for the open generation that is an address: what functions it stands in is asked of the
 * resolver, from the writer's thread, when the generation is encoded. In a stack it can become
 * several frames.
 */
uint32_t trace_writer__addr_frame(struct trace_writer *w, uint64_t frame);
/* The same, for the outermost frame of a goroutine: never one that viewers hide. */
uint32_t trace_writer__name_frame(struct trace_writer *w, uint64_t frame);
/*
 * A frame whose text is not known yet: a handle for the open generation, to be settled with a real
 * one before it is closed.
 */
uint32_t trace_writer__late_frame(struct trace_writer *w);
void trace_writer__settle(struct trace_writer *w, uint32_t late, uint32_t frame);

#endif
