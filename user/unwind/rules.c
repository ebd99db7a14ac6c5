// SPDX-License-Identifier: BSD-2-Clause
/* See rules.h. */
#include "unwind/rules.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

uint16_t unw_rules_add(struct unw_rules *s, struct unw_rule r)
{
	uint64_t key, *number;

	if (!s->cnt) {
		s->rule = xgrow(s->rule, 0, &s->cap, sizeof(*s->rule));
		s->rule[s->cnt++] = (struct unw_rule){ .cfa = UNW_BAD };
	}
	if (r.cfa == UNW_BAD)
		return 0;
	memcpy(&key, &r, sizeof(key)); /* not 0, as cfa is not */
	number = u64map_get(&s->number, key);
	if (number)
		return (uint16_t)*number;
	if (s->cnt == UNW_RULES_MAX)
		return 0;
	s->rule = xgrow(s->rule, s->cnt, &s->cap, sizeof(*s->rule));
	s->rule[s->cnt] = r;
	*u64map_put(&s->number, key, NULL) = s->cnt;
	return (uint16_t)s->cnt++;
}

void unw_rules_free(struct unw_rules *s)
{
	free(s->rule);
	u64map_free(&s->number);
	*s = (struct unw_rules){ 0 };
}
