/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the rings to the pipeline: drains, adds what only user space knows (processes, losses,
 * memory, kernel symbols), says by watermarks what is complete, and keeps a raw copy where one is
 * wanted.
 *
 * The watermark is a clock reading taken before the drain, less the longest time that a hook may
 * take between reading the clock and handing over its record.
 */
#ifndef CTRACE_CAPTURE_COLLECTOR_H
#define CTRACE_CAPTURE_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

struct annot;
struct capture;
struct collector;
struct pipeline;
struct rawlog;
struct spaces;
struct symlog;
struct target_set;

struct collector_opts {
	struct capture *capture; /* borrowed, all of them */
	struct pipeline *pipeline;
	struct rawlog *raw;		  /* NULL: none is kept */
	struct spaces *spaces;		  /* NULL: nobody asks what is mapped where */
	struct annot *annot;		  /* NULL: no annotations */
	struct symlog *names;		  /* that were asked for, for raw; NULL none */
	const struct target_set *targets; /* NULL: everything */
	const struct target_set *procs;	  /* the processes to name */
	uint32_t config;		  /* EV_CONFIG_* */
	bool may_be_refused; /* nothing is to be written in the first moments; else the file is
				valid from the begin on */
};

struct collector *collector__new(const struct collector_opts *opts);
void collector__free(struct collector *c); /* NULL is fine */

/* Everything is attached: tells what is there, and begins the trace. 0 or -errno. */
int collector__begin(struct collector *c);
/* Takes what has come; returns the fullest ring's share before, in percent. */
unsigned collector__poll(struct collector *c);
/* Samples memory; tells of syscalls that run for long. A few times a second. */
void collector__sample(struct collector *c);
void collector__cut(struct collector *c, uint32_t why); /* EV_CUT_*: the generation ends now */
/* Ends the trace now, or at not_after (CLOCK_MONOTONIC, 0: none) when that is past. */
void collector__end(struct collector *c, uint64_t not_after);
/*
 * After the end: takes what came before it. True when that is all taken, and the pipeline and the
 * raw copy can be closed; false while a file does not keep up: ask again.
 */
bool collector__drained(struct collector *c);
/* The trace is written: the raw copy gets the names that were found, so that it can be replayed
 * where the files are not. */
void collector__keep_names(struct collector *c);

/* Records that no reader would take, and that were left out: a mistake of ours. */
uint64_t collector__refused(const struct collector *c);

#endif
