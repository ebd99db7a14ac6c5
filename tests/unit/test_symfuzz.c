// SPDX-License-Identifier: BSD-2-Clause
/*
 * Some hundred damaged ELF files as the program would meet them: whatever they are, each frame has
 * a name, in time. `make fuzz-sym` does it with many more, see tests/fuzz/fuzz_sym.c.
 */
#include "symbol/symbolizer.h"
#include "tests/fuzz/damage.h"

#define INPUTS (SANITIZED ? 200 : 400)

static void count(void *ctx, const char *sentence)
{
	if (strstr(sentence, "signal") || strstr(sentence, "ended") || strstr(sentence, "takes"))
		++*(size_t *)ctx;
}

static void answered(void **state)
{
	struct symbolizer *s = symbolizer__new();
	struct seeds all = { .cnt = 0 };
	size_t deaths = 0, named = 0, n, k;
	const struct sym_frame *f;
	const struct seed *seed;
	uint64_t i, frame, r;

	(void)state;
	assert_non_null(s);
	make_seeds(&all);
	for (i = 0; i < INPUTS; i++) {
		struct sym_module m = { .module = (uint32_t)i + 1,
					.type = EV_MODULE_FILE,
					.root_fd = -1,
					.path = "/nonexistent" };

		r = i + 1;
		m.fd = damaged_file(&all, i, &seed);
		symbolizer__add(s, &m);
		for (k = 0; k < 16; k++) {
			frame = EV_FRAME(m.module, seed->text + rnd(&r) % seed->text_size);
			n = symbolizer__resolve(s, frame, &f);
			assert_true(n >= 1 && n <= EV_SYM_FRAMES);
			assert_true(*f->func);
			named += !strstr(f->func, "+0x");
		}
	}
	symbolizer__troubles(s, count, &deaths);
	symbolizer__free(s);
	free_seeds(&all);
	assert_true(named > INPUTS);
	assert_true(deaths <= INPUTS / 20); /* libdw may have faults, we should not */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answered) };

	return cmocka_run_group_tests_name("symfuzz", tests, make_dir, remove_dir);
}
