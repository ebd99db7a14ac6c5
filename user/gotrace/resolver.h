/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the encoder asks to learn which functions an address stands in. It asks from the writer's
 * thread alone, for each distinct address of a generation once: prefetch with all of them, resolve
 * for each, done when the generation is written and nothing of the answers is needed any more.
 */
#ifndef CTRACE_GOTRACE_RESOLVER_H
#define CTRACE_GOTRACE_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "util/sym_frame.h"

struct frame_resolver {
	void *ctx;
	/* All that will be asked. NULL where answers take no time; else more generations may wait
	 * meanwhile. */
	void (*prefetch)(void *ctx, const uint64_t *frame, size_t cnt);
	/* The functions of a frame, innermost first: at least one. *out lives until done(). NULL:
	 * addresses stay numbers. */
	size_t (*resolve)(void *ctx, uint64_t frame, const struct sym_frame **out);
	void (*done)(void *ctx); /* may be NULL */
};

#endif
