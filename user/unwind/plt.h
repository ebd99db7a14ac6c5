/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules for the entries through which functions of other files are called. GNU's linker writes
 * frame information for them; lld and mold do not.
 *
 * Lazy ones (psABI for x86-64, 5.2) are 16 bytes each, behind a first one that goes on to the
 * dynamic linker with two words pushed; the others jump, and that is all.
 */
#ifndef CTRACE_UNWIND_PLT_H
#define CTRACE_UNWIND_PLT_H

#include "unwind/elf.h"
#include "unwind/spans.h"

/* Adds spans for .plt, .plt.sec, .plt.got and .iplt where they are of a known form. 0 or -E2BIG. */
int unw_plt_read(const struct unw_elf *e, struct unw_spans *out);

#endif
