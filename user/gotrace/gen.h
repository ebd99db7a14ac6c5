/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One generation of a trace: about a second of events with all the strings and stacks that they
 * use, readable without the generations before it. The model's thread fills it; then it is handed
 * over whole to the writer's thread, which encodes it. It is never in two hands.
 */
#ifndef CTRACE_GOTRACE_GEN_H
#define CTRACE_GOTRACE_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotrace/addrtab.h"
#include "gotrace/stacktab.h"
#include "gotrace/strtab.h"
#include "util/arena.h"
#include "util/idset.h"
#include "util/worker.h"

struct frametab;
struct pctab;
struct strbuf;

#define BATCH_EVENT_MAX 64u	/* no event is longer */
#define FRAME_LATE 0x80000000u	/* a frame handle with this bit is an index into gen->late */
#define FRAME_LOCAL 0x40000000u /* … with this one into gen->local */
#define FRAME_ADDR 0x20000000u	/* … with this one an id of gen->addrs; others are a frametab's */
#define FRAME_NAME 0x10000000u	/* beside it: the frame names a goroutine */

/* A run of bytes of one batch. */
struct chunk {
	struct chunk *next;
	uint32_t used, cap;
	uint8_t data[];
};

/* A frame that stands in one generation only: its texts are strings of that one. */
struct local_frame {
	uint32_t func, file, line;
};

/* What a CPU was doing at a moment. */
struct gen_sample {
	uint64_t tick;
	uint64_t m, p, g;
	uint32_t stack;
};

/* Events of one M, in time order. */
struct batch {
	struct batch *next;
	uint64_t m;
	uint64_t tick; /* of its first event */
	uint32_t size;
	struct chunk *first, *last;
};

struct trace_gen {
	struct work work; /* for the writer's thread */
	uint64_t id;	  /* each once; those of streams and caches refer to it */
	uint64_t number;  /* as readers count; an opening has that of the generation before it */
	uint64_t begin_ts, end_ts; /* CLOCK_MONOTONIC */
	uint32_t cut;		   /* why it was closed, 0: it was full, or the last */
	bool opening;
	uint64_t first_tick;
	struct arena arena; /* everything below */
	struct batch *first, *last;
	size_t batch_bytes;
	size_t state_bytes; /* of them, the states with which it begins */
	struct strtab strings;
	struct stacktab stacks;
	struct local_frame *local;
	size_t cap_local;
	struct idset local_ids; /* id - 1 is the index into local */
	struct addrtab addrs;
	struct gen_sample *sample;
	size_t nsample, cap_sample;
	uint32_t *late; /* frame handles, 0 while not settled */
	size_t nlate, cap_late;
};

/* What the bytes depend on besides the generation. */
struct gen_format {
	int go_minor;			       /* 22, 23, 25, 26 */
	uint64_t start_ts;		       /* see ticks.h */
	int64_t wall_offset;		       /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	const struct frame_resolver *resolver; /* NULL: addresses stay numbers */
	struct pctab *pcs;		       /* of the whole trace */
};

void gen_reset(struct trace_gen *g, uint64_t id, uint64_t number);
void gen_free(struct trace_gen *g);

/* Opens a batch of M whose first event has this tick. */
struct batch *gen_open_batch(struct trace_gen *g, uint64_t m, uint64_t tick);
/* Makes room for one more event in the batch; the caller appends to batch->last. */
void gen_grow_batch(struct trace_gen *g, struct batch *b);

/* The handle of a local frame; equal ones have the same. Empty texts become "?". */
uint32_t gen_local_frame(struct trace_gen *g, const char *func, const char *file, uint32_t line);

/* Adds a sample, in any order. */
void gen_add_sample(struct trace_gen *g, const struct gen_sample *s);

/* Appends the bytes of the whole generation to out. */
void gen_encode(struct trace_gen *g, struct frametab *frames, const struct gen_format *fmt,
		struct strbuf *out);

#endif
