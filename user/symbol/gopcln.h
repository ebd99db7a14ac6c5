/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables that every Go program carries for its own tracebacks, stripped or not: functions,
 * files, lines, and what was inlined. Go 1.20 and newer (the magic 0xfffffff1); written down in the
 * Go sources, runtime/symtab.go, runtime/symtabinl.go and cmd/link/internal/ld/pcln.go.
 */
#ifndef CTRACE_SYMBOL_GOPCLN_H
#define CTRACE_SYMBOL_GOPCLN_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/symloc.h"

struct gopcln;

/* NULL when the file is no Go program that we can read. It must outlive g. */
struct gopcln *gopcln__new(Elf *elf);
void gopcln__free(struct gopcln *g); /* NULL is fine */

/*
 * The functions at addr, innermost first, at most max (then the innermost ones and the outermost);
 * 0 when it is not Go code. A single function without file is C code that was linked in, or the
 * space between functions. Strings are the file's.
 */
size_t gopcln__find(struct gopcln *g, uint64_t addr, struct sym_loc *out, size_t max);

#endif
