/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where probes are set: the files of each process. Thousands of processes come and go, so all of a
 * process are found by its pid, and one is put in and taken out in constant time. A zeroed struct
 * places is a valid empty one.
 */
#ifndef CTRACE_ANNOT_PLACES_H
#define CTRACE_ANNOT_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "util/u64map.h"

struct probes;

/* The probes of a file, in one process or (pid 0) in all. */
struct place {
	uint32_t pid, module;
	uint32_t go; /* index into ct_gos, 0 none */
	uint64_t bias;
	struct probes **probes;
	size_t cnt, cap;
	struct place *next;	    /* of all, the newest first */
	struct place *sibling;	    /* of its process, likewise */
	struct place *prev, *elder; /* the other way; of places.c alone */
};

struct places {
	struct u64map by_file; /* pid and module → struct place * */
	struct u64map by_pid;  /* pid + 1 → the newest struct place * of it */
	struct place *first;
};

/* Makes one, without probes. NULL: this file of this process has one already. */
struct place *places_make(struct places *p, uint32_t pid, uint32_t module);
/* The newest of a process, whose others are its siblings; NULL none. */
struct place *places_of(const struct places *p, uint32_t pid);
/* Takes it out and frees it; its probes are the caller's, and freed before. */
void places_drop(struct places *p, struct place *pl);
void places_free(struct places *p); /* when all are dropped */

#endif
