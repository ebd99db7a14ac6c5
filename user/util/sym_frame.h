/* SPDX-License-Identifier: BSD-2-Clause */
/* A function, as whoever looks up addresses tells of it to whoever writes it down. */
#ifndef CTRACE_UTIL_SYM_FRAME_H
#define CTRACE_UTIL_SYM_FRAME_H

#include <stdint.h>

/*
 * Without name: "libc.so.6+0x1234", the address as the file counts it; "[vdso]+0x…"; "[jit]+0x…"
 * with the process's address, and so where the module is not known ("0x…"). func is shorter than
 * 1,024 bytes and file than 512: a longer path lost its begin.
 */
struct sym_frame {
	const char *func; /* never empty */
	const char *file; /* source file; the module's path where none is known; "": no module */
	uint32_t line;	  /* 0 unknown */
	uint32_t serial;  /* from 1; the same for an equal frame while it is remembered, never that
			     of another; 0: it has none */
};

#endif
