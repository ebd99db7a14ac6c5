/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of the files of one recording that has more than one of them. */
#ifndef CTRACE_OUTPUT_TRAILNAME_H
#define CTRACE_OUTPUT_TRAILNAME_H

#include <stddef.h>
#include <stdint.h>

/* So many bytes are added to a name. */
#define TRAILNAME_ADDS 21

/*
 * base with the moment in it at which the file begins: go.trace becomes
 * go-20261121T162512.345Z.trace. The time is UTC and all names of a base are of one length, so that
 * files in the order of their names are in the order of time, also where clocks are set back in
 * autumn.
 *
 * wall_ns: CLOCK_REALTIME; nth: how many names of this very moment are taken, each of which moves
 * it by a millisecond. 0, or -ENAMETOOLONG when out has not the room.
 */
int trailname(char *out, size_t sz, const char *base, uint64_t wall_ns, unsigned nth);

#endif
