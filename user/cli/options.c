// SPDX-License-Identifier: BSD-2-Clause
/* See options.h. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/completion.h"
#include "cli/optkind.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define DURATION_MAX (104ull * 24 * 3600 * 1000000000) /* to this a ns is exact: gotrace/ticks.c */
#define PID_MAX_LIMIT 4194304			       /* the kernel gives no higher */

#define STACKS_DEFAULT (CT_STACK_BLOCK | CT_STACK_FORK)
#define STACKS_ALL                                                                                \
	(CT_STACK_BLOCK | CT_STACK_WAKEUP | CT_STACK_FORK | CT_STACK_SYSCALL | CT_STACK_PREEMPT | \
	 CT_STACK_KERNEL | CT_STACK_MARK)
#define STACKS_SAMPLE (1u << 31) /* asks for samples; no bit of ct_stacks */
#define FLIGHT_BYTES (64ull << 20)
#define TRIGGER_EXAMPLES \
	"region>10ms task>1s log:error runnable>5ms offcpu>100ms syscall>50ms signal exit end"
#define SAMPLE_HZ 99 /* beside the round numbers at which programs do things */

/* ---- setters of their own ---- */

static int set_pid(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	char *list = xstrdup(arg), *at = list, *one;
	struct options *o = options;
	uint64_t pid;
	int err = 0;
	size_t i;

	while (!err && (one = strsep(&at, ","))) {
		if (parse_u64(one, &pid) || !pid || pid > PID_MAX_LIMIT) {
			err = opt_refuse(row, arg, why, "'%s' is not a process id", one);
			continue;
		}
		for (i = 0; i < o->npid && o->pid[i] != pid; i++)
			;
		if (i < o->npid)
			continue;
		o->pid = xgrow(o->pid, o->npid, &o->cap_pid, sizeof(*o->pid));
		o->pid[o->npid++] = (uint32_t)pid;
	}
	free(list);
	return err;
}

/* .unsaid is the kind */
static int add_annot(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	struct options *o = options;

	o->annot = xgrow(o->annot, o->nannot, &o->cap_annot, sizeof(*o->annot));
	return annot_spec_parse(&o->annot[o->nannot++], (enum annot_spec_kind)row->unsaid, arg,
				why);
}

static int be_quiet(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	(void)row, (void)options, (void)arg, (void)why;
	log_set_level(LOG_ERROR);
	return 0;
}

static int be_verbose(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	(void)row, (void)options, (void)arg, (void)why;
	log_set_level(log_wants("", LOG_INFO) ? LOG_DEBUG : LOG_INFO);
	return 0;
}

/* A time, a size, or both, apart by a comma. Sizes have a letter, so that nothing can be either. */
static int set_flight(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	char *text = xstrdup(arg), *size = text, *time = strsep(&size, ",");
	struct options *o = options;
	int err = 0;

	o->flight_bytes = FLIGHT_BYTES;
	if (parse_duration(time, &o->flight_ns) || !o->flight_ns || o->flight_ns > DURATION_MAX)
		err = opt_refuse(row, arg, why, "'%s' is not a time to look back", time);
	else if (size && (parse_size(size, &o->flight_bytes) || !o->flight_bytes))
		err = opt_refuse(row, arg, why, "'%s' is not a size of memory", size);
	free(text);
	return err;
}

static int add_trigger(const struct opt_row *row, void *options, const char *arg,
		       struct strbuf *why)
{
	struct strbuf reason = STRBUF_INIT;
	struct options *o = options;
	int err = 0;

	if (o->ntrigger == TRIGGERS_MAX) {
		strbuf_set_f(why, "--%s %s: %d triggers are all that is taken; give a wider one",
			     row->name, arg, TRIGGERS_MAX);
		return -EINVAL;
	}
	o->trigger = xgrow(o->trigger, o->ntrigger, &o->cap_trigger, sizeof(*o->trigger));
	if (trigger_spec_parse(&o->trigger[o->ntrigger++], arg, &reason)) {
		strbuf_set_f(why, "--%s %s: %s", row->name, arg, reason.buf);
		err = -EINVAL;
	}
	strbuf_free(&reason);
	return err;
}

