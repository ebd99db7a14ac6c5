/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dynamic loader of a C library, and the hook in it that debuggers use: a function that does
 * nothing, called when the libraries of a program are mapped and relocated, and their constructors
 * have not run. glibc, musl and others have had it since System V: _dl_debug_state, see link.h.
 */
#ifndef CTRACE_SPACE_LOADER_H
#define CTRACE_SPACE_LOADER_H

#include <stdint.h>

#include "space/maps.h"

struct loader_hook {
	uint64_t offset;  /* of the function, in the file */
	uint64_t r_state; /* address in the process: int, 0 when the list of libraries is whole.
			     glibc calls the hook before, too. 0: it is not told, and the first
			     call is the one */
};

/* Of a file, which a process has mapped so. 0, or -ENOENT: it is no loader. fd stays open. */
int loader_find(int fd, const struct code_mapping *map, struct loader_hook *out);

#endif
