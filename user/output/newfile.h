/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The next file of a recording that makes several: named by a moment (trailname.h), and new. A name
 * that somebody has, or takes before the first bytes are there, is left to him, and the next
 * millisecond is tried.
 */
#ifndef CTRACE_OUTPUT_NEWFILE_H
#define CTRACE_OUTPUT_NEWFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outfile;
struct strbuf;

struct newfile {
	const char *base; /* names are made from it; borrowed */
	uint64_t wall_ns; /* CLOCK_REALTIME; the moment of the name, when it is made */
	uint64_t room; /* bytes that will be written, for which there must be room; 0: not known */
	bool replaces; /* a file of that name, unless another recorder writes it */
	const char *data; /* the first bytes, one write */
	size_t len;
};

/*
 * Opens one and writes its first bytes. 0: *f is open. -errno: *f is NULL and the sentence is in
 * why, or it is open, has nothing in it, and outfile__explain() tells. To be called from a thread
 * of worker.h that must go on: it may be ended while it writes, when *f is open already.
 */
int newfile_make(struct newfile *n, struct outfile **f, struct strbuf *why);

#endif