static bool is_size(const char *arg)
{
	return strpbrk(arg, "KMGTB") != NULL;
}

static int set_rotate(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	struct options *o = options;

	if (is_size(arg) && !parse_size(arg, &o->rotate_bytes) && o->rotate_bytes)
		return 0;
	if (!is_size(arg) && strpbrk(arg, "smh") && !parse_duration(arg, &o->rotate_ns) &&
	    o->rotate_ns && o->rotate_ns <= DURATION_MAX)
		return 0;
	return opt_refuse(row, arg, why, "neither a time nor a size, each with its unit");
}

static int set_duty(const struct opt_row *row, void *options, const char *arg, struct strbuf *why)
{
	char *text = xstrdup(arg), *period = text, *on = strsep(&period, "/");
	struct options *o = options;
	int err = 0;

	if (!period || parse_duration(on, &o->duty_on_ns) || parse_duration(period, &o->duty_ns) ||
	    o->duty_ns > DURATION_MAX)
		err = opt_refuse(row, arg, why, "not a time to record out of another");
	else if (!o->duty_on_ns || o->duty_on_ns >= o->duty_ns)
		err = opt_refuse(row, arg, why, "%s is no part of %s", on, period);
	free(text);
	return err;
}

/* ---- the words of a value ---- */

static const struct opt_word syscall_modes[] = {
	{ "all", SYSCALLS_ALL, NULL },
	{ "blocking", SYSCALLS_BLOCKING, NULL },
	{ "none", SYSCALLS_NONE, NULL },
	{ 0 },
};

static const struct opt_word stack_words[] = {
	{ "block", CT_STACK_BLOCK, NULL },
	{ "wakeup", CT_STACK_WAKEUP, NULL },
	{ "fork", CT_STACK_FORK, NULL },
	{ "syscall", CT_STACK_SYSCALL, NULL },
	{ "preempt", CT_STACK_PREEMPT, NULL },
	{ "sample", STACKS_SAMPLE, NULL },
	{ "kernel", CT_STACK_KERNEL, NULL },
	{ "mark", CT_STACK_MARK, NULL },
	{ "all", STACKS_ALL, NULL },
	{ "none", 0, NULL },
	{ 0 },
};

static const struct opt_word call_graphs[] = {
	{ "cfi", CT_CALL_GRAPH_CFI, NULL },
	{ "fp", CT_CALL_GRAPH_FP, NULL },
	{ "none", CT_CALL_GRAPH_NONE, NULL },
	{ 0 },
};

static const struct opt_word go_versions[] = {
	{ "1.22", 22, NULL }, { "1.23", 23, NULL }, { "1.24", 0, "Go 1.24 reads and writes 1.23" },
	{ "1.25", 25, NULL }, { "1.26", 26, NULL }, { 0 },
};

static const struct opt_word listen_words[] = {
	{ "auto", LISTEN_AUTO, NULL },
	{ "off", LISTEN_OFF, NULL },
	{ 0 },
};

static const struct opt_word shells[] = {
	{ "bash", SHELL_BASH, NULL },
	{ "zsh", SHELL_ZSH, NULL },
	{ "fish", SHELL_FISH, NULL },
	{ 0 },
};

static const struct opt_word no_stdout_trace[] = {
	{ "-", 0, "the viewer needs a file; ctrace-bpf -p PID -o - writes there" },
	{ 0 },
};

static const struct opt_word no_stdout[] = {
	{ "-", 0, "raw records do not go to standard output" },
	{ 0 },
};

/* ---- the table ---- */

#define TO(kind, field) OPT_FIELD(kind, struct options, field)
#define OWN(setter) .kind = OPT_OWN, .set = setter
#define STOP(code) .kind = OPT_STOP, .unsaid = code
#define HEADING(cmds, text)                                    \
	{                                                      \
		0, NULL, NULL, cmds, text, .kind = OPT_HEADING \
	}

