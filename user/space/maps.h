/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mappings of a process that hold code, from /proc/PID/maps.
 */
#ifndef CTRACE_SPACE_MAPS_H
#define CTRACE_SPACE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code_mapping {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint64_t dev;	 /* as the kernel numbers it; 0 with ino 0: of no file */
	uint64_t ino;
	const char *path; /* "" of nothing; "[vdso]"; cut of " (deleted)" */
};

typedef void (*code_mapping_fn)(void *ctx, const struct code_mapping *m);

/*
 * Calls fn for each, in the order of their addresses; m and its path are valid until it returns.
 * The pages that the kernel maps for its own ends ([vsyscall], [uprobes]) are left out. Returns how
 * many, or -errno: -ESRCH for a process that is gone. A process whose first thread has ended is
 * read by another one.
 */
int maps_read(uint32_t pid, code_mapping_fn fn, void *ctx);

/* A line of the file, its newline cut off; false when it holds no code. m->path points into line,
 * which is changed. */
bool maps_parse(char *line, struct code_mapping *m);

/* Has the process a memory that holds code? Not one that has ended. */
bool maps_has_code(uint32_t pid);

/* Cuts " (deleted)" off a path; false for one of those that are left out. */
bool maps_tidy(char *path);

#endif
