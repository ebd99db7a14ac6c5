/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of the procedure linkage table and the functions that they lead to. No symbol is
 * there for them: each is decoded (jmp *slot(%rip), or push INDEX where a second table jumps), and
 * the relocation of the slot tells the name. Form of the tables: System V ABI, AMD64 supplement,
 * 5.2 and 13.2.
 */
#ifndef CTRACE_SYMBOL_PLT_H
#define CTRACE_SYMBOL_PLT_H

#include <libelf.h>
#include <stdint.h>

/* Called with each entry whose function is known; func may carry a version behind an '@'. */
typedef void (*plt_fn)(void *ctx, uint64_t addr, uint64_t size, const char *func);
/* Name of the function at an address, for the slots that its resolver fills; NULL: none. */
typedef const char *(*plt_name_at)(void *ctx, uint64_t addr);

void plt_each(Elf *elf, plt_fn fn, plt_name_at name_at, void *ctx);

#endif