static const struct opt_row rows[] = {
	HEADING(FOR_SERVE, "where it is reached, and by whom"),
	{ 0, "listen", "ADDR:PORT|none", FOR_SERVE,
	  "serve HTTP there (default 127.0.0.1:6060 where --socket is not given either)",
	  TO(STRING, listen), .what = "an address", .way = "127.0.0.1:6060, [::1]:6060 or none",
	  .examples = "127.0.0.1:6060 [::1]:6060 none" },
	{ 0, "socket", "PATH|none", FOR_SERVE,
	  "the local socket (default /run/ctrace/control.sock)", TO(STRING, socket),
	  .what = "a path", .way = "the path of a socket, or none", .offer = OFFER_FILES },
	{ 0, "output-dir", "DIR", FOR_SERVE,
	  "files that callers name are written beneath it (default: the current directory)",
	  TO(STRING, output_dir), .what = "a directory", .offer = OFFER_FILES },
	{ 0, "token-file", "FILE", FOR_SERVE,
	  "who shows the line in it may do everything; needed where --listen is no loopback address",
	  TO(STRING, token_file), .what = "a file name", .offer = OFFER_FILES },
	{ 0, "tls-cert", "FILE", FOR_SERVE, "serve HTTPS with this certificate (PEM)",
	  TO(STRING, tls_cert), .what = "a file name", .offer = OFFER_FILES },
	{ 0, "tls-key", "FILE", FOR_SERVE, "… and this key", TO(STRING, tls_key),
	  .what = "a file name", .offer = OFFER_FILES },
	{ 0, "gops", NULL, FOR_SERVE,
	  "of -p: let gops find these processes; any program of this machine may connect then",
	  TO(FLAG, gops) },
	{ 0, "max-recordings", "N", FOR_SERVE, "so many at the same time (default 8)",
	  TO(NUMBER, max_recordings), .min = 1, .max = 1000, .what = "a number of recordings",
	  .examples = "1 8 32" },
	{ 0, "max-time", "TIME", FOR_SERVE,
	  "a recording ends after this time at the latest (default 10m)", TO(DURATION, max_time_ns),
	  .min = 1, .max = DURATION_MAX, .low = "nothing would be recorded" },
	{ 0, "max-total", "SIZE", FOR_SERVE,
	  "no recording is begun while files that it has written and that are still there have more bytes (default 10G)",
	  TO(SIZE, max_total), .min = 1, .low = "nothing could be written" },
	{ 0, "exec", "CALL", FOR_CONSOLE,
	  "do this and end: 'debug.stopGoTrace()'; repeatable, the first that fails is the last one",
	  TO(STRINGS, exec), .what = "a call", .way = "'debug.stopGoTrace()'",
	  .examples = "debug.stopGoTrace() ctrace.status rpc.modules" },
	{ 0, "token-file", "FILE", FOR_CONSOLE, "of a URL: show the line in it, as serve has it",
	  TO(STRING, token_file), .what = "a file name", .offer = OFFER_FILES },
	{ 0, "tls-ca", "FILE", FOR_CONSOLE,
	  "of an https:// URL: trust these certificates (PEM) in place of the system's",
	  TO(STRING, tls_ca), .what = "a file name", .offer = OFFER_FILES },
	HEADING(FOR_RECORD | FOR_TRACE | FOR_SERVE, "who is recorded"),
	{ 'p', "pid", "PID[,PID]", FOR_RECORD | FOR_SERVE,
	  "record these processes, with all their threads", OWN(set_pid),
	  .way = "-p 42 or -p 42,43", .offer = OFFER_PIDS, .many = true,
	  .request = REQUEST_TARGET },
	{ 'a', "all", NULL, FOR_RECORD | FOR_SERVE, "record every process of the machine",
	  TO(FLAG, all), .request = REQUEST_TARGET },
	{ 0, "cgroup", "PATH|ID", FOR_RECORD | FOR_SERVE,
	  "record the processes of this control group and of those below it", TO(STRING, cgroup),
	  .once = true, .what = "a control group", .way = "its path or its number",
	  .offer = OFFER_GROUPS, .request = REQUEST_TARGET },
	{ 0, "container", "ID", FOR_RECORD | FOR_SERVE, "record the processes of this container",
	  TO(STRING, container), .once = true, .what = "the id of a container",
	  .way = "its first six digits, or more", .offer = OFFER_CONTAINERS,
	  .request = REQUEST_TARGET },
	{ 'f', "follow", NULL, FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "record children, too, that are made while recording (always with -- CMD)",
	  TO(FLAG, follow), .request = REQUEST_RULE },
	{ 0, "comm", "GLOB", FOR_RECORD | FOR_SERVE,
	  "of -a and --cgroup: only processes with such a name; repeatable", TO(STRINGS, comm),
	  .what = "a process's name", .way = "a glob such as nginx or 'java*'",
	  .offer = OFFER_NAMES, .request = REQUEST_RULE },
	{ 0, "uid", "USER", FOR_RECORD | FOR_SERVE,
	  "of -a and --cgroup: only processes of this user; repeatable", TO(STRINGS, uid),
	  .what = "a user", .way = "a name or a number", .offer = OFFER_USERS,
	  .request = REQUEST_RULE },
	{ 0, "exclude", "GLOB|PID", FOR_RECORD | FOR_SERVE,
	  "of -a and --cgroup: not processes with such a name, or this one; repeatable",
	  TO(STRINGS, exclude), .what = "a process", .way = "a glob of names, or a process id",
	  .offer = OFFER_NAMES_AND_PIDS, .request = REQUEST_RULE },
	{ 0, "kernel-threads", NULL, FOR_RECORD | FOR_SERVE,
	  "of -a: the threads of the kernel, too", TO(FLAG, kernel_threads),
	  .request = REQUEST_RULE },
	{ 0, "sample-processes", "P%", FOR_RECORD | FOR_SERVE,
	  "of -a and --cgroup: only so many of the processes, chosen by chance",
	  TO(PERCENT, sample_processes), .min = 1, .request = REQUEST_RULE },
	{ 0, "irq", "TIME", FOR_RECORD | FOR_SERVE,
	  "tell of interrupts that took longer than this; 0: of none (default 1ms with -a, else none)",
	  TO(DURATION, irq_ns), .max = DURATION_MAX, .examples = "0 100us 500us 1ms",
	  .request = REQUEST_YES },
	HEADING(FOR_RECORD | FOR_TRACE, "how long, and where to"),
	{ 'd', "duration", "TIME", FOR_RECORD,
	  "stop after this time: 5, 500ms, 1m (default: until Ctrl-C or the last target's end)",
	  TO(DURATION, duration_ns), .min = 1, .max = DURATION_MAX,
	  .low = "nothing would be recorded",
	  .high = "more than 104 days (without -d it goes on until Ctrl-C)" },
	{ 'o', "output", "FILE", FOR_RECORD | FOR_CONVERT,
	  "where the trace goes, - is standard output (default go.trace)", TO(STRING, output),
	  .what = "a file name", .way = "go.trace, or - for standard output",
	  .offer = OFFER_FILES },
	{ 'd', "duration", "TIME", FOR_TRACE, "the same as TIME (default 5s)",
	  TO(DURATION, duration_ns), .min = 1, .max = DURATION_MAX,
	  .low = "nothing would be recorded", .high = "more than 104 days" },
	{ 'o', "output", "FILE", FOR_TRACE, "where the trace goes (default: a new file in /tmp)",
	  TO(STRING, output), .what = "a file name", .way = "go.trace", .words = no_stdout_trace,
	  .offer = OFFER_FILES },
	{ 0, "no-view", NULL, FOR_TRACE,
	  "open no viewer; nor is one where standard output is no terminal", TO(FLAG, no_view) },
	{ 0, "http", "ADDR:PORT", FOR_TRACE | FOR_VIEW,
	  "where the viewer serves its pages (default: a free port of 127.0.0.1)", TO(STRING, http),
	  .what = "an address", .way = "127.0.0.1:8080, or :8080 for everybody",
	  .examples = "127.0.0.1:8080" },
	HEADING(FOR_RECORD | FOR_TRACE | FOR_SERVE, "what of it"),
	{ 0, "syscalls", "MODE", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "all: every syscall; blocking: those that threads sleep in, cheaper; none: only why they sleep",
	  TO(WORD, syscalls), .words = syscall_modes, .request = REQUEST_YES },
	{ 0, "stacks", "LIST", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "what carries a stack: block, wakeup, fork, syscall, preempt, sample, kernel, mark; all; none (default block,fork)",
	  TO(WORDS, stacks), .words = stack_words, .request = REQUEST_YES },
	{ 0, "call-graph", "WAY", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "walk user stacks by unwinding tables (cfi, default), by frame pointers (fp), or not (none)",
	  TO(WORD, call_graph), .words = call_graphs, .request = REQUEST_YES },
	{ 0, "sample", "[HZ]", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "take CPU samples so many times a second (99 when not told), with their stacks",
	  TO(NUMBER, sample_hz), .min = 1, .max = 10000, .unsaid = SAMPLE_HZ,
	  .what = "a number of samples a second", .examples = "99 997", .request = REQUEST_YES },
	{ 0, "region", "BIN:FUNC", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "make each call of these functions a region; FUNC is a glob; repeatable", OWN(add_annot),
	  .unsaid = SPEC_REGION, .offer = OFFER_PROGRAMS, .many = true, .request = REQUEST_YES },
	{ 0, "usdt", "BIN:PROVIDER:NAME", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "make each hit of these markers (USDT) a log with its arguments; repeatable",
	  OWN(add_annot), .unsaid = SPEC_USDT, .offer = OFFER_PROGRAMS, .many = true,
	  .request = REQUEST_YES },
	{ 0, "usdt-region", "BIN:PROVIDER:BEGIN,END[:argN]", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "make a region from one marker to another, named by argument N; repeatable",
	  OWN(add_annot), .unsaid = SPEC_USDT_REGION, .offer = OFFER_PROGRAMS, .many = true,
	  .request = REQUEST_YES },
	{ 0, "annotations", "WHICH", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "auto: listen to the annotations of ctrace.h and of Go (default); off: do not",
	  TO(WORD, annotations), .words = listen_words, .request = REQUEST_YES },
	{ 0, "go", "WHICH", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "auto: look into Go programs for their annotations (default); off: do not", TO(WORD, go),
	  .words = listen_words, .request = REQUEST_YES },
	{ 'p', "pid", "PID", FOR_MARKERS, "look at all files that this process has mapped",
	  OWN(set_pid), .way = "-p 42 or -p 42,43", .offer = OFFER_PIDS, .many = true },
	{ 0, "region", "GLOB", FOR_MARKERS,
	  "list the functions that match, too, and why some cannot be regions; repeatable",
	  TO(STRINGS, regions), .what = "a function's name", .way = "a glob; * is every one" },
	HEADING(FOR_RECORD | FOR_TRACE | FOR_SERVE, "how it is shown"),
	{ 0, "go-version", "1.NN", FOR_RECORD | FOR_TRACE | FOR_SERVE | FOR_CONVERT,
	  "write for the readers of Go 1.22, 1.23 (default), 1.25 or 1.26 and newer",
	  TO(WORD, go_minor), .words = go_versions, .request = REQUEST_YES },
	{ 0, "group-digits", NULL, FOR_RECORD | FOR_TRACE | FOR_SERVE | FOR_CONVERT,
	  "name threads worker-1, worker-2 … as one group worker-#", TO(FLAG, group_digits),
	  .request = REQUEST_YES },
	{ 0, "first-proc", "N", FOR_RECORD | FOR_TRACE | FOR_SERVE | FOR_CONVERT,
	  "number of CPU 0's row; with 1 the viewer draws arrows from CPU 0 too (default 0)",
	  TO(NUMBER, first_proc), .max = 100000, .what = "a row number", .way = "0 or 1",
	  .examples = "0 1", .request = REQUEST_YES },
	HEADING(FOR_RECORD | FOR_TRACE | FOR_SERVE, "limits, and recordings that go on"),
	{ 0, "buffer", "SIZE", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "kernel memory for records, all CPUs together (default 16M for each CPU)",
	  TO(SIZE, buffer), .min = 1, .low = "nothing would be recorded", .request = REQUEST_YES },
	{ 0, "rotate", "TIME|SIZE", FOR_RECORD | FOR_CONVERT,
	  "begin a new file after so long, or so many bytes; each is a trace of its own",
	  OWN(set_rotate), .way = "60s, 10m, 512K or 64M", .examples = "60s 10m 1h 64M 1G" },
	{ 0, "keep", "N", FOR_RECORD,
	  "of the files of --rotate, --duty and --flight-recorder keep only the newest",
	  TO(NUMBER, keep), .min = 1, .what = "a number of files" },
	{ 0, "max-size", "SIZE", FOR_RECORD | FOR_TRACE | FOR_SERVE,
	  "stop before the files have more bytes than this", TO(SIZE, max_size), .min = 1,
	  .low = "nothing could be written", .request = REQUEST_YES },
	{ 0, "min-free", "SIZE", FOR_RECORD | FOR_SERVE,
	  "stop before the disk has less room than this", TO(SIZE, min_free), .min = 1,
	  .low = "a full disk has that", .request = REQUEST_DEFAULT },
	{ 0, "duty", "ON/PERIOD", FOR_RECORD,
	  "record for so long out of each such time, each in a file of its own", OWN(set_duty),
	  .way = "1s/60s", .examples = "1s/10s 1s/60s 10s/10m" },
	{ 0, "flight-recorder", "TIME[,SIZE]", FOR_RECORD | FOR_SERVE,
	  "keep the newest part in memory (64M when not told), and write it on SIGUSR2 or --trigger",
	  OWN(set_flight), .way = "10s or 10s,64M", .examples = "5s 10s 10s,64M 60s,256M" },
	{ 0, "trigger", "WHEN", FOR_RECORD | FOR_SERVE,
	  "write what the flight recorder has when this happens: 'region:query>10ms'; repeatable; see the manual",
	  OWN(add_trigger), .examples = TRIGGER_EXAMPLES, .many = true },
	{ 0, "trigger", "WHEN", FOR_CONVERT,
	  "mark the places where this happens: 'region:query>10ms'; repeatable; see the manual",
	  OWN(add_trigger), .examples = TRIGGER_EXAMPLES, .many = true },
	{ 0, "trigger-gap", "TIME", FOR_RECORD | FOR_SERVE,
	  "at most one file for all triggers in this time (default 1s)",
	  TO(DURATION, trigger_gap_ns), .max = DURATION_MAX },
	{ 0, "raw", "FILE", FOR_RECORD, "keep the records as they came, for convert",
	  TO(STRING, raw), .what = "a file name", .words = no_stdout, .way = "the name of a file",
	  .offer = OFFER_FILES },
	{ 0, "strict", NULL, FOR_RECORD | FOR_TRACE,
	  "exit with 4 when records were lost, or processes left out", TO(FLAG, strict) },
	{ 0, "text", NULL, FOR_CONVERT, "write records, or a trace, as text", TO(FLAG, text) },
	{ 0, "repair", NULL, FOR_CONVERT,
	  "cut a trace that was broken off back to its last whole generation; in place without -o",
	  TO(FLAG, repair) },
	HEADING(FOR_RECORD | FOR_TRACE | FOR_SERVE, "this program"),
	{ 'q', "quiet", NULL, FOR_ALL, "say nothing but errors", OWN(be_quiet) },
	{ 'v', "verbose", NULL, FOR_ALL, "say more; twice: what libbpf and the verifier say",
	  OWN(be_verbose), .many = true },
	{ 0, "json", NULL, FOR_ALL & ~(FOR_SERVE | FOR_CONSOLE),
	  "the summary as one JSON object on standard output", TO(FLAG, json) },
	{ 0, "json", NULL, FOR_CONSOLE, "results as JSON, a line each", TO(FLAG, json) },
	{ 0, "completion", "SHELL", FOR_RECORD,
	  "print the completion of this program for bash, zsh or fish", TO(WORD, completion),
	  .words = shells },
	{ 'h', "help", NULL, FOR_ALL, "this text", STOP(1) },
	{ 'V', "version", NULL, FOR_RECORD, "the program's version", STOP(2) },
};

