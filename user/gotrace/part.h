/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trace is made of, for those who keep more than one file of it: rotation, the flight
 * recorder.
 *
 *     header, generation 1, generation 2, …            one file
 *     header, opening 7, generation 8, generation 9    another one, of the same recording
 *
 * A generation cannot begin a file: readers accept a goroutine that they have not seen before only
 * in the first generation that they read, and the states with which a later one begins have no
 * reasons, no stacks, no names. So an opening is made where a file may have to begin. It has the
 * number of the generation that it stands in place of, no time of its own, and tells all states as
 * they were at the end of that one.
 */
#ifndef CTRACE_GOTRACE_PART_H
#define CTRACE_GOTRACE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_HEADER_LEN 16

/* One of them, as bytes. */
struct trace_part {
	const char *data; /* the header of a trace, then the generation; valid during the call */
	size_t len;	  /* of both */
	uint64_t number;  /* of the generation, from 1, each one more than the last */
	uint64_t begin_ts, end_ts; /* CLOCK_MONOTONIC, ns: what it tells of; an opening: both its
				      moment */
	bool opening; /* may stand ahead of the part that follows, and first in a file */
	uint32_t cut; /* EV_CUT_* of the record that closed the generation, 0 none */
};

/* Takes parts, in order, from the writer's thread. 0 or -errno: then it is not called again. */
struct part_sink {
	int (*take)(void *ctx, const struct trace_part *part);
	void *ctx;
};

/* The bytes of a part behind the first of a file. */
static inline const char *part_body(const struct trace_part *part, size_t *len)
{
	*len = part->len - TRACE_HEADER_LEN;
	return part->data + TRACE_HEADER_LEN;
}

#endif
