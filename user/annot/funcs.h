/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions of a file whose calls can be regions: where they begin, and every place at which they
 * are left. Never by a return probe: that one puts another return address on the stack, which kills
 * a C++ program that throws.
 */
#ifndef CTRACE_ANNOT_FUNCS_H
#define CTRACE_ANNOT_FUNCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

struct func {
	char *name; /* as it is shown: demangled; with parameters where another has the same name */
	uint64_t addr, size;
	uint64_t entry;	      /* offset in the file of the instruction that is probed */
	uint8_t entry_pushed; /* words that lie on the stack there, above the return address */
	uint64_t *exit;	      /* the same of each return and each jump out of it; on none of these
				 is a word left on the stack but the return address */
	size_t nexit;
	size_t tails;  /* exits that are jumps: calls in its place, whose time is not its own */
	char *refused; /* why it cannot be probed, behind "it": "is data"; NULL: it can */
};

struct funcs {
	struct func *func;
	size_t cnt;
};

/*
 * The functions of fd whose name, plain or demangled, matches the glob; a demangled name also
 * without its parameters. Aliases of one address are one function. 0, also when none matches;
 * -errno with the reason in why. funcs_free() in both cases.
 */
int funcs_find(struct funcs *out, int fd, const char *glob, struct strbuf *why);
void funcs_free(struct funcs *f);

/* Do functions of this file use memory below the stack pointer where this address is? A probe on a
 * nop of five bytes would overwrite it. True also when that cannot be told. */
int funcs_uses_red_zone(int fd, uint64_t addr);
/* The same of many addresses, for which the file is read once. */
void funcs_use_red_zone(int fd, const uint64_t *addr, size_t cnt, bool *uses);

#endif