#define NROW (sizeof(rows) / sizeof(rows[0]))

const struct opt_row *options_row(size_t nth)
{
	return nth < NROW ? &rows[nth] : NULL;
}

void options_help(FILE *out, unsigned cmd)
{
	char left[64];
	const char *apart = "";
	size_t i;

	for (i = 0; i < NROW; i++) {
		if (!(rows[i].cmds & cmd))
			continue;
		if (rows[i].kind == OPT_HEADING) {
			fprintf(out, "%s%s\n", apart, rows[i].help);
			apart = "\n";
			continue;
		}
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", rows[i].letter ? '-' : ' ',
			 rows[i].letter ? rows[i].letter : ' ', rows[i].letter ? "," : " ",
			 rows[i].name,
			 !rows[i].arg		   ? "" :
			 opt_may_be_bare(&rows[i]) ? "[=" :
						     "=",
			 !rows[i].arg ? "" : rows[i].arg + opt_may_be_bare(&rows[i]));
		fprintf(out, "  %-26s %s\n", left, rows[i].help);
	}
}

/* "; see ctrace-bpf convert --help" */
static void add_help(unsigned cmd, struct strbuf *why)
{
	const struct cmd *c;
	size_t i;

	strbuf_addstr(why, "; see ctrace-bpf");
	for (i = 1; (c = cmd_nth(i)); i++)
		if (c->options == cmd)
			strbuf_addf(why, " %s", c->name);
	strbuf_addstr(why, " --help");
}

