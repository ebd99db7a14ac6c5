// SPDX-License-Identifier: BSD-2-Clause
/* Every option: what it takes, what it refuses and in which words, for the commands that know it. */
#include "helpers.h"

#include <errno.h>
#include <getopt.h>

#include "cli/options.h"
#include "util/log.h"

/* Parses words apart by spaces; '_' stands for an empty word. */
static int parse(struct options *o, unsigned cmd, const char *line, struct strbuf *why)
{
	static char copy[256];
	static char *argv[16];
	int argc = 1;
	char *at = copy;

	optind = 0; /* getopt forgets a word that an error left half read */
	getopt(1, (char *[]){ (char *)"x", NULL }, "");
	snprintf(copy, sizeof(copy), "%s", line);
	argv[0] = (char *)"ctrace-bpf";
	while (*line && (argv[argc] = strsep(&at, " "))) {
		if (!strcmp(argv[argc], "_"))
			argv[argc][0] = 0;
		argc++;
	}
	argv[argc] = NULL;
	return options_parse(o, cmd, argc, argv, why);
}

static struct options good(unsigned cmd, const char *line)
{
	struct strbuf why = STRBUF_INIT;
	struct options o;

	if (parse(&o, cmd, line, &why))
		fail_msg("'%s': %s", line, why.buf);
	assert_int_equal(why.len, 0);
	strbuf_free(&why);
	return o;
}

static void bad(unsigned cmd, const char *line, const char *want)
{
	struct strbuf why = STRBUF_INIT;
	struct options o;

	assert_int_equal(parse(&o, cmd, line, &why), -EINVAL);
	assert_string_equal(why.buf, want);
	options_free(&o);
	strbuf_free(&why);
}

#define GOOD(cmd, line, check)                      \
	do {                                        \
		struct options o = good(cmd, line); \
		assert_true(check);                 \
		options_free(&o);                   \
	} while (0)

static void defaults(void **state)
{
	struct options o = good(FOR_RECORD, "");

	(void)state;
	assert_int_equal(o.npid, 0);
	assert_false(o.all || o.strict || o.json || o.group_digits || o.text || o.repair);
	assert_int_equal(o.go_minor, 23);
	assert_int_equal(o.syscalls, SYSCALLS_ALL);
	assert_int_equal(o.duration_ns + o.buffer + o.first_proc, 0);
	assert_null(o.output);
	assert_null(o.raw);
	assert_int_equal(o.nrest, 0);
	options_free(&o);
}

static void pids(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "-p 7", o.npid == 1 && o.pid[0] == 7);
	GOOD(FOR_RECORD, "-p7,8 --pid=9,7 --pid 4194304",
	     o.npid == 4 && o.pid[2] == 9 && o.pid[3] == 4194304);
}

static void durations(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "-d 5", o.duration_ns == 5000000000);
	GOOD(FOR_RECORD, "--duration=500ms", o.duration_ns == 500000000);
	GOOD(FOR_RECORD, "-d 2496h", o.duration_ns == 2496ull * 3600 * 1000000000);
}

static void files(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "-o x", !strcmp(o.output, "x"));
	GOOD(FOR_CONVERT, "in --output=- more", !strcmp(o.output, "-") && o.nrest == 2);
	GOOD(FOR_RECORD, "--raw r", !strcmp(o.raw, "r"));
}

static void modes(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "--syscalls=all", o.syscalls == SYSCALLS_ALL);
	GOOD(FOR_RECORD, "--syscalls blocking", o.syscalls == SYSCALLS_BLOCKING);
	GOOD(FOR_RECORD, "--syscalls=none", o.syscalls == SYSCALLS_NONE);
	GOOD(FOR_RECORD, "--go-version=1.22", o.go_minor == 22);
	GOOD(FOR_CONVERT, "--go-version 1.23", o.go_minor == 23);
	GOOD(FOR_RECORD, "--go-version=1.25", o.go_minor == 25);
	GOOD(FOR_RECORD, "--go-version=1.26", o.go_minor == 26);
}

