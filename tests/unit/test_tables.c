// SPDX-License-Identifier: BSD-2-Clause
/*
 * Strings, stacks and frames become ids: equal ones the same id, others another, after a reset from
 * 1 again; texts are cut and cleaned; a frame's text stays where it is while another thread adds
 * frames.
 */
#include "helpers.h"

#include <pthread.h>

#include "gotrace/frametab.h"
#include "gotrace/pctab.h"
#include "gotrace/stacktab.h"
#include "gotrace/strtab.h"
#include "util/arena.h"
#include "util/utf8.h"

static uint32_t str(struct strtab *st, struct arena *a, const char *s)
{
	return strtab_id(st, a, s, strlen(s));
}

static void strings(void **state)
{
	struct arena a = { 0 };
	struct strtab st = { 0 };
	char text[16];
	uint32_t i;

	(void)state;
	assert_int_equal(str(&st, &a, ""), 0);
	for (i = 1; i <= 3000; i++) {
		snprintf(text, sizeof(text), "s%u", i);
		assert_int_equal(str(&st, &a, text), i);
	}
	for (i = 1; i <= 3000; i++) {
		snprintf(text, sizeof(text), "s%u", i);
		assert_int_equal(str(&st, &a, text), i);
		assert_int_equal(st.ent[i - 1].len, strlen(text));
		assert_memory_equal(st.ent[i - 1].text, text, strlen(text));
	}
	assert_int_equal(strtab_id(&st, &a, "s1xxx", 2), 1);
	assert_int_equal(strtab_id(&st, &a, "s1\0", 3), 3001); /* a NUL is a character */
	strtab_reset(&st);
	arena_reset(&a);
	assert_int_equal(str(&st, &a, "s2"), 1);
	strtab_free(&st);
	arena_free(&a);
}

static void strings_cut_and_cleaned(void **state)
{
	struct arena a = { 0 };
	struct strtab st = { 0 };
	char text[GO_STRING_MAX + 10];
	uint32_t id;

	(void)state;
	assert_int_equal(str(&st, &a, "x\xff"), 1);
	assert_int_equal(str(&st, &a, "x" UTF8_BAD), 1);
	assert_int_equal(st.ent[0].len, 4);
	memset(text, 'a', sizeof(text));
	id = strtab_id(&st, &a, text, GO_STRING_MAX);
	assert_int_equal(strtab_id(&st, &a, text, GO_STRING_MAX + 1), id);
	assert_int_equal(st.ent[id - 1].len, GO_STRING_MAX);
	memcpy(text + GO_STRING_MAX - 1, "\xc3\xa4", 2); /* would be cut in the middle */
	id = strtab_id(&st, &a, text, GO_STRING_MAX + 1);
	assert_int_equal(st.ent[id - 1].len, GO_STRING_MAX - 1);
	strtab_free(&st);
	arena_free(&a);
}

static void stacks(void **state)
{
	struct arena a = { 0 };
	struct stacktab st = { 0 };
	uint32_t f[4] = { 1, 2, 3, 4 }, r[4] = { 4, 3, 2, 1 }, i, one[2];

	(void)state;
	assert_int_equal(stacktab_id(&st, &a, f, 0), 0);
	assert_int_equal(stacktab_id(&st, &a, f, 4), 1);
	assert_int_equal(stacktab_id(&st, &a, f, 3), 2); /* a part is another stack */
	assert_int_equal(stacktab_id(&st, &a, r, 4), 3); /* and so is the order */
	f[0] = 9;					 /* the table has a copy */
	assert_int_equal(stacktab_id(&st, &a, (uint32_t[]){ 1, 2, 3, 4 }, 4), 1);
	for (i = 0; i < 2000; i++) {
		one[0] = 1000 + i;
		one[1] = 5;
		assert_int_equal(stacktab_id(&st, &a, one, 2), 4 + i);
	}
	one[0] = 1000;
	assert_int_equal(stacktab_id(&st, &a, one, 2), 4);
	stacktab_reset(&st);
	arena_reset(&a);
	assert_int_equal(stacktab_id(&st, &a, r, 4), 1);
	stacktab_free(&st);
	arena_free(&a);
}

static void pcs(void **state)
{
	struct arena a = { 0 };
	struct strtab st = { 0 };
	struct pctab t = { 0 };
	uint32_t f = str(&st, &a, "f"), g = str(&st, &a, "g"), file = str(&st, &a, "x.c");
	uint64_t first = pctab_pc(&t, &st, f, file, 1), pc;
	uint32_t line;

	(void)state;
	assert_true(first == frame_pc_addr(1));
	assert_true(pctab_pc(&t, &st, g, file, 1) == frame_pc_addr(2));
	assert_true(pctab_pc(&t, &st, f, file, 2) == frame_pc_addr(3));
	assert_true(pctab_pc(&t, &st, f, g, 1) == frame_pc_addr(4));
	assert_true(pctab_pc(&t, &st, f, file, 1) == first);
	/* bounded: what comes later has a pc of its own all the same */
	for (line = 5; t.by_text.cnt < PCTAB_MAX; line++)
		pctab_pc(&t, &st, f, file, line);
	pc = pctab_pc(&t, &st, f, file, line);
	assert_true(pc >= FRAME_PC_TEXT);
	assert_true(pctab_pc(&t, &st, f, file, line) == pc);
	assert_true(pctab_pc(&t, &st, f, file, line + 1) != pc);
	assert_int_equal(t.by_text.cnt, PCTAB_MAX);
	assert_true(pctab_pc(&t, &st, f, file, 1) == first);
	pctab_free(&t);
	strtab_free(&st);
	arena_free(&a);
}

