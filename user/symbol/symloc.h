/* SPDX-License-Identifier: BSD-2-Clause */
/* What all sources of names answer with: one function that an address stands in. */
#ifndef CTRACE_SYMBOL_SYMLOC_H
#define CTRACE_SYMBOL_SYMLOC_H

#include <stdint.h>

struct sym_loc {
	const char *func; /* NULL unknown */
	const char *file; /* NULL unknown */
	uint32_t line;	  /* 0 unknown */
};

#endif
