/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ELF file as who takes functions apart wants it: code by address, symbols, what the frame
 * information says of the stack at an address, and which addresses of code the data holds.
 */
#ifndef CTRACE_ANNOT_CODEFILE_H
#define CTRACE_ANNOT_CODEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "annot/symtab.h"
#include "unwind/elf.h"
#include "unwind/spans.h"

struct strbuf;

struct codefile {
	struct unw_elf elf;
	struct symtab syms;
	struct unw_spans frames; /* spans by their start */
	bool go;		 /* Go made it: what has no span in .eh_frame is Go's */
	bool catches;		 /* functions may have places at which only exceptions come in */
	uint64_t budget; /* bytes that may still be decoded: symbols of a hostile file may overlap */
	uint64_t *ptr;	 /* sorted, once asked for */
	size_t nptr, cap_ptr;
	bool has_ptr;
};

/* 0 or -errno with the reason in why; codefile_close() in both cases, which leaves fd open. */
int codefile_open(struct codefile *f, int fd, struct strbuf *why);
void codefile_close(struct codefile *f);

/* What lies on the stack before an instruction. */
enum codefile_stack {
	CODEFILE_UNKNOWN,
	CODEFILE_BARE,	/* the return address alone, as at a function's begin and end */
	CODEFILE_FRAME, /* more */
};
enum codefile_stack codefile_stack(const struct codefile *f, uint64_t addr);

/* The run of addresses with one entry in the frame information that holds this one; NULL. */
const struct unw_span *codefile_span(const struct codefile *f, uint64_t addr);

/* Do data of the file, as it is loaded, hold an address between the two (end not included)? */
bool codefile_points_into(struct codefile *f, uint64_t start, uint64_t end);

#endif
