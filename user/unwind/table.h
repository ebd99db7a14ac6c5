/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The unwinding rules of one ELF file (x86-64), from its .eh_frame, else from .debug_frame; code of
 * Go, which keeps frame pointers, gets a rule of its own.
 *
 * In: an open file, or an image in memory (the vdso). Out: sorted rows of address and rule. The
 * file is read, never mapped: it may change or shrink meanwhile. Nothing in it is trusted: whatever
 * it holds, the result is rows in order, each with a rule that is legal, within the bounds below.
 */
#ifndef CTRACE_UNWIND_TABLE_H
#define CTRACE_UNWIND_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/unwind.h"

struct strbuf;

struct unwind_table {
	size_t nrow;
	uint64_t *pc;	/* ascending; as the file counts addresses (p_vaddr) */
	uint16_t *rule; /* by row: index into rules; rules[0] is UNW_BAD */
	size_t nrule;
	struct unw_rule *rules; /* each once */
	/* for the curious */
	size_t nfde;
	size_t nbad; /* rows that cannot be followed, gaps between functions not counted */
};

/*
 * 0, or -errno with the reason in why: -ENOEXEC when it is no ELF file of this machine, -ENODATA
 * when it has no frame information at all (out is then empty and fine), -E2BIG when it has more
 * than we take, or what reading gave. The caller frees with unwind_table_free() in each case.
 */
int unwind_table_read(struct unwind_table *out, int fd, struct strbuf *why);
/* The same for a file that lies in memory, with its headers. */
int unwind_table_image(struct unwind_table *out, const void *image, size_t size,
		       struct strbuf *why);
void unwind_table_free(struct unwind_table *t);

/* The rule at an address: NULL before the first row. For tests; the programs search the packed
 * form. */
const struct unw_rule *unwind_table_find(const struct unwind_table *t, uint64_t pc);

#endif
