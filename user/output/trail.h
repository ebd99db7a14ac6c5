/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a recording of more than one has made and that are there, the oldest first. Only
 * these are ever removed.
 */
#ifndef CTRACE_OUTPUT_TRAIL_H
#define CTRACE_OUTPUT_TRAIL_H

#include <stdbool.h>
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
	char *reason; /* why it was written; NULL: nobody has to say */
	uint64_t bytes;
	struct outfile_id id;
	struct trail_share share;
};

struct room;

#define TRAIL_TOLD 4096 /* files that are remembered where none is removed: the newest */

struct trail {
	struct trail_file *file;
	size_t cnt, cap;
	size_t stuck;	  /* the first ones of these, which could not be removed, and stay */
	uint64_t bytes;	  /* of all files that are there, also of those that are not remembered */
	uint64_t written; /* files, with those that were removed */
};

void trail_free(struct trail *t); /* the list, not the files */

/* A new file, of which nothing is written yet. The path is copied. keeps: old ones are removed in
 * time, so all are remembered. Returns it, until the next one is added. */
struct trail_file *trail_add(struct trail *t, const char *path, const struct outfile_id *id,
			     bool keeps);
void trail_grow(struct trail *t, uint64_t bytes); /* the newest one */

/* How many there are that can be removed, as far as is known. */
size_t trail_removable(const struct trail *t);
/* How many of these, the oldest ones, have so many bytes together, when `spared` of the newest are
 * to stay; 0: they have not. */
size_t trail_enough(const struct trail *t, size_t spared, uint64_t bytes);
/*
 * Removes the oldest of them, as the invoker; there is one. Returns its bytes. 0: it could not be
 * removed, which is logged; it stays, is counted and told as before, and is not tried again.
 */
uint64_t trail_remove_oldest(struct trail *t);
/*
 * Removes the oldest ones for so many bytes when they have them, `spared` of the newest not
 * counted; else none. What is missing still: more than 0 also when one could not be removed after
 * all. room: told of each.
 */
uint64_t trail_clear(struct trail *t, size_t spared, uint64_t missing, struct room *room);
/* The oldest ones go until no more than `most` of those that can be removed are left. */
void trail_keep_newest(struct trail *t, size_t most);

#endif