static void stacks(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "", o.stacks == (CT_STACK_BLOCK | CT_STACK_FORK));
	GOOD(FOR_RECORD, "--stacks=none", o.stacks == 0);
	GOOD(FOR_RECORD, "--stacks wakeup", o.stacks == CT_STACK_WAKEUP);
	GOOD(FOR_RECORD, "--stacks=block,block,syscall",
	     o.stacks == (CT_STACK_BLOCK | CT_STACK_SYSCALL) && !o.sample_hz);
	GOOD(FOR_RECORD, "--stacks=kernel,preempt",
	     o.stacks == (CT_STACK_KERNEL | CT_STACK_PREEMPT));
	GOOD(FOR_RECORD, "--stacks=mark", o.stacks == CT_STACK_MARK);
	GOOD(FOR_RECORD, "--stacks=all", o.stacks == 127 && !o.sample_hz);
	GOOD(FOR_RECORD, "--stacks=all --stacks=fork", o.stacks == CT_STACK_FORK);
	GOOD(FOR_RECORD, "--stacks=sample", o.stacks == 0 && o.sample_hz == 99);
	GOOD(FOR_RECORD, "--stacks=sample --stacks=fork",
	     o.stacks == CT_STACK_FORK && !o.sample_hz);
	GOOD(FOR_RECORD, "--sample=7 --stacks=all,sample", o.stacks == 127 && o.sample_hz == 7);

	GOOD(FOR_RECORD, "", o.call_graph == CT_CALL_GRAPH_CFI);
	GOOD(FOR_RECORD, "--call-graph=fp", o.call_graph == CT_CALL_GRAPH_FP);
	GOOD(FOR_RECORD, "--call-graph=none", o.call_graph == CT_CALL_GRAPH_NONE);
	GOOD(FOR_RECORD, "--call-graph=fp --call-graph=cfi", o.call_graph == CT_CALL_GRAPH_CFI);

	GOOD(FOR_RECORD, "", o.sample_hz == 0);
	GOOD(FOR_RECORD, "--sample", o.sample_hz == 99 && o.nrest == 0);
	GOOD(FOR_RECORD, "--sample 5", o.sample_hz == 99 && o.nrest == 1);
	GOOD(FOR_RECORD, "--sample=1", o.sample_hz == 1);
	GOOD(FOR_RECORD, "--sample=10000", o.sample_hz == 10000);
}

static void annotations(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "", !o.nannot && o.annotations == LISTEN_AUTO && o.go == LISTEN_AUTO);
	GOOD(FOR_RECORD, "--region a:f --usdt b:p:n --region=c:g --usdt-region d:p:x,y:arg2",
	     o.nannot == 4 && o.annot[0].kind == SPEC_REGION && !strcmp(o.annot[0].bin, "a") &&
		     o.annot[1].kind == SPEC_USDT && !strcmp(o.annot[2].func, "g") &&
		     o.annot[3].kind == SPEC_USDT_REGION && o.annot[3].name_arg == 2);
	GOOD(FOR_RECORD, "--annotations=off --go=auto",
	     o.annotations == LISTEN_OFF && o.go == LISTEN_AUTO);
	GOOD(FOR_RECORD, "--annotations=off --annotations auto --go off",
	     o.annotations == LISTEN_AUTO && o.go == LISTEN_OFF);

	GOOD(FOR_MARKERS, "-p 7", o.npid == 1 && !o.nrest);
	GOOD(FOR_MARKERS, "/bin/x --json --region a* --region b",
	     o.nrest == 1 && o.json && o.regions.cnt == 2 && !strcmp(o.regions.v[1], "b") &&
		     !o.nannot);
}

static void numbers(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "--buffer=64M", o.buffer == 64 << 20);
	GOOD(FOR_CONVERT, "--first-proc 1", o.first_proc == 1);
	GOOD(FOR_RECORD, "--first-proc=100000", o.first_proc == 100000);
}

