/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modules: each file that holds code of a recorded process once, however many processes map it; the
 * vdso; and what JIT compilers make, once for each process. A module has a number, which its frames
 * carry, unwinding tables, and names by the symbolizer.
 *
 * Tables are bounded: when there are too many, those of files that nobody maps any more go first.
 * One thread uses it; news for the stream of records are fetched by another.
 */
#ifndef CTRACE_SPACE_MODULES_H
#define CTRACE_SPACE_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "space/maps.h"

struct files;
struct modules;
struct symbolizer;
struct tables;

struct modules_stats {
	uint64_t files, jits; /* seen */
	uint64_t no_file;     /* files that could not be opened, or not read */
	uint64_t no_table;    /* … that have no frame information */
	uint64_t no_room;     /* times that tables found no room */
	uint64_t no_number;   /* times that there were too many modules */
	uint64_t rows, bad;   /* of all tables; rows that cannot be followed */
	uint64_t build_ns;    /* time until files were read and had their tables */
	size_t bytes;	      /* of tables in use */
};

/* tables: NULL where user stacks are not walked. symbolizer: NULL none. files: who reads them,
 * NULL: the calling thread. Borrowed. */
struct modules *modules__new(struct tables *tables, struct symbolizer *symbolizer,
			     struct files *files, uint32_t max);
/* Calls fn when the number of a file is free for another one. */
void modules__on_forget(struct modules *m, void (*fn)(void *ctx, uint32_t module), void *ctx);
void modules__free(struct modules *m); /* NULL is fine */

/*
 * The module of a mapping of a process, and what its addresses are more than the module's own. 0
 * when there is none: numbers have run out. The module is in use until modules__put().
 */
uint32_t modules__get(struct modules *m, uint32_t pid, const struct code_mapping *map,
		      uint64_t *bias);
void modules__use(struct modules *m, uint32_t module); /* once more */
void modules__put(struct modules *m, uint32_t module);
/* The process has ended: its own module may be another's later. */
void modules__end_process(struct modules *m, uint32_t pid);

/* From any thread: the next module that was not told yet, as a record; its length, 0: none. */
size_t modules__take_news(struct modules *m, struct ev_module *out);
/* From any thread: what went wrong with files, a sentence each. */
void modules__troubles(struct modules *m, void (*fn)(void *ctx, const char *sentence), void *ctx);
struct modules_stats modules__stats(const struct modules *m);

#endif
