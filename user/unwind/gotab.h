/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of functions that every Go program (1.18 and newer) carries for its own tracebacks,
 * stripped or not, in .gopclntab. What else is told by value for the pcs of a function lies in a
 * stream of its own: a run of instructions, a change of the value, the next run.
 *
 * Any byte may be wrong: every offset is checked where it is used.
 *
 * Sources of the format: Go's src/runtime/symtab.go (pcHeader, moduledata, pcvalue, step),
 * src/runtime/runtime2.go (_func), src/cmd/link/internal/ld/pcln.go.
 */
#ifndef CTRACE_UNWIND_GOTAB_H
#define CTRACE_UNWIND_GOTAB_H

#include <stdbool.h>

#include "unwind/cursor.h"
#include "unwind/elf.h"

struct gotab {
	struct unw_bytes b; /* of a section, and of it: */
	const uint8_t *data;
	size_t size;
	uint64_t addr;
	bool old; /* of 1.18 or 1.19 */
	uint64_t nfunc, text;
	uint64_t names, pctab, functab; /* offsets */
};

struct gotab_func {
	uint64_t start, end;
	const uint8_t *record; /* struct _func */
	size_t room;	       /* bytes of it */
};

/* What the runtime's moduledata says. */
struct gotab_module {
	uint64_t text, etext;
	uint64_t gofunc; /* to what the functions' data are offsets */
};

/* 0; -ENODATA: there is none that makes sense; -errno. gotab_close() in each case. */
int gotab_open(struct gotab *g, const struct unw_elf *e);
void gotab_close(struct gotab *g);

/* Layout as from 1.22 to 1.26. 0; -ENODATA. Of a file cut short some may be 0. */
int gotab_module(const struct gotab *g, const struct unw_elf *e, struct gotab_module *m);

/* Function i < nfunc; false when it makes no sense. */
bool gotab_func(const struct gotab *g, uint64_t i, struct gotab_func *out);

/* Of the record at an offset; 0 where it ends before. */
uint32_t gotab_word(const struct gotab_func *f, uint64_t off);

/* The name at an offset of the names; NULL when there is none that ends. */
const char *gotab_name(const struct gotab *g, uint32_t off);
#define GOTAB_FUNC_NAME 4 /* where the record says it */

/* Values of a function, run by run: after each step that is true, `value` holds up to `pc`. */
struct gotab_runs {
	struct cursor c;
	uint64_t pc, end;
	int64_t value;
	bool begun;
};

/* false: the stream says nothing. */
bool gotab_runs(const struct gotab *g, const struct gotab_func *f, uint32_t stream,
		struct gotab_runs *r);
bool gotab_step(struct gotab_runs *r);

#endif