static void flags(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "-a", o.all);
	GOOD(FOR_RECORD, "--all --strict --json --group-digits",
	     o.all && o.strict && o.json && o.group_digits);
	GOOD(FOR_CONVERT, "--text --repair", o.text && o.repair);
	GOOD(FOR_FEATURES, "--json", o.json);
}

static void words(void **state)
{
	(void)state;
	log_set_level(LOG_NOTICE);
	GOOD(FOR_RECORD, "-q", !log_wants("x", LOG_NOTICE) && log_wants("x", LOG_ERROR));
	log_set_level(LOG_NOTICE);
	GOOD(FOR_RECORD, "-v", log_wants("x", LOG_INFO) && !log_wants("x", LOG_DEBUG));
	log_set_level(LOG_NOTICE);
	GOOD(FOR_CONVERT, "-vv", log_wants("x", LOG_DEBUG));
	log_set_level(LOG_NOTICE);
}

static void help_and_version(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, FOR_RECORD, "-h", &why), 1);
	assert_int_equal(parse(&o, FOR_CONVERT, "--help", &why), 1);
	assert_int_equal(parse(&o, FOR_RECORD, "-V", &why), 2);
	assert_int_equal(parse(&o, FOR_RECORD, "--version", &why), 2);
	strbuf_free(&why);
}

static void abbreviations(void **state)
{
	(void)state;
	GOOD(FOR_RECORD, "--dur=5", o.duration_ns == 5000000000);
	GOOD(FOR_RECORD, "--str", o.strict);
}

static void the_rest(void **state)
{
	struct options o = good(FOR_CONVERT, "one --text -- -p two");

	(void)state;
	assert_int_equal(o.nrest, 3);
	assert_string_equal(o.rest[0], "one");
	assert_string_equal(o.rest[1], "-p");
	assert_string_equal(o.rest[2], "two");
	assert_true(o.text);
	assert_null(o.command);
	options_free(&o);

	/* a command has options of its own, and -- may be one of its words */
	o = good(FOR_RECORD, "-q -d 5 -- ls -a -- -d 7");
	assert_int_equal(o.nrest, 0);
	assert_string_equal(o.command[0], "ls");
	assert_string_equal(o.command[1], "-a");
	assert_string_equal(o.command[2], "--");
	assert_string_equal(o.command[4], "7");
	assert_null(o.command[5]);
	assert_int_equal(o.duration_ns, 5000000000);
	assert_false(o.all);
	assert_true(o.follow); /* what it makes belongs to it */
	options_free(&o);
	o = good(FOR_RECORD, "-q --");
	assert_null(o.command[0]);
	options_free(&o);
	o = good(FOR_RECORD, "-d 5 -o -- ls"); /* a file of that name, and a word too many */
	assert_string_equal(o.output, "--");
	assert_null(o.command);
	assert_int_equal(o.nrest, 1);
	options_free(&o);
	o = good(FOR_RECORD, "-o -- -- ls");
	assert_string_equal(o.command[0], "ls");
	options_free(&o);
	o = good(FOR_RECORD, "ls -- -a"); /* this one is a mistake, which the caller tells */
	assert_null(o.command);
	assert_int_equal(o.nrest, 3);
	options_free(&o);
}

