/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a perf-PID.map (jitcode.h) → functions by address. */
#ifndef CTRACE_SYMBOL_PERFMAP_H
#define CTRACE_SYMBOL_PERFMAP_H

#include <stddef.h>
#include <stdint.h>

struct perfmap;

/* Lines that are none are left out; the text may go away afterwards. */
struct perfmap *perfmap__new(const char *text, size_t len);
void perfmap__free(struct perfmap *m); /* NULL is fine */

/* NULL: no name. It lives as long as m. */
const char *perfmap__find(const struct perfmap *m, uint64_t addr);

#endif
