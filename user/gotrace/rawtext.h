/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Go trace as text, for golden tests and for eyes. Ids of tables are resolved and not shown, and
 * batches are sorted by M (those of one M stay in file order), so the text does not depend on how a
 * writer numbers its tables or splits its batches.
 *
 *	trace go 1.23
 *	generation 1
 *	sync freq=1000000000
 *	sample t=1234 m=100 p=0 g=100 stack=work < main
 *	M=0 t=1001 ProcStatus p=0 status=Idle
 *	M=100 t=1234 GoBlock reason="sync" stack=sys_futex < "[page fault]" < main
 *	frame sys_futex file="[kernel]" line=1            with RAWTEXT_FRAMES
 *	# incomplete: …
 *
 * Strings are quoted as in evtext.h, names of functions only where they hold more than plain
 * characters. `-` is no thread, no stack; `?` is an id that the generation does not define.
 */
#ifndef CTRACE_GOTRACE_RAWTEXT_H
#define CTRACE_GOTRACE_RAWTEXT_H

#include <stddef.h>
#include <stdio.h>

struct strbuf;

#define RAWTEXT_FRAMES 0x1 /* per generation, every frame with file and line, sorted */

/*
 * Both write the trace to `out`. -EINVAL with `why` when it is none, -errno of reading or writing;
 * otherwise 0, and `why` is not empty when something in the trace was cut off or broken: what could
 * be read was written.
 */
int rawtext_write(const void *data, size_t len, unsigned flags, FILE *out, struct strbuf *why);
int rawtext_dump(int fd, unsigned flags, FILE *out, struct strbuf *why);

#endif