static void long_running(void **state)
{
	struct options o = good(FOR_RECORD, "--rotate=10m --keep=5 --duty=500ms/1m");

	(void)state;
	assert_int_equal(o.rotate_ns, 600000000000);
	assert_int_equal(o.rotate_bytes, 0);
	assert_int_equal(o.keep, 5);
	assert_int_equal(o.duty_on_ns, 500000000);
	assert_int_equal(o.duty_ns, 60000000000);
	assert_true(o.irq_ns == IRQ_UNSAID);
	assert_true(o.trigger_gap_ns == TRIGGER_GAP_UNSAID);
	options_free(&o);
	o = good(FOR_RECORD, "--rotate=64M --flight-recorder=10s --irq=0 --sample-processes=5%");
	assert_int_equal(o.rotate_ns, 0);
	assert_int_equal(o.rotate_bytes, 64 << 20);
	assert_int_equal(o.flight_ns, 10000000000);
	assert_int_equal(o.flight_bytes, 64 << 20);
	assert_int_equal(o.irq_ns, 0);
	assert_int_equal(o.sample_processes, 5);
	options_free(&o);
	o = good(FOR_RECORD, "--rotate=10m --rotate=64M"); /* whichever comes first */
	assert_int_equal(o.rotate_ns, 600000000000);
	assert_int_equal(o.rotate_bytes, 64 << 20);
	options_free(&o);
	o = good(FOR_RECORD, "--flight-recorder=1m,512K --trigger=task>1ms --trigger=end --comm=x* "
			     "--exclude=7 --uid=root --trigger-gap=5s");
	assert_int_equal(o.flight_ns, 60000000000);
	assert_int_equal(o.flight_bytes, 512 << 10);
	assert_int_equal(o.ntrigger, 2);
	assert_int_equal(o.trigger[0].ns, 1000000);
	assert_int_equal(o.trigger[1].kind, TRIGGER_END);
	assert_int_equal(o.comm.cnt, 1);
	assert_int_equal(o.exclude.cnt, 1);
	assert_int_equal(o.uid.cnt, 1);
	assert_int_equal(o.trigger_gap_ns, 5000000000);
	options_free(&o);
}

static void help_text(void **state)
{
	static const unsigned cmds[] = { FOR_RECORD, FOR_CONVERT, FOR_FEATURES, FOR_MARKERS };
	static const int lines[] = { 53, 12, 4, 6 };
	char *text, *p;
	size_t len;
	int n;

	(void)state;
	for (size_t i = 0; i < COUNT(cmds); i++) {
		FILE *f = open_memstream(&text, &len);

		options_help(f, cmds[i]);
		fclose(f);
		for (n = 0, p = text; (p = strchr(p, '\n')); p++)
			n++;
		assert_int_equal(n, lines[i]);
		assert_int_equal(!!strstr(text, "--pid=PID[,PID]"), cmds[i] == FOR_RECORD);
		assert_int_equal(!!strstr(text, "--repair "), cmds[i] == FOR_CONVERT);
		assert_non_null(strstr(text, "  -h, --help "));
		free(text);
	}
}

#define STACKS_WAY \
	"; write one or more of block, wakeup, fork, syscall, preempt, sample, kernel, mark, all, or none"

