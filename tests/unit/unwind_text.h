/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables as text, and what holds for each of them, for the tests of user/unwind.
 *
 * A row is "ADDRESS CFA [BP]": "1001 rsp+16 bp@cfa-16". The kinds of CFA are bad, stop, rsp+N,
 * rbp+N, *(rsp+N)+8, *(rbp+N), plt N, signal+N, fp; those of rbp are nothing (as it was), bp@cfa+N,
 * bp@rbp+N and bp? (lost).
 */
#ifndef CTRACE_TESTS_UNWIND_TEXT_H
#define CTRACE_TESTS_UNWIND_TEXT_H

#include "helpers.h"
#include "unwind/table.h"

static UNUSED void rule_text(struct strbuf *sb, const struct unw_rule *r)
{
	static const char *const form[] = {
		[UNW_BAD] = "bad",
		[UNW_STOP] = "stop",
		[UNW_RSP] = "rsp%+d",
		[UNW_RBP] = "rbp%+d",
		[UNW_RSP_DEREF] = "*(rsp%+d)+8",
		[UNW_RBP_DEREF] = "*(rbp%+d)",
		[UNW_PLT] = "plt %d",
		[UNW_SIGNAL] = "signal%+d",
		[UNW_FP] = "fp",
	};

	assert_true(r->cfa < COUNT(form));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	strbuf_addf(sb, form[r->cfa], r->cfa_off);
#pragma GCC diagnostic pop
	if (r->bp == UNW_BP_CFA)
		strbuf_addf(sb, " bp@cfa%+d", r->bp_off);
	else if (r->bp == UNW_BP_RBP)
		strbuf_addf(sb, " bp@rbp%+d", r->bp_off);
	else if (r->bp == UNW_BP_UNDEF)
		strbuf_addstr(sb, " bp?");
}

static UNUSED void table_text(struct strbuf *sb, const struct unwind_table *t)
{
	size_t i;

	for (i = 0; i < t->nrow; i++) {
		strbuf_addf(sb, "%llx ", (unsigned long long)t->pc[i]);
		rule_text(sb, &t->rules[t->rule[i]]);
		strbuf_addch(sb, '\n');
	}
}

/* What holds for every table, whatever it was read from. */
static UNUSED void table_is_sound(const struct unwind_table *t)
{
	size_t i;

	if (t->nrow) {
		assert_true(t->nrule >= 1 && t->nrule <= UNW_RULES_MAX);
		assert_int_equal(t->rule[t->nrow - 1], 0);
	}
	for (i = 0; i < t->nrow; i++) {
		assert_true(t->rule[i] < t->nrule);
		if (i)
			assert_true(t->pc[i] > t->pc[i - 1] && t->rule[i] != t->rule[i - 1]);
	}
	for (i = 0; i < t->nrule; i++) {
		const struct unw_rule *r = &t->rules[i];

		assert_int_equal(i == 0, r->cfa == UNW_BAD);
		assert_true(r->cfa <= UNW_FP && r->bp <= UNW_BP_UNDEF);
		if (r->cfa == UNW_BAD || r->cfa == UNW_STOP || r->cfa == UNW_FP)
			assert_true(!r->bp && !r->bp_off && !r->cfa_off);
		if (r->bp == UNW_BP_RBP)
			assert_int_equal(r->cfa, UNW_RBP_DEREF);
		if (r->bp == UNW_BP_SAME || r->bp == UNW_BP_UNDEF)
			assert_int_equal(r->bp_off, 0);
	}
}

#endif
