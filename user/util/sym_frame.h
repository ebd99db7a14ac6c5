/* SPDX-License-Identifier: BSD-2-Clause */
/* A function, as whoever looks up addresses tells of it to whoever writes it down. */
#ifndef CTRACE_UTIL_SYM_FRAME_H
#define CTRACE_UTIL_SYM_FRAME_H

#include <stdint.h>

struct sym_frame {
	const char *func; /* never empty: "libc.so.6+0x1234" where there is no name */
	const char *file; /* source file; the module's path where none is known */
	uint32_t line;	  /* 0 unknown */
	uint32_t serial;  /* from 1; the same for an equal frame while it is remembered, never that
			     of another */
};

#endif
