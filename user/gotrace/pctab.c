// SPDX-License-Identifier: BSD-2-Clause
/* See pctab.h. */
#include "gotrace/pctab.h"

#include "gotrace/frametab.h"

uint64_t pctab_pc(struct pctab *t, const struct strtab *strings, uint32_t func, uint32_t file,
		  uint32_t line)
{
	uint64_t text = frame_pc_text(strings, func, file, line), *slot;

	slot = u64map_get(&t->by_text, text);
	if (!slot && t->by_text.cnt >= PCTAB_MAX)
		return text;
	if (!slot) {
		slot = u64map_put(&t->by_text, text, NULL);
		*slot = t->by_text.cnt;
	}
	return frame_pc_addr((uint32_t)*slot);
}

void pctab_free(struct pctab *t)
{
	u64map_free(&t->by_text);
}
