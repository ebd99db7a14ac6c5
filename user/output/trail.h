/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a recording of more than one has made and that are there, the oldest first. Only
 * these are ever removed.
 */
#ifndef CTRACE_OUTPUT_TRAIL_H
#define CTRACE_OUTPUT_TRAIL_H

#include <stddef.h>
#include <stdint.h>

#include "output/outfile.h"

/* What was recorded into a file, where that is told file by file. */
struct trail_share {
	double seconds;
	uint64_t events, lost;
};

struct trail_file {
	char *path;
	uint64_t bytes;
	struct outfile_id id;
	struct trail_share share;
};

#define TRAIL_TOLD 4096 /* files that are remembered where none is removed: the newest */

struct trail {
	struct trail_file *file;
	size_t cnt, cap;
	uint64_t bytes;	  /* of all files that are there, also of those that are not remembered */
	uint64_t written; /* files, with those that were removed */
};

void trail_free(struct trail *t); /* the list, not the files */

/* A new file, of which nothing is written yet. The path is copied. keeps: old ones are removed in
 * time, so all are remembered. Returns it, until the next one is added. */
struct trail_file *trail_add(struct trail *t, const char *path, const struct outfile_id *id,
			     bool keeps);
void trail_grow(struct trail *t, uint64_t bytes); /* the newest one */
/* Removes the oldest one, as the invoker; what cannot be removed is logged, and forgotten. There is
 * one. */
void trail_remove_oldest(struct trail *t);

#endif
