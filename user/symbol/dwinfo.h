/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines and inlined functions of an address, from DWARF (2 to 5).
 *
 * Each compilation unit is read once, when an address of it is asked for first: its line table, and
 * the code ranges of its functions and of what was inlined into them. Both become sorted tables of
 * our own. Names and call sites are read when a frame needs them. libdw keeps all that it reads, so
 * its handle is opened anew from time to time.
 */
#ifndef CTRACE_SYMBOL_DWINFO_H
#define CTRACE_SYMBOL_DWINFO_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/symloc.h"

struct debug_search;
struct dwinfo;

/*
 * Of a file that has DWARF; NULL when it has none that can be read. The file must outlive d, and so
 * must *where, which tells where a file of dwz is looked for.
 */
struct dwinfo *dwinfo__new(Elf *elf, const struct debug_search *where);
void dwinfo__free(struct dwinfo *d); /* NULL is fine */

/*
 * The functions at addr, innermost first, at most max; when there are more, the outermost and the
 * innermost ones. func is mangled, or NULL where DWARF does not name it (line tables alone). 0 when
 * no unit has the address. *entry is where the outermost function begins, 0 unknown. Strings live
 * as long as d.
 */
size_t dwinfo__find(struct dwinfo *d, uint64_t addr, struct sym_loc *out, size_t max,
		    uint64_t *entry);

#endif
