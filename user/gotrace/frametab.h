/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that stay: (function, file, line) -> handle, the same for the whole trace. For those of
 * which there is a bounded number, such as functions; others are local to a generation (gen.h).
 * Readers take the first meaning of a pc in a generation for all of them and merge by pc, so a
 * frame's pc is made from its handle and is nobody's address.
 *
 * The model adds frames while the writer's thread reads them: the table locks itself.
 */
#ifndef CTRACE_GOTRACE_FRAMETAB_H
#define CTRACE_GOTRACE_FRAMETAB_H

#include <stdint.h>

struct frametab;
struct strtab;

struct frame {
	const char *func; /* never empty; lives as long as the table */
	const char *file;
	uint32_t line; /* never 0 */
};

struct frametab *frametab__new(void);
void frametab__free(struct frametab *ft); /* NULL is fine */

/* The handle of a frame, from 1. Empty func becomes "?", empty file "?", line 0 becomes 1. */
uint32_t frametab__id(struct frametab *ft, const char *func, const char *file, uint32_t line);
struct frame frametab__get(struct frametab *ft, uint32_t id);

/*
 * A pc is nobody's address but a key: the first frame with a pc is that of all of them, and readers
 * merge by pc over all generations. So there are three kinds that never meet: those of this table,
 * those of functions that were looked up, by their number in pctab.h, and those of frames that
 * nobody remembers, by their texts. The first two are small, because a pc stands in each stack.
 */
static inline uint64_t frame_pc(uint32_t id)
{
	return 0x1000 + 16 * (uint64_t)id;
}

static inline uint64_t frame_pc_addr(uint32_t number)
{
	return 0x1008 + 16 * (uint64_t)number;
}

#define FRAME_PC_TEXT (1ull << 55) /* from here on */

/* Two of a million differing frames meet with a chance of 10^-5. */
uint64_t frame_pc_text(const struct strtab *st, uint32_t func, uint32_t file, uint32_t line);

#endif
