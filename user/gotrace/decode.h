/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Go execution trace read back: generations, their tables, and the events of each batch. For the
 * text form, for repair and for tests; it knows the framing of headers 1.22, 1.23, 1.25 and 1.26
 * and nothing of what events mean.
 *
 *	r = go_reader__new(data, len, &why);
 *	while (go_reader__next(r, &gen) > 0)
 *		for (i = 0; i < gen->nbatch; i++)
 *			for (go_cursor_init(&c, gen, &gen->batch[i]); go_cursor_next(&c, &ev) > 0;)
 *				…
 *
 * The input may be hostile: every length and every number is checked against its bounds, and memory
 * grows with the file only. The data stay the caller's and must outlive the reader; everything
 * handed out points into them or belongs to the reader, and a generation is valid until the next
 * call of go_reader__next().
 */
#ifndef CTRACE_GOTRACE_DECODE_H
#define CTRACE_GOTRACE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotrace/spec.h"

struct strbuf;
struct go_reader;

enum go_batch_kind {
	GO_BATCH_EVENTS = 0,
	GO_BATCH_STRINGS = 1,
	GO_BATCH_STACKS = 2,
	GO_BATCH_SAMPLES = 3,
	GO_BATCH_SYNC = 4,
	GO_BATCH_EXPERIMENT = 5, /* of a Go program; its bytes are not looked at */
};

struct go_batch {
	uint64_t m; /* GO_NO_THREAD: none */
	uint64_t time;
	const uint8_t *data;
	size_t len;
	enum go_batch_kind kind;
};

struct go_string {
	uint64_t id;
	const char *text; /* not NUL-terminated */
	size_t len;
};

struct go_stack {
	uint64_t id;
	const uint8_t *frames; /* encoded; see go_stack_frames() */
	const uint8_t *end;
	size_t nframe;
};

struct go_frame {
	uint64_t pc, func, file, line; /* func and file: string ids */
};

struct go_sync {
	bool found, clock; /* clock: the snapshot is there (header 1.25 and later) */
	uint64_t freq;
	uint64_t time, mono, sec, nsec;
};

struct go_gen {
	unsigned minor; /* of the file's header */
	uint64_t number;
	size_t start,
		end; /* offsets in the file; end is behind the last whole batch or the end mark */
	bool whole; /* closed: by the end mark (1.26), or by the first batch of the next (before) */
	struct go_batch *batch; /* in file order */
	size_t nbatch;
	/* filled by go_gen_tables() */
	struct go_sync sync;
	struct go_string *string; /* by id */
	size_t nstring;
	struct go_stack *stack; /* by id */
	size_t nstack;
};

struct go_event {
	unsigned type; /* enum go_ev */
	const struct go_ev_spec *spec;
	uint64_t m;
	uint64_t time;
	uint64_t arg[GO_ARGS_MAX]; /* spec->narg of them */
};

struct go_cursor {
	const struct go_gen *gen;
	const struct go_batch *batch;
	const uint8_t *p, *end;
	uint64_t time;
	const char *why; /* after -EINVAL: what is wrong */
};

/* The next number at *p, which moves behind it; false when it does not end before `end` or in 64
 * bits. */
bool go_uvarint(const uint8_t **p, const uint8_t *end, uint64_t *out);

/* The minor version of a trace header, or -EINVAL. */
int go_header(const void *data, size_t len);

/* NULL with errno EINVAL and the reason in `why` when the data are no trace. */
struct go_reader *go_reader__new(const void *data, size_t len, struct strbuf *why);
unsigned go_reader__minor(const struct go_reader *r);
/*
 * 1 with the framing of the next generation, 0 at the end of the file. -EINVAL when the file is cut
 * off or broken: *gen then holds the batches before that (nbatch may be 0), `whole` is false, and
 * nothing can follow.
 */
int go_reader__next(struct go_reader *r, struct go_gen **gen);
const char *go_reader__why(const struct go_reader *r); /* after -EINVAL: what and at which byte */
void go_reader__free(struct go_reader *r);

/*
 * Reads the sync batch and the tables of the reader's present generation. 0, or -EINVAL with `why`:
 * the tables then hold what could be read. Needed once before the lookups below.
 */
int go_gen_tables(struct go_reader *r, struct strbuf *why);

/* NULL when the generation does not define the id. Id 0 is the empty string, and the stack without
 * frames. */
const struct go_string *go_gen_string(const struct go_gen *gen, uint64_t id);
const struct go_stack *go_gen_stack(const struct go_gen *gen, uint64_t id);

/* Decodes the frames, leaf first, to `out`, which has room for GO_FRAMES_MAX; returns how many. */
size_t go_stack_frames(const struct go_stack *st, struct go_frame *out);

/*
 * Events of a batch of kind EVENTS or SAMPLES (whose times are absolute, args: time m p g stack);
 * other kinds have none. 1 with the next, 0 at the end, -EINVAL with c->why.
 */
void go_cursor_init(struct go_cursor *c, const struct go_gen *gen, const struct go_batch *b);
int go_cursor_next(struct go_cursor *c, struct go_event *ev);

#endif
