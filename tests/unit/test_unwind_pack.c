// SPDX-License-Identifier: BSD-2-Clause
/*
 * Packed tables: a search of the words finds what a search of the table finds, at each row's
 * boundary and on both sides of it, for made tables and for files of this machine.
 */
#include "unwind_text.h"

#include <fcntl.h>

#include "unwind/pack.h"

struct words {
	uint32_t *word;
	uint32_t first, next, cap;
};

static void put(void *arg, uint32_t first, const uint32_t *word, uint32_t cnt)
{
	struct words *w = arg;

	assert_int_equal(first, w->next); /* in order, none left out */
	assert_true(cnt && first >> UNW_CHUNK_SHIFT == (first + cnt - 1) >> UNW_CHUNK_SHIFT);
	assert_true(first + cnt <= w->first + w->cap);
	memcpy(w->word + (first - w->first), word, cnt * sizeof(*word));
	w->next += cnt;
}

static uint32_t get(void *arg, uint32_t word)
{
	const struct words *w = arg;

	assert_true(word >= w->first && word < w->next);
	return w->word[word - w->first];
}

static void same_rule(const struct unwind_table *t, const struct unw_module *m, struct words *w,
		      const struct unw_rules *rules, uint64_t addr)
{
	static const struct unw_rule none = { .cfa = UNW_BAD };
	const struct unw_rule *want = unwind_table_find(t, addr);
	uint16_t n = unw_packed_find(m, addr, get, w);

	assert_true(n < rules->cnt);
	if (memcmp(want ? want : &none, &rules->rule[n], sizeof(none)))
		fail_msg("not the same rule at %llx", (unsigned long long)addr);
}

static void same_everywhere(const struct unwind_table *t, uint32_t page0, struct unw_rules *rules)
{
	struct words w = { .first = page0, .next = page0 };
	struct unw_packing p;
	struct unw_module m = { .page0 = page0, .flags = UNW_MODULE_TABLE };
	uint64_t seed = 3, last = t->pc[t->nrow - 1];
	size_t i;

	assert_int_equal(unw_pack_measure(t, &p), 0);
	w.cap = p.nwords;
	w.word = xmalloc(p.nwords * sizeof(*w.word));
	unw_pack(t, &p, page0, rules, put, &w);
	assert_int_equal(w.next, page0 + p.nwords);
	m.base = p.base;
	m.npages = p.npages;
	for (i = 0; i < t->nrow; i++) {
		same_rule(t, &m, &w, rules, t->pc[i] - 1);
		same_rule(t, &m, &w, rules, t->pc[i]);
		same_rule(t, &m, &w, rules, t->pc[i] + 1);
	}
	for (i = 0; i < p.npages; i++) {
		same_rule(t, &m, &w, rules, p.base + i * 4096);
		same_rule(t, &m, &w, rules, p.base + i * 4096 + 4095);
	}
	for (i = 0; i < 20000; i++)
		same_rule(t, &m, &w, rules, p.base + rnd(&seed) % (last - p.base + 8192));
	assert_int_equal(unw_packed_find(&m, 0, get, &w), 0);
	assert_int_equal(unw_packed_find(&m, p.base - 1, get, &w), 0);
	assert_int_equal(unw_packed_find(&m, UINT64_MAX, get, &w), 0);
	free(w.word);
}

/* rows on the begins of pages, pages without rows, a table that begins inside a page */
static void made(void **state)
{
	uint64_t pc[] = { 0x10ff0, 0x11000, 0x11001, 0x12fff, 0x13000, 0x1ffff, 0x20000, 0x31000 };
	uint16_t rule[] = { 1, 2, 1, 2, 1, 2, 1, 0 };
	struct unw_rule rules[] = {
		{ .cfa = UNW_BAD },
		{ .cfa = UNW_RSP, .cfa_off = 8 },
		{ .cfa = UNW_RBP, .cfa_off = 16, .bp = UNW_BP_CFA, .bp_off = -16 },
	};
	struct unwind_table t = { COUNT(pc), pc, rule, COUNT(rules), rules, 0, 0 };
	struct unw_rules all = { 0 };

	(void)state;
	same_everywhere(&t, 0, &all);
	same_everywhere(&t, (1u << UNW_CHUNK_SHIFT) - 3, &all); /* over the end of a chunk */
	same_everywhere(&t, (1u << UNW_SLAB_SHIFT) - 40, &all); /* and of a slab */
	assert_int_equal(all.cnt, 3);
	pc[0] = 0x10000;
	same_everywhere(&t, 5, &all);
	t.pc++;
	t.rule++;
	t.nrow--;
	same_everywhere(&t, 5, &all);
	unw_rules_free(&all);
}

static void bounds(void **state)
{
	uint64_t pc[] = { 0x1000, 0x1000 + ((uint64_t)UNW_PAGES_MAX << UNW_PAGE_SHIFT) };
	uint16_t rule[] = { 1, 0 };
	struct unw_rule rules[] = { { .cfa = UNW_BAD }, { .cfa = UNW_RSP, .cfa_off = 8 } };
	struct unwind_table t = { 0, pc, rule, COUNT(rules), rules, 0, 0 };
	struct unw_packing p;

	(void)state;
	assert_int_equal(unw_pack_measure(&t, &p), -ENODATA);
	t.nrow = 2;
	assert_int_equal(unw_pack_measure(&t, &p), -E2BIG);
	pc[1] -= 1;
	assert_int_equal(unw_pack_measure(&t, &p), 0);
	assert_int_equal(p.npages, UNW_PAGES_MAX);
}

/* the set that all files share is full: known rules are found, new ones are UNW_BAD */
static void rules_full(void **state)
{
	struct unw_rules all = { 0 };
	int i;

	(void)state;
	for (i = 1; i < UNW_RULES_MAX; i++)
		assert_int_equal(
			unw_rules_add(&all, (struct unw_rule){ .cfa = UNW_RSP, .cfa_off = i }), i);
	assert_int_equal(unw_rules_add(&all, (struct unw_rule){ .cfa = UNW_STOP }), 0);
	assert_int_equal(unw_rules_add(&all, (struct unw_rule){ .cfa = UNW_RSP, .cfa_off = 77 }),
			 77);
	assert_int_equal(all.cnt, UNW_RULES_MAX);
	unw_rules_free(&all);
}

static void files(void **state)
{
	static const char *const path[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/bin/gdb",
		"/proc/self/exe",
	};
	struct unw_rules all = { 0 };
	struct strbuf why = STRBUF_INIT;
	struct unwind_table t;
	size_t i, n = 0;
	int fd;

	(void)state;
	for (i = 0; i < COUNT(path); i++) {
		fd = open(path[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		assert_int_equal(unwind_table_read(&t, fd, &why), 0);
		close(fd);
		table_is_sound(&t);
		same_everywhere(&t, (uint32_t)(i * 100000 + 12345), &all);
		unwind_table_free(&t);
		n++;
	}
	assert_true(n);
	unw_rules_free(&all);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made),
		cmocka_unit_test(bounds),
		cmocka_unit_test(rules_full),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
