// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is said on stderr: a line, whatever is in the names that it tells.
 */
#include "helpers.h"

#include <unistd.h>

#define LOG_TAG "test"
#include "util/log.h"

static char said[8192];

/* From here to listen_end() stderr is kept. */
static int listen_begin(FILE *to)
{
	int old = dup(STDERR_FILENO);

	fflush(stderr);
	assert_true(old >= 0 && dup2(fileno(to), STDERR_FILENO) >= 0);
	return old;
}

static void listen_end(FILE *to, int old)
{
	size_t len;

	fflush(stderr);
	assert_true(dup2(old, STDERR_FILENO) >= 0);
	close(old);
	rewind(to);
	len = fread(said, 1, sizeof(said) - 1, to);
	said[len] = 0;
	fclose(to);
}

static void says(const char *text, const char *want)
{
	FILE *to = tmpfile();
	int old;

	assert_non_null(to);
	old = listen_begin(to);
	log_notice("%s", text);
	listen_end(to, old);
	assert_string_equal(said, want);
}

static void names_do_nothing_to_a_terminal(void **state)
{
	(void)state;
	says("region query took 31ms", "ctrace-bpf: region query took 31ms\n");
	says("a\033]0;owned\007b\033[31mred", "ctrace-bpf: a\\x1b]0;owned\\x07b\\x1b[31mred\n");
	says("x\nctrace-bpf: all is well\r", "ctrace-bpf: x\\x0actrace-bpf: all is well\\x0d\n");
	says("\302\2331mred\302\240\177", "ctrace-bpf: \\u009b1mred\302\240\\x7f\n");
	says("Zeit f\303\274r\tKaffee \342\230\225",
	     "ctrace-bpf: Zeit f\303\274r\tKaffee \342\230\225\n");
}

/* Nothing is written behind the room that there is for the longest text of nothing else. */
static void long_texts(void **state)
{
	FILE *to = tmpfile();
	char text[4096];
	size_t i;
	int old;

	(void)state;
	assert_non_null(to);
	for (i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\302\233", 2);
	text[i] = 0;
	old = listen_begin(to);
	log_error("%s", text);
	listen_end(to, old);
	assert_memory_equal(said, "ctrace-bpf: \\u009b\\u009b", 24);
	assert_true(said[strlen(said) - 1] == '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_do_nothing_to_a_terminal),
		cmocka_unit_test(long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