/* leaf side and root are what names a thread and tells where it is */
static void stacks_too_deep(void **state)
{
	struct arena a = { 0 };
	struct stacktab st = { 0 };
	uint32_t f[300], i;

	(void)state;
	for (i = 0; i < 300; i++)
		f[i] = i + 1;
	assert_int_equal(stacktab_id(&st, &a, f, STACK_HANDLES_MAX), 1);
	assert_int_equal(st.ent[0].frame[STACK_HANDLES_MAX - 1], STACK_HANDLES_MAX);
	assert_int_equal(stacktab_id(&st, &a, f, 300), 2);
	assert_int_equal(st.ent[1].cnt, STACK_HANDLES_MAX);
	assert_int_equal(st.ent[1].frame[0], 1);
	assert_int_equal(st.ent[1].frame[STACK_HANDLES_MAX - 2], STACK_HANDLES_MAX - 1);
	assert_int_equal(st.ent[1].frame[STACK_HANDLES_MAX - 1], 300);
	stacktab_free(&st);
	arena_free(&a);
}

static void frames(void **state)
{
	struct frametab *ft = frametab__new();
	uint32_t a = frametab__id(ft, "main", "/bin/x", 1);
	struct frame f;

	(void)state;
	assert_int_equal(a, 1);
	assert_int_equal(frametab__id(ft, "main", "/bin/x", 1), a);
	assert_int_equal(frametab__id(ft, "main", "/bin/x", 2), 2);
	assert_int_equal(frametab__id(ft, "main", "/bin/y", 1), 3);
	assert_int_equal(frametab__id(ft, "/bin/x", "main", 1), 4);
	assert_int_equal(frametab__id(ft, "", "", 0), 5);
	f = frametab__get(ft, 5);
	assert_string_equal(f.func, "?");
	assert_string_equal(f.file, "?");
	assert_int_equal(f.line, 1);
	f = frametab__get(ft, 4);
	assert_string_equal(f.func, "/bin/x");
	assert_string_equal(f.file, "main");
	assert_true(frame_pc(1) && frame_pc(1) != frame_pc(2));
	/* of one kind or the other: 16 divides the difference of two of one kind only */
	assert_int_equal((frame_pc_addr(7) - frame_pc(3)) % 16, 8);
	frametab__free(ft);
	frametab__free(NULL);
}

/* so many that some have equal hashes of 32 bits: they are told apart all the same */
static void equal_hashes(void **state)
{
	struct frametab *ft = frametab__new();
	struct arena a = { 0 };
	struct stacktab stacks = { 0 };
	struct strtab strs = { 0 };
	char text[16];
	uint32_t i;

	(void)state;
	for (i = 1; i <= 300000; i++) {
		snprintf(text, sizeof(text), "%u", i * 2654435761u);
		assert_int_equal(frametab__id(ft, "f", "x", i), i);
		assert_int_equal(stacktab_id(&stacks, &a, &i, 1), i);
		assert_int_equal(str(&strs, &a, text), i);
	}
	frametab__free(ft);
	stacktab_free(&stacks);
	strtab_free(&strs);
	arena_free(&a);
}

struct race {
	struct frametab *ft;
	uint32_t known; /* handles up to here are there */
};

static void *reads_frames(void *arg)
{
	struct race *r = arg;
	uint32_t i, n;
	struct frame f;
	char want[16];

	do {
		n = __atomic_load_n(&r->known, __ATOMIC_ACQUIRE);
		for (i = n > 200 ? n - 200 : 1; i <= n; i++) {
			f = frametab__get(r->ft, i);
			snprintf(want, sizeof(want), "f%u", i);
			if (strcmp(f.func, want) || f.line != i)
				return "wrong";
		}
	} while (n < 20000);
	return NULL;
}

static void frames_of_two_threads(void **state)
{
	struct race r = { frametab__new(), 0 };
	pthread_t thread;
	char text[16];
	void *result;
	uint32_t i;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, reads_frames, &r), 0);
	for (i = 1; i <= 20000; i++) {
		snprintf(text, sizeof(text), "f%u", i);
		assert_int_equal(frametab__id(r.ft, text, "file", i), i);
		__atomic_store_n(&r.known, i, __ATOMIC_RELEASE);
	}
	pthread_join(thread, &result);
	assert_null(result);
	frametab__free(r.ft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),	   cmocka_unit_test(strings_cut_and_cleaned),
		cmocka_unit_test(stacks),	   cmocka_unit_test(pcs),
		cmocka_unit_test(stacks_too_deep), cmocka_unit_test(frames),
		cmocka_unit_test(equal_hashes),	   cmocka_unit_test(frames_of_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
