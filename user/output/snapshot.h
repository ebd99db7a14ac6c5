/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a flight recorder: each a whole trace, named by its time (trailname.h), made by the
 * rules of outfile.h. Of those that were made here only the newest are kept, when that is asked
 * for; files of others are never touched, whatever their names are. One thread at a time.
 */
#ifndef CTRACE_OUTPUT_SNAPSHOT_H
#define CTRACE_OUTPUT_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

struct snapshots;
struct strbuf;

/* Bytes that stand together: they are written with one write, or not at all. */
struct snapshot_piece {
	const char *data;
	size_t len;
};

/* base: the path that names are made from, borrowed; keep: how many files stay, 0 all. */
struct snapshots *snapshots__new(const char *base, unsigned keep);
/* A file that was not written to its end is cut to its last whole piece. NULL is fine. */
void snapshots__free(struct snapshots *s);

/*
 * Writes one file, at wall_ns (CLOCK_REALTIME, ns). 0, or -errno with the sentence in why: what was
 * written before stays, and is a trace. The thread may be ended in here by worker__abandon().
 */
int snapshots__write(struct snapshots *s, uint64_t wall_ns, const struct snapshot_piece *piece,
		     size_t n, struct strbuf *why);
/* The path of the last file that was begun; NULL: none yet. Valid until the next. */
const char *snapshots__last(const struct snapshots *s);

#endif
