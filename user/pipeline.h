/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pure half of the program in one piece: records by stream → merge → model → encoder → sink. A
 * recording and a replay use it alike, so a recording that was kept raw gives the same trace again.
 */
#ifndef CTRACE_PIPELINE_H
#define CTRACE_PIPELINE_H

#include "gotrace/writer.h"
#include "model/model.h"

struct pipeline;

struct pipeline_opts {
	int go_minor; /* 22, 23, 25, 26 */
	unsigned first_proc;
	bool group_digits;
	unsigned nstream;
	uint64_t start_ts;		/* CLOCK_MONOTONIC, ns */
	int64_t wall_offset;		/* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	struct frame_resolver resolver; /* names user frames; all NULL: they stay numbers */
	struct sink sink;
	struct part_sink parts;		    /* in place of it; see trace_writer_opts */
	bool openings;			    /* see model_opts */
	size_t gen_bytes;		    /* see trace_writer_opts */
	const struct trigger_spec *trigger; /* these three: see model_opts */
	size_t ntrigger;
	struct trigger_sink triggered;
};

struct pipeline_stats {
	const struct model_stats *model;
	struct trace_writer_stats writer;
	uint64_t late;
};

struct pipeline *pipeline__new(const struct pipeline_opts *opts); /* NULL with errno */
void pipeline__free(struct pipeline *p);			  /* NULL is fine */

/* A record that ev_check() accepts; copied. */
void pipeline__push(struct pipeline *p, unsigned stream, const void *rec, size_t len);
/* Nothing older than the watermark will come any more. */
void pipeline__advance(struct pipeline *p, uint64_t watermark);
/* The file is so slow that nothing more should be brought; see trace_writer__stalled(). */
bool pipeline__stalled(struct pipeline *p);
void pipeline__wait(struct pipeline *p);
/* All is in: the rest is on its way. Then, in any order: is it written? give up writing it. */
void pipeline__close(struct pipeline *p);
bool pipeline__written(struct pipeline *p);
void pipeline__abandon(struct pipeline *p);
/* Closes where that was not done, and waits until all is written. Returns the sink's first error. */
int pipeline__finish(struct pipeline *p);

/* Is there a thread that has not ended? */
bool pipeline__has_threads(const struct pipeline *p);
struct pipeline_stats pipeline__stats(struct pipeline *p);

#endif