/* Is this the row of what getopt_long() found? A letter may have one row for each command. */
static bool is_row(const struct opt_row *row, unsigned cmd, int c)
{
	return c == 256 + (int)(row - rows) || (row->cmds & cmd && row->letter == c);
}

/* NULL: it is none of this command's. */
static const struct opt_row *row_of_letter(unsigned cmd, int letter)
{
	size_t i;

	for (i = 0; i < NROW; i++)
		if (rows[i].letter == letter && rows[i].cmds & cmd)
			return &rows[i];
	return NULL;
}

/* What getopt_long() did not take: optopt is the letter, or 256 + the row of a name, or 0 for a
 * name that it does not know. */
static void unknown_option(unsigned cmd, char **argv, struct strbuf *why)
{
	/* a byte that is no ASCII: getopt has not gone past its word */
	const char *what = argv[optopt < 0 ? optind : optind - 1];
	const struct opt_row *row;

	if (optopt > 0 && optopt < 256) {
		row = row_of_letter(cmd, optopt);
		if (row)
			strbuf_set_f(why, "-%c: %s is missing", optopt, row->arg);
		else
			strbuf_set_f(why, "unknown option -%c", optopt);
	} else if (optopt >= 256) {
		row = &rows[optopt - 256];
		strbuf_set_f(why, "--%s: %s", row->name,
			     row->arg ? "its value is missing" : "takes no value");
	} else {
		strbuf_set_f(why, "unknown option %s", what);
	}
	add_help(cmd, why);
}

