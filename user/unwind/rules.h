/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules, each once, by number. Number 0 is UNW_BAD in every set. There is one set for each file
 * while it is read, and one for all that the BPF programs have.
 */
#ifndef CTRACE_UNWIND_RULES_H
#define CTRACE_UNWIND_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/unwind.h"
#include "util/u64map.h"

struct unw_rules {
	struct unw_rule *rule; /* by number; NULL before the first unw_rules_add() */
	size_t cnt, cap;
	struct u64map number; /* the rule's 8 bytes → its number */
};

/*
 * The number of a rule, which is the same for as long as the set lives. 0 when it is UNW_BAD, and
 * when UNW_RULES_MAX are there already and it is not among them.
 */
uint16_t unw_rules_add(struct unw_rules *s, struct unw_rule r);
/* As new; the memory of `rule` is freed too. */
void unw_rules_free(struct unw_rules *s);

#endif
