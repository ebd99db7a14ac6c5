/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One ELF file: address → functions, files and lines, from everything that belongs to it.
 *
 *	Go code		.gopclntab, stripped or not
 *	lines, inlined	DWARF of the file, or of its separate debug file, .dwz file included
 *	names		.symtab and .dynsym of both, .gnu_debugdata, .plt
 *
 * Parts are read when they are needed first. Nothing in the file is trusted, but the libraries that
 * parse it may have faults: this runs in a process of its own (symworker.h). One thread.
 */
#ifndef CTRACE_SYMBOL_SYMFILE_H
#define CTRACE_SYMBOL_SYMFILE_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symloc.h"

struct strbuf;
struct symfile;

struct symfile_opts {
	int fd;		  /* the file; taken over, also by a failure */
	int root_fd;	  /* the root of the process, for debug files; borrowed; -1: our own */
	const char *path; /* of the file in the process, for debug files; copied; NULL: none */
};

/* NULL with errno and a sentence in why where it is no ELF file. */
struct symfile *symfile__new(const struct symfile_opts *o, struct strbuf *why);
void symfile__free(struct symfile *f); /* NULL is fine */

/*
 * The functions at an address as the file counts it (p_vaddr), innermost first, at most max: at
 * least one with func set, or 0: nothing is known. Names are demangled (symname.h). Strings live as
 * long as f.
 *
 * The outermost function is called by its symbol where a symbol is at its entry: what callers wrote
 * ("write"), not what its file did ("__GI___libc_write"); else by DWARF.
 */
size_t symfile__find(struct symfile *f, uint64_t addr, struct sym_loc *out, size_t max);

#endif
