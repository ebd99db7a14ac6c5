/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flight recorder: the newest generations of a trace, kept in memory, and written to a file of
 * their own each time that is asked for.
 *
 *     parts ─► kept: [opening 7 | generation 8] [opening 8 | generation 9] …   oldest first
 *                └── a snapshot refers to what is kept and is written by a thread of its own,
 *                    while newer generations come and older ones go
 *
 * The bounds mean what they mean in Go's FlightRecorder: a generation goes when all that is left
 * is at least as old as asked for, or when it is too much memory; the newest one always stays. Only
 * whole generations are kept. A snapshot does not clear what is kept.
 *
 * Asking does not write: the owner of the recording is told by flight__due() that a generation has
 * to end now (EV_CUT with EV_CUT_SNAPSHOT), and the snapshot is what is kept when that one comes.
 * Two are never written at the same time. A trigger that comes too soon after the one before waits,
 * as long as what it tells of is kept; those that are in no snapshot are counted. All functions may
 * be called from any thread but where they say otherwise.
 */
#ifndef CTRACE_OUTPUT_FLIGHT_H
#define CTRACE_OUTPUT_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gotrace/part.h"

struct flight;
struct trail;

struct flight_opts {
	const char *base;   /* names of snapshots are made from it; borrowed */
	uint64_t min_ns;    /* as long back as is kept at least … */
	uint64_t max_bytes; /* … unless that is more than this */
	unsigned keep;	    /* snapshots that stay, 0 all */
	uint64_t max_size;  /* bytes of all that are there; 0: no such bound */
	uint64_t min_free;  /* bytes that their file system has left, at least; 0: it may be full */
	bool at_end;	    /* the end asks for one, too */
	uint64_t gap_ns;    /* from one that a trigger asked for to the next, at least */
	/* CLOCK_REALTIME - CLOCK_MONOTONIC of now, ns; NULL: that of util/clock.h */
	int64_t (*wall_offset)(void);
};

/* Who asks for a snapshot. */
enum flight_asker {
	FLIGHT_USER = 0,    /* is served as soon as the one before is written */
	FLIGHT_TRIGGER = 1, /* waits for the gap too */
};

struct flight_stats {
	uint64_t kept_bytes, kept_ns; /* now */
	uint64_t peak_bytes;	      /* of kept_bytes */
	uint64_t asked;		      /* by triggers */
	/* final, and to be looked at, after flight__finish() */
	uint64_t left_out;	   /* triggers that are in no file */
	uint64_t unwritten;	   /* of these: in a snapshot that is not written */
	uint64_t bounded;	   /* snapshots that max_size or min_free did not let be written */
	uint64_t failed;	   /* snapshots that could not be written */
	const char *error;	   /* the sentence of the last that failed, or of a bound where
				      none has; NULL: all are written */
	const struct trail *files; /* that are there, each with its reason and seconds */
};

struct flight *flight__new(const struct flight_opts *opts); /* NULL with errno */
void flight__free(struct flight *f);			    /* NULL is fine */

/* A part sink: ctx is the flight recorder. From the writer's thread. Never fails. */
int flight__take(void *ctx, const struct trace_part *part);

/* ts: of what the reason is, CLOCK_MONOTONIC; reason: words, copied. */
void flight__ask(struct flight *f, enum flight_asker by, uint64_t ts, const char *reason);
/*
 * Asks for one to be written to a file that is open, fd, which is taken: it is not counted, not
 * removed, and tells no trigger's owner anything. name: for sentences; copied. done is called once,
 * from any thread, at the latest in flight__free(): err 0, or -errno with the sentence. ts as
 * above. -EALREADY: another one is asked for and not written yet; fd stays the caller's then.
 */
struct flight_to {
	int fd;
	const char *name;
	void (*done)(void *ctx, int err, const char *why);
	void *ctx;
};
int flight__ask_to(struct flight *f, const struct flight_to *to);
/*
 * Shall the generation end now? True once for each snapshot. now: CLOCK_MONOTONIC; what is older
 * will be in it.
 */
bool flight__due(struct flight *f, uint64_t now);

/* No part comes any more: what was asked for is on its way. Not from the writer's thread. */
void flight__close(struct flight *f);
bool flight__written(struct flight *f); /* is there nothing to write? */
/* Gives up a write that does not come to an end; its file keeps what is whole. */
void flight__abandon(struct flight *f);
/* Closes where that was not done, and waits. 0, or -errno of the last snapshot that failed; that a
 * bound left some out is no failure. */
int flight__finish(struct flight *f);

struct flight_stats flight__stats(struct flight *f);

#endif