/* What is refused, and the whole sentence. */
static const struct {
	unsigned cmd;
	const char *line, *want;
} refused[] = {
	/* pids */
	{ FOR_RECORD, "-p 0", "-p 0: '0' is not a process id; write -p 42 or -p 42,43" },
	{ FOR_RECORD, "-p 1,,2", "-p 1,,2: '' is not a process id; write -p 42 or -p 42,43" },
	{ FOR_RECORD, "-p 1,x", "-p 1,x: 'x' is not a process id; write -p 42 or -p 42,43" },
	{ FOR_RECORD, "-p -3", "-p -3: '-3' is not a process id; write -p 42 or -p 42,43" },
	{ FOR_RECORD, "-p 4194305",
	  "-p 4194305: '4194305' is not a process id; write -p 42 or -p 42,43" },
	{ FOR_RECORD, "-p _", "-p: '' is not a process id; write -p 42 or -p 42,43" },
	{ FOR_RECORD, "-p", "-p: PID[,PID] is missing; see ctrace-bpf --help" },
	{ FOR_RECORD, "--pid", "--pid: its value is missing; see ctrace-bpf --help" },
	{ FOR_CONVERT, "-p 7", "unknown option -p; see ctrace-bpf convert --help" },
	/* durations */
	{ FOR_RECORD, "-d 5x", "-d 5x: not a duration; write 5, 5s, 500ms or 1m" },
	{ FOR_RECORD, "-d _", "-d: not a duration; write 5, 5s, 500ms or 1m" },
	{ FOR_RECORD, "-d 2497h",
	  "-d 2497h: more than 104 days (without -d it goes on until Ctrl-C); write 5, 5s, 500ms or 1m" },
	{ FOR_RECORD, "-d 99999999999999999h",
	  "-d 99999999999999999h: more than 104 days (without -d it goes on until Ctrl-C); write 5, 5s, 500ms or 1m" },
	{ FOR_RECORD, "-d 0", "-d 0: nothing would be recorded; write 5, 5s, 500ms or 1m" },
	{ FOR_RECORD, "-d", "-d: TIME is missing; see ctrace-bpf --help" },
	/* files */
	{ FOR_RECORD, "-o _",
	  "-o: a file name is missing; write go.trace, or - for standard output" },
	{ FOR_RECORD, "-o", "-o: FILE is missing; see ctrace-bpf --help" },
	{ FOR_RECORD, "--raw=", "--raw: a file name is missing; write the name of a file" },
	{ FOR_RECORD, "--raw -",
	  "--raw=-: raw records do not go to standard output; write the name of a file" },
	{ FOR_RECORD, "--raw", "--raw: its value is missing; see ctrace-bpf --help" },
	{ FOR_FEATURES, "-o x", "unknown option -o; see ctrace-bpf features --help" },
	{ FOR_CONVERT, "--raw x", "unknown option --raw; see ctrace-bpf convert --help" },
	/* modes */
	{ FOR_RECORD, "--syscalls=some",
	  "--syscalls=some: not a known word; write one of all, blocking, none" },
	{ FOR_RECORD, "--go-version=1.2",
	  "--go-version=1.2: not a known word; write one of 1.22, 1.23, 1.25, 1.26" },
	{ FOR_RECORD, "--go-version=1.24",
	  "--go-version=1.24: Go 1.24 reads and writes 1.23; write one of 1.22, 1.23, 1.25, 1.26" },
	{ FOR_RECORD, "--go-version", "--go-version: its value is missing; see ctrace-bpf --help" },
	/* stacks */
	{ FOR_RECORD, "--stacks=block,", "--stacks=block,: '' is not a known word" STACKS_WAY },
	{ FOR_RECORD, "--stacks=", "--stacks: '' is not a known word" STACKS_WAY },
	{ FOR_RECORD, "--stacks=fork,blok",
	  "--stacks=fork,blok: 'blok' is not a known word" STACKS_WAY },
	{ FOR_RECORD, "--stacks=block,none",
	  "--stacks=block,none: 'none' stands alone" STACKS_WAY },
	{ FOR_RECORD, "--stacks", "--stacks: its value is missing; see ctrace-bpf --help" },
	{ FOR_CONVERT, "--stacks=all",
	  "unknown option --stacks=all; see ctrace-bpf convert --help" },
	{ FOR_RECORD, "--call-graph=dwarf",
	  "--call-graph=dwarf: not a known word; write one of cfi, fp, none" },
	{ FOR_RECORD,
	  "--call-graph=", "--call-graph: not a known word; write one of cfi, fp, none" },
	{ FOR_RECORD, "--sample=0", "--sample=0: too small; write 1 to 10000" },
	{ FOR_RECORD, "--sample=10001", "--sample=10001: too large; write 1 to 10000" },
	{ FOR_RECORD, "--sample=", "--sample: not a number of samples a second; write 1 to 10000" },
	{ FOR_RECORD, "--sample=99Hz",
	  "--sample=99Hz: not a number of samples a second; write 1 to 10000" },
	/* annotations */
	{ FOR_RECORD, "--region a:f --region b",
	  "--region b: there is no colon behind the file; write BIN:FUNC, such as libpq.so:PQexec" },
	{ FOR_RECORD, "--usdt", "--usdt: its value is missing; see ctrace-bpf --help" },
	{ FOR_CONVERT, "--usdt=a:b:c",
	  "unknown option --usdt=a:b:c; see ctrace-bpf convert --help" },
	{ FOR_RECORD, "--annotations=on",
	  "--annotations=on: not a known word; write one of auto, off" },
	{ FOR_RECORD, "--go=", "--go: not a known word; write one of auto, off" },
	{ FOR_MARKERS,
	  "--region=", "--region: a function's name is missing; write a glob; * is every one" },
	{ FOR_MARKERS, "--region",
	  "--region: its value is missing; see ctrace-bpf markers --help" },
	{ FOR_MARKERS, "-p", "-p: PID is missing; see ctrace-bpf markers --help" },
	{ FOR_MARKERS, "--raw x", "unknown option --raw; see ctrace-bpf markers --help" },
	/* numbers */
	{ FOR_RECORD, "--buffer=0",
	  "--buffer=0: nothing would be recorded; write 65536, 64M or 1G" },
	{ FOR_RECORD, "--buffer=99999999999T",
	  "--buffer=99999999999T: too large; write 65536, 64M or 1G" },
	{ FOR_RECORD, "--buffer=-1", "--buffer=-1: not a size; write 65536, 64M or 1G" },
	{ FOR_RECORD, "--first-proc=100001", "--first-proc=100001: too large; write 0 or 1" },
	{ FOR_RECORD, "--first-proc=x", "--first-proc=x: not a row number; write 0 or 1" },
	/* flags */
	{ FOR_RECORD, "--all=3", "--all: takes no value; see ctrace-bpf --help" },
	{ FOR_CONVERT, "--strict", "unknown option --strict; see ctrace-bpf convert --help" },
	{ FOR_RECORD, "--text", "unknown option --text; see ctrace-bpf --help" },
	/* version */
	{ FOR_CONVERT, "-V", "unknown option -V; see ctrace-bpf convert --help" },
	/* unknown */
	{ FOR_RECORD, "-x", "unknown option -x; see ctrace-bpf --help" },
	/* the second of two that contradict each other; the same twice does not */
	{ FOR_RECORD, "--cgroup=/a --cgroup=/a --cgroup /b",
	  "--cgroup=/b: there is a --cgroup=/a already; give one of them" },
	{ FOR_RECORD, "--container 0123ab --container=4567cd",
	  "--container=4567cd: there is a --container=0123ab already; give one of them" },
	{ FOR_RECORD, "--completion=csh",
	  "--completion=csh: not a known word; write one of bash, zsh, fish" },
	{ FOR_RECORD, "-ax", "unknown option -x; see ctrace-bpf --help" },
	{ FOR_RECORD, "-?", "unknown option -?; see ctrace-bpf --help" },
	{ FOR_RECORD, "--nothing", "unknown option --nothing; see ctrace-bpf --help" },
	{ FOR_RECORD, "--nothing=3", "unknown option --nothing=3; see ctrace-bpf --help" },
	/* the word that is wrong is named, not another one */
	{ FOR_RECORD, "-a -\xc3\xa9", "unknown option -\xc3\xa9; see ctrace-bpf --help" },
	/* abbreviations */
	{ FOR_RECORD, "--s", "unknown option --s; see ctrace-bpf --help" }, /* two begin so */
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++)
		bad(refused[i].cmd, refused[i].line, refused[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(pids),
		cmocka_unit_test(durations),
		cmocka_unit_test(files),
		cmocka_unit_test(modes),
		cmocka_unit_test(stacks),
		cmocka_unit_test(annotations),
		cmocka_unit_test(numbers),
		cmocka_unit_test(flags),
		cmocka_unit_test(words),
		cmocka_unit_test(help_and_version),
		cmocka_unit_test(abbreviations),
		cmocka_unit_test(the_rest),
		cmocka_unit_test(long_running),
		cmocka_unit_test(help_text),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
