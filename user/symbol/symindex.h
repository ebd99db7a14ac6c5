/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of one ELF file by address, from its symbol tables: an array of our own, sorted, to
 * be asked by bisection. (libdwfl walks the table for each address: 170 to 1,500 us.)
 *
 * Of the symbols at one address the best one stays: one with a size, a function before a label,
 * global or weak before local, with fewer underscores in front, global before weak, the shorter.
 * So write(2) is "write", not "__GI___libc_write". A symbol without size reaches to the next one,
 * and none is taken inside a function that has a size; local labels are never taken.
 */
#ifndef CTRACE_SYMBOL_SYMINDEX_H
#define CTRACE_SYMBOL_SYMINDEX_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

struct symindex;

struct symbol {
	uint64_t addr, end; /* as the file counts; end is behind */
	const char *name; /* mangled as it was, a version ("@GLIBC_2.17") included; see symname() */
};

struct symindex *symindex__new(void);
void symindex__free(struct symindex *x); /* NULL is fine */

/* Adds what .symtab and .dynsym of the file define. The names are the file's: it must outlive x. */
void symindex__add(struct symindex *x, Elf *elf);
/*
 * Adds the entries of .plt, .plt.sec and .plt.got as "NAME@plt", where NAME is what the slot of the
 * entry is filled with by the dynamic linker. x86-64 only.
 */
void symindex__add_plt(struct symindex *x, Elf *elf);

/* When all is added, and before the first question. */
void symindex__sort(struct symindex *x);

/* The function that holds the address, or NULL; valid as long as x. */
const struct symbol *symindex__find(const struct symindex *x, uint64_t addr);
size_t symindex__count(const struct symindex *x);

#endif
