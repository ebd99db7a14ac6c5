/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules for code of Go (1.18 and newer), from the table that its runtime unwinds with. It is in
 * every program, stripped or not.
 *
 * .gopclntab has for each function how far the stack pointer is below the return address, at each
 * instruction. That gives the CFA. rbp is saved right below the return address by functions whose
 * prologue says so; others leave it alone. Where the table does not help, the frame pointer does:
 * functions that change the stack (systemstack, asmcgocall, cgocallback …) keep it.
 *
 * Sources of the format: Go's src/runtime/symtab.go (funcInfo, pcvalue, step), src/runtime/
 * runtime2.go (_func), src/internal/abi/symtab.go (flags), src/cmd/link/internal/ld/pcln.go.
 */
#ifndef CTRACE_UNWIND_GOPCLN_H
#define CTRACE_UNWIND_GOPCLN_H

#include <stdbool.h>

#include "unwind/elf.h"
#include "unwind/spans.h"

/* Was this file made by Go's linker, or does it hold code of Go? */
bool unw_go_is(const struct unw_elf *e);

/*
 * Adds the functions of Go. 0; -ENODATA when the table is missing or is one that we do not know;
 * -E2BIG.
 */
int unw_go_read(const struct unw_elf *e, struct unw_spans *out);

#endif
