/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records in time order in, legal trace events out. The model knows the state of every thread (G
 * and M) and CPU (P), and is the only writer of scheduling events. It trusts no record to have a
 * predecessor: each handler first brings the model into the state that the record proves, and
 * counts that as a repair. So whatever comes in, what goes out is a valid trace.
 *
 * Pure: no BPF, no files, no clock. The same records give the same trace.
 */
#ifndef CTRACE_MODEL_MODEL_H
#define CTRACE_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "model/counts.h"
#include "model/trigger.h"

struct model;
struct trace_writer;

struct model_opts {
	struct trace_writer *writer; /* borrowed; the model calls everything but finish and free */
	int go_minor;		     /* as the writer's */
	unsigned first_proc;	     /* the row number of CPU 0 */
	bool group_digits;	     /* pool-1, pool-2 … become pool-# */
	bool openings; /* a file may begin at each generation, not only behind an EV_CUT */
	const struct trigger_spec *trigger; /* what is told, and marked; borrowed */
	size_t ntrigger;		    /* at most TRIGGERS_MAX */
	struct trigger_sink triggered;	    /* who is told; fn NULL: nobody */
	uint64_t start_ts;		    /* as the writer's */
	int64_t wall_offset;		    /* as the writer's */
};

/* A module in which walks of user stacks ended before they were complete. */
struct model_module {
	char name[64]; /* the last part of its path; "module 7" where no record told */
	uint64_t ends[EV_END_MAX];
};

struct model_stats {
	uint64_t records[EV_KIND_MAX];
	uint64_t events; /* firings of a kernel hook that the records tell of; a whole syscall is
			    two */
	uint64_t lost;	 /* records that the kernel side could not deliver */
	uint64_t repairs[REPAIR_MAX];
	uint64_t marks[MARK_COUNT_MAX]; /* annotations */
	uint64_t triggers;		/* that were met */
	uint64_t threads;		/* goroutines of the trace, an exec counting as a new one */
	uint64_t stacks[EV_END_MAX];	/* user stacks that differ, by how their walk ended */
	uint64_t user_frames;		/* … and what they have together */
	uint64_t samples;		/* of CPUs, in the trace */
	struct model_module *module;	/* the model's; in no order; some have no ends */
	size_t nmodule;
	uint64_t begin_ts, end_ts; /* what the trace covers; 0 when it never began */
};

struct model *model__new(const struct model_opts *opts);
void model__free(struct model *m); /* NULL is fine */

/* Takes a record that ev_check() accepts. Nothing is written before EV_START or after EV_STOP. */
void model__feed(struct model *m, const struct ev_hdr *rec, size_t len);
/* So late is it, and no older record will come: what lasts too long by then triggers. */
void model__advance(struct model *m, uint64_t ts);
/* The end of all records: writes the last state, where there was no EV_STOP too. */
void model__finish(struct model *m);

bool model__has_threads(const struct model *m); /* that have not ended */
const struct model_stats *model__stats(const struct model *m);

#endif
