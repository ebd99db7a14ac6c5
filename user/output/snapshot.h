/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a flight recorder: each a whole trace, named by its time (trailname.h), made by the
 * rules of outfile.h. One that cannot be written to its end is removed. Of those that were made
 * here only the newest are kept, when that is asked for, and fewer where the disk has not the room
 * for so many; files of others are never touched, whatever their names are. One thread at a time.
 */
#ifndef CTRACE_OUTPUT_SNAPSHOT_H
#define CTRACE_OUTPUT_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

struct outfile;
struct snapshots;
struct strbuf;
struct trail;

struct snapshots_opts {
	const char *base;  /* the path that names are made from; borrowed */
	unsigned keep;	   /* how many files stay, 0 all */
	uint64_t max_size; /* bytes of all files that are there; 0: no such bound */
	uint64_t min_free; /* bytes that the file system has left, at least; 0: it may be full */
};

/* Bytes that stand together: they are written with one write. */
struct snapshot_piece {
	const char *data;
	size_t len;
};

struct snapshot {
	uint64_t wall_ns;   /* CLOCK_REALTIME, for its name */
	const char *reason; /* words */
	double seconds;	    /* that it tells of */
	const struct snapshot_piece *piece;
	size_t npiece;
};

#define SNAPSHOT_BOUND 1

struct snapshots *snapshots__new(const struct snapshots_opts *opts);
/* A file that was not written to its end is cut to its last whole piece. NULL is fine. */
void snapshots__free(struct snapshots *s);

/*
 * Writes one file, and removes old ones for it: those that are more than stay, when it is whole;
 * before that only where it has no room without, and has it then. 0. Else there is no file, and the
 * sentence is in why: SNAPSHOT_BOUND when max_size or min_free does not let it, -errno when it
 * could not be written. The thread may be ended in here by worker__abandon().
 */
int snapshots__write(struct snapshots *s, const struct snapshot *snap, struct strbuf *why);

/*
 * The same to a file that is open, which is taken; none of this is about it: not its name, not the
 * bounds. name: for sentences. 0, or -errno with the sentence in why, and it may hold a part then.
 * *now: what is written, for who may be ended in here; NULL when it is through.
 */
int snapshot_write_to(int fd, const char *name, const struct snapshot *snap, struct outfile **now,
		      struct strbuf *why);

/* The files that are there, each with its reason and seconds (trail.h); borrowed. */
const struct trail *snapshots__files(const struct snapshots *s);

#endif
