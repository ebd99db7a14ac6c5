/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All symbols of an ELF file, by address: its .symtab and .dynsym, those that are packed into it
 * (.gnu_debugdata), and those of its debug file where one with its build-id is installed. As
 * everything that reads ELF here, nothing in the files is trusted, and no file is mapped.
 */
#ifndef CTRACE_ANNOT_SYMTAB_H
#define CTRACE_ANNOT_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

#include "unwind/elf.h"

struct symtab_sym {
	uint64_t addr, size; /* size 0: not told */
	const char *name;    /* as it is in the file, a version ("@@GLIBC_2.34") included */
	uint8_t type;	     /* STT_… */
	uint8_t bind;	     /* STB_… */
};

struct symtab {
	struct symtab_sym *sym; /* that are defined, by address */
	size_t cnt, cap;
	const char **absent; /* names of functions that are defined elsewhere */
	size_t nabsent, cap_absent;
	void *text[8]; /* what the names point into */
	size_t ntext;
};

/* A file that has none gives an empty one. */
void symtab_read(struct symtab *t, const struct unw_elf *e);
void symtab_free(struct symtab *t);

/* The first one at or behind an address, as an index; cnt: none. */
size_t symtab_from(const struct symtab *t, uint64_t addr);

#endif
