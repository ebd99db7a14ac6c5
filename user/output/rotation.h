/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the parts of a recording go: one file, or one behind the other, each a trace of its own,
 * and the bounds that keep them from taking all of a disk.
 *
 *     part     1     2    cut  opening 2   3     4    …
 *     file     ├─────────────┤ ├────────────────────┤
 *              go-…T162512.345Z.trace  go-…T162522.345Z.trace
 *
 * A file ends behind a part that was closed for it (EV_CUT_FILE), or before one with which it would
 * be larger than it may, and then begins with the opening between the two. It is closed at once,
 * and named by the time at which it begins (trailname.h). The opening waits until there is
 * something to open: no file holds nothing else.
 *
 * rotation__take(), __finish() and __free() belong to the writer's thread, the first two while it
 * runs; __due() to one other; __enough() to any.
 */
#ifndef CTRACE_OUTPUT_ROTATION_H
#define CTRACE_OUTPUT_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotrace/part.h"

struct outfile;
struct rotation;
struct strbuf;
struct trail;

struct rotation_opts {
	struct outfile *one; /* open: all goes there; borrowed. NULL: files named after path */
	const char *path;    /* borrowed */
	uint64_t file_bytes; /* of one file, which has one part in any case; 0: no such bound */
	uint64_t period_ns;  /* of rotation__due(); 0: never */
	unsigned keep;	     /* so many of its files at most are there; 0: all */
	uint64_t max_size;   /* bytes of all files that are there; 0: no such bound */
	uint64_t min_free;   /* bytes that the file system has left, at least; 0: it may be full.
				With keep, old files go for it when that suffices, but the newest
				complete one never */
	int64_t wall_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC, as the parts' times are told */
	bool replay;	     /* the clock is not asked: names are by wall_offset alone */
};

/* What ended the recording, other than an error. */
enum rotation_end { ROTATION_GOES_ON, ROTATION_MAX_SIZE, ROTATION_MIN_FREE };

/* The option that is the bound, without its dashes; NULL for ROTATION_GOES_ON. */
const char *rotation_end_option(enum rotation_end end);

/* How many bytes of events a generation should have, so that files of so many bytes are not much
 * smaller than they may be; 0 for 0: as ever. */
size_t rotation_gen_bytes(uint64_t file_bytes);

struct rotation *rotation__new(const struct rotation_opts *opts);
void rotation__free(struct rotation *r); /* NULL is fine; closes what is open, not opts.one */

/*
 * A part_sink (part.h): ctx is the rotation. 0 or -errno of a file that could not be written, which
 * holds the parts before then. When a bound is reached, what comes is left out, and that is no
 * error.
 */
int rotation__take(void *ctx, const struct trace_part *part);
/* Is it time for the next file? now: CLOCK_MONOTONIC; the first call begins the first period. */
bool rotation__due(struct rotation *r, uint64_t now);
/* Has a bound been reached, or will the next parts reach it? Then the recording had better end. */
enum rotation_end rotation__enough(const struct rotation *r);
/* Nothing more comes: closes the file that is open. 0 or -errno. */
int rotation__finish(struct rotation *r);

/* The sentence for an error that one of the above returned. */
void rotation__explain(const struct rotation *r, int err, struct strbuf *why);
/* The sentence for why it had enough; where parts were left out it says up to where the files go,
 * and how many were removed to go on for so long.
 * begin_ts: of the recording, CLOCK_MONOTONIC. */
void rotation__explain_end(const struct rotation *r, uint64_t begin_ts, struct strbuf *why);

/* Up to where the files tell: CLOCK_MONOTONIC, 0 there is nothing. */
uint64_t rotation__told(const struct rotation *r);
/* The files that are there (trail.h); borrowed, and the writer's thread adds to it. */
const struct trail *rotation__files(const struct rotation *r);

#endif
