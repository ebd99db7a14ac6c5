/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of the room on a disk may be used (--min-free), when what was removed comes back late: a
 * file system frees in the background, and not before the last reader has closed the file. So what
 * was removed counts as free for a while, lest one file after the other is removed for the same
 * bytes. Pure: the caller asks the disk and the clock.
 */
#ifndef CTRACE_OUTPUT_ROOM_H
#define CTRACE_OUTPUT_ROOM_H

#include <stdint.h>

struct room {
	uint64_t min_free; /* bytes that are to stay free; 0: the disk may be full */
	uint64_t owed;	   /* of what was removed: has not been seen to be free */
	uint64_t until;	   /* when that is not believed any more, CLOCK_MONOTONIC */
	uint64_t seen;	   /* free, the last time that was asked, less what was written since */
};

#define ROOM_LATE_NS 30000000000ull /* a file system that frees with its commits, as Btrfs does */

/* How many bytes are missing to write `more` now that `is_free` are free; 0: there is room. What is
 * owed counts, up to half of min_free, which is room to be wrong in. */
uint64_t room_missing(struct room *r, uint64_t now, uint64_t is_free, uint64_t more);
void room_removed(struct room *r, uint64_t now, uint64_t bytes);
void room_written(struct room *r, uint64_t bytes);

#endif