/* A NULL is always behind the last one. */
static void add_word(struct options *o, const struct opt_row *row, const char *arg)
{
	struct strbuf word = STRBUF_INIT;

	if (row->request == REQUEST_NO)
		return;
	strbuf_addf(&word, "--%s%s%s", row->name, arg ? "=" : "", arg ? arg : "");
	o->words = xgrow(o->words, o->nwords + 1, &o->cap_words, sizeof(*o->words));
	o->words[o->nwords++] = word.buf; /* and its memory */
	o->words[o->nwords] = NULL;
}

int options_parse(struct options *o, unsigned cmd, int argc, char **argv, struct strbuf *why)
{
	struct option longs[NROW + 1] = { 0 };
	/* a command behind -- has options of its own: nothing is moved about ahead of it */
	char shorts[2 * NROW + 4] = "+:";
	bool posix = cmd & FOR_RECORD;
	size_t i, nl = 0, ns = 2;
	const char *last = NULL; /* the value of the last option, NULL none */
	int c, err;

	*o = (struct options){
		.irq_ns = IRQ_UNSAID,
		.trigger_gap_ns = TRIGGER_GAP_UNSAID,
		.go_minor = 23,
		.stacks = STACKS_DEFAULT,
		.call_graph = CT_CALL_GRAPH_CFI,
		.max_recordings = 8,
		.max_time_ns = 600ull * 1000000000,
		.max_total = 10ull << 30,
	};
	for (i = 0; i < NROW; i++) {
		if (!(rows[i].cmds & cmd) || rows[i].kind == OPT_HEADING)
			continue;
		longs[nl++] = (struct option){ rows[i].name,
					       !rows[i].arg		 ? no_argument :
					       opt_may_be_bare(&rows[i]) ? optional_argument :
									   required_argument,
					       NULL, (int)(256 + i) };
		if (rows[i].letter)
			shorts[ns++] = rows[i].letter;
		if (rows[i].letter && rows[i].arg)
			shorts[ns++] = ':';
	}
	shorts[ns] = 0;
	optind = 0; /* begins anew, and reads the + anew */
	opterr = 0;
	for (;;) {
		optopt = 0;
		c = getopt_long(argc, argv, shorts + !posix, longs, NULL);
		if (c < 0)
			break;
		last = optarg;
		for (i = 0; i < NROW && !is_row(&rows[i], cmd, c); i++)
			;
		if (c == '?' || c == ':' || i == NROW) {
			unknown_option(cmd, argv, why);
			return -EINVAL;
		}
		if (rows[i].kind == OPT_STOP)
			return (int)rows[i].unsaid;
		err = opt_set(&rows[i], o, optarg, why);
		if (err)
			return err;
		add_word(o, &rows[i], optarg);
	}
	if (o->stacks & STACKS_SAMPLE && !o->sample_hz)
		o->sample_hz = SAMPLE_HZ;
	o->stacks &= ~STACKS_SAMPLE;
	o->rest = argv + optind;
	o->nrest = argc - optind;
	/* -o -- is a file of that name */
	if (posix && optind > 1 && last != argv[optind - 1] && !strcmp(argv[optind - 1], "--")) {
		o->command = o->rest;
		o->follow = true;
		o->nrest = 0;
	}
	return 0;
}

void options_free(struct options *o)
{
	size_t i;

	for (i = 0; i < o->nannot; i++)
		annot_spec_free(&o->annot[i]);
	free(o->annot);
	free(o->regions.v);
	free(o->exec.v);
	free(o->comm.v);
	free(o->exclude.v);
	free(o->uid.v);
	for (i = 0; i < o->ntrigger; i++)
		trigger_spec_free(&o->trigger[i]);
	free(o->trigger);
	free(o->pid);
	for (i = 0; i < o->nwords; i++)
		free(o->words[i]);
	free(o->words);
}

char *const *options_words(const struct options *o)
{
	static char *const none[] = { NULL };

	return o->nwords ? o->words : none;
}

bool options_rotated(const struct options *o)
{
	return o->rotate_ns || o->rotate_bytes;
}
