// SPDX-License-Identifier: BSD-2-Clause
/* Options of a recording that cannot be meant together, in which words they are refused. */
#include "helpers.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cli/check.h"
#include "cli/options.h"

/* What check_recording() says to words apart by spaces; empty: nothing. */
static void check(const char *line, struct strbuf *why)
{
	char copy[256], *argv[16] = { (char *)"ctrace-bpf" }, *at = copy;
	struct options o;
	int argc = 1, err;

	optind = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	while ((argv[argc] = strsep(&at, " ")))
		argc++;
	if (options_parse(&o, FOR_RECORD, argc, argv, why))
		fail_msg("'%s': %s", line, why->buf);
	err = check_recording(&o, why);
	assert_int_equal(err, why->len ? -EINVAL : 0);
	options_free(&o);
}

static void good(const char *line)
{
	struct strbuf why = STRBUF_INIT;

	check(line, &why);
	if (why.len)
		fail_msg("'%s': %s", line, why.buf);
	strbuf_free(&why);
}

static void bad(const char *line, const char *want)
{
	struct strbuf why = STRBUF_INIT;

	check(line, &why);
	if (!why.len || !strstr(why.buf, want))
		fail_msg("'%s': '%s' has no '%s'", line, why.buf, want);
	assert_null(strchr(why.buf, '\n'));
	strbuf_free(&why);
}

static void who(void **state)
{
	(void)state;
	good("-p 1");
	good("-a --comm x --uid 0 --exclude y --kernel-threads --sample-processes 10");
	good("--cgroup /x --comm y");
	good("-p 1 -f");
	good("-f -- true");
	bad("-d 1", "what shall be recorded?");
	bad("true", "'true' is no option; to start it under trace write -- true");
	bad("-p 1 -a", "-a records everything: -p cannot be added");
	bad("--cgroup /x --container abcdef", "both name a group");
	bad("-p 1 --container abcdef", "--container a group of them");
	bad("-a --cgroup /x", "--cgroup a part of it");
	bad("-p 1 --uid 0", "--uid chooses among the processes of -a or --cgroup");
	bad("-a -f", "-f is for -p");
}

static void command(void **state)
{
	(void)state;
	bad("--", "there is no command behind it");
	bad("-p 1 -- true", "-p cannot be added to it");
	bad("-a -- true", "-a cannot be added to it");
	bad("--cgroup /x -- true", "--cgroup cannot be added to it");
	bad("--comm x -- true", "--comm cannot be added to it");
	bad("-o - -- true", "standard output is what true writes to");
	bad("--duty=1s/2s -- true", "start true by itself");
}

static void files(void **state)
{
	(void)state;
	good("-p 1 --rotate=10s --keep=2 --max-size=10M --min-free=1M");
	good("-p 1 --duty=1s/2s --keep=2");
	bad("-p 1 --rotate=1M --duty=1s/2s", "--rotate cannot be added to it");
	bad("-p 1 --rotate=1M -o -", "--rotate makes more than one file");
	bad("-p 1 --duty=1s/2s -o -", "--duty makes more than one file");
	bad("-p 1 --rotate=1K", "give 64K or more");
	bad("-p 1 --keep=2", "add --rotate, --duty or --flight-recorder");
	bad("-p 1 --min-free=1M -o -", "--min-free is for files");
	bad("-p 1 --duty=1s/2s --raw=x", "leave --raw out");
	bad("-p 1 -o x --raw=x", "name the same file, x");
}

static void flight(void **state)
{
	(void)state;
	good("-p 1 --flight-recorder=10s --keep=2 --trigger=signal --trigger=syscall>1ms");
	good("-p 1 --flight-recorder=10s --trigger=exit --syscalls=none");
	good("-p 1 --flight-recorder=10s --max-size=1M --min-free=1M");
	good("--flight-recorder=10s --raw=x -- true");
	bad("-p 1 --trigger=signal", "give --flight-recorder=10s with it");
	good("-p 1 --flight-recorder=10s --trigger=signal --trigger-gap=0");
	bad("-p 1 --flight-recorder=10s --trigger-gap=5s", "give --trigger with it");
	bad("-p 1 --trigger-gap=1s", "give --trigger with it");
	bad("-p 1 --flight-recorder=10s -o -", "not -");
	bad("-p 1 --flight-recorder=10s --rotate=1M", "--rotate writes it all");
	bad("-p 1 --flight-recorder=10s --duty=1s/2s", "--duty writes it all");
	bad("-p 1 --flight-recorder=10s,100T", "less than half of that");
	bad("-p 1 --flight-recorder=10s --trigger=syscall>1ms --syscalls=none",
	    "--trigger syscall>1ms needs to know each syscall");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who),
		cmocka_unit_test(command),
		cmocka_unit_test(files),
		cmocka_unit_test(flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
