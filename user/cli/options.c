// SPDX-License-Identifier: BSD-2-Clause
/* See options.h. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define DURATION_MAX (104ull * 24 * 3600 * 1000000000) /* see gotrace/ticks.c */
#define PID_MAX_LIMIT 4194304			       /* the kernel gives no higher */

typedef int (*setter)(struct options *o, const char *arg, struct strbuf *why);

static int set_pid(struct options *o, const char *arg, struct strbuf *why)
{
	char *list = xstrdup(arg), *at = list, *one;
	uint64_t pid;
	size_t i;

	while ((one = strsep(&at, ","))) {
		if (parse_u64(one, &pid) || !pid || pid > PID_MAX_LIMIT) {
			strbuf_set_f(why,
				     "-p %s: '%s' is not a process id; write -p 42 or -p 42,43",
				     arg, one);
			free(list);
			return -EINVAL;
		}
		for (i = 0; i < o->npid && o->pid[i] != pid; i++)
			;
		if (i < o->npid)
			continue;
		o->pid = xgrow(o->pid, o->npid, &o->cap_pid, sizeof(*o->pid));
		o->pid[o->npid++] = (uint32_t)pid;
	}
	free(list);
	return 0;
}

static int set_all(struct options *o, const char *arg, struct strbuf *why)
{
	(void)arg;
	(void)why;
	o->all = true;
	return 0;
}

static int set_duration(struct options *o, const char *arg, struct strbuf *why)
{
	int err = parse_duration(arg, &o->duration_ns);

	if (err == -EINVAL)
		strbuf_set_f(why, "-d %s: not a duration; write 5, 5s, 500ms or 1m", arg);
	else if (err || o->duration_ns > DURATION_MAX)
		strbuf_set_f(
			why,
			"-d %s: more than 104 days, which a trace cannot tell apart; without -d it goes on until Ctrl-C",
			arg);
	else if (!o->duration_ns)
		strbuf_set_f(why, "-d %s: nothing would be recorded; write 5, 5s, 500ms or 1m",
			     arg);
	else
		return 0;
	return -EINVAL;
}

static int set_output(struct options *o, const char *arg, struct strbuf *why)
{
	if (!*arg) {
		strbuf_set_f(why, "-o: a file name is missing; - is standard output");
		return -EINVAL;
	}
	o->output = arg;
	return 0;
}

static int set_syscalls(struct options *o, const char *arg, struct strbuf *why)
{
	static const char *const modes[] = { "all", "blocking", "none" };
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(arg, modes[i])) {
			o->syscalls = (enum syscall_mode)i;
			return 0;
		}
	}
	strbuf_set_f(why, "--syscalls=%s: it is one of all, blocking, none", arg);
	return -EINVAL;
}

#define STACKS_DEFAULT (CT_STACK_BLOCK | CT_STACK_FORK)
#define STACKS_ALL                                                                                \
	(CT_STACK_BLOCK | CT_STACK_WAKEUP | CT_STACK_FORK | CT_STACK_SYSCALL | CT_STACK_PREEMPT | \
	 CT_STACK_KERNEL | CT_STACK_MARK)
#define SAMPLE_HZ 99 /* beside the round numbers at which programs do things */
#define SAMPLE_HZ_MAX 10000

static const struct {
	const char *word;
	unsigned bit; /* of ct_stacks */
	bool sample;
} stack_words[] = {
	{ "block", CT_STACK_BLOCK, false },	{ "wakeup", CT_STACK_WAKEUP, false },
	{ "fork", CT_STACK_FORK, false },	{ "syscall", CT_STACK_SYSCALL, false },
	{ "preempt", CT_STACK_PREEMPT, false }, { "kernel", CT_STACK_KERNEL, false },
	{ "mark", CT_STACK_MARK, false },	{ "sample", 0, true },
	{ "all", STACKS_ALL, false },
};

static int add_stack_word(struct options *o, const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(stack_words) / sizeof(stack_words[0]); i++) {
		if (strcmp(word, stack_words[i].word))
			continue;
		o->stacks |= stack_words[i].bit;
		if (stack_words[i].sample && !o->sample_hz)
			o->sample_hz = SAMPLE_HZ;
		return 0;
	}
	return -EINVAL;
}

static int set_stacks(struct options *o, const char *arg, struct strbuf *why)
{
	char *list, *at, *one;
	int err = 0;

	o->stacks = 0;
	if (!strcmp(arg, "none"))
		return 0;
	list = at = xstrdup(arg);
	while (!err && (one = strsep(&at, ","))) {
		err = add_stack_word(o, one);
		if (err)
			strbuf_set_f(
				why,
				"--stacks=%s: '%s' is none of block, wakeup, fork, syscall, preempt, sample, kernel, mark; or write all, or none",
				arg, one);
	}
	free(list);
	return err;
}

static int set_call_graph(struct options *o, const char *arg, struct strbuf *why)
{
	static const char *const ways[] = {
		[CT_CALL_GRAPH_NONE] = "none",
		[CT_CALL_GRAPH_CFI] = "cfi",
		[CT_CALL_GRAPH_FP] = "fp",
	};
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!strcmp(arg, ways[i])) {
			o->call_graph = (enum ct_call_graph)i;
			return 0;
		}
	}
	strbuf_set_f(why, "--call-graph=%s: it is one of cfi, fp, none", arg);
	return -EINVAL;
}

static int set_sample(struct options *o, const char *arg, struct strbuf *why)
{
	uint64_t hz = SAMPLE_HZ;

	if (arg && (parse_u64(arg, &hz) || !hz || hz > SAMPLE_HZ_MAX)) {
		strbuf_set_f(why, "--sample=%s: not a number of samples a second, 1 to %d", arg,
			     SAMPLE_HZ_MAX);
		return -EINVAL;
	}
	o->sample_hz = (unsigned)hz;
	return 0;
}

static int set_buffer(struct options *o, const char *arg, struct strbuf *why)
{
	int err = parse_size(arg, &o->buffer);

	if (!err && o->buffer)
		return 0;
	if (err == -ERANGE)
		strbuf_set_f(why, "--buffer=%s: too large; write 65536, 64M or 1G", arg);
	else
		strbuf_set_f(why, "--buffer=%s: not a size; write 65536, 64M or 1G", arg);
	return -EINVAL;
}

static int set_go_version(struct options *o, const char *arg, struct strbuf *why)
{
	static const int minors[] = { 22, 23, 25, 26 };
	char text[8];
	size_t i;

	for (i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		snprintf(text, sizeof(text), "1.%d", minors[i]);
		if (!strcmp(arg, text)) {
			o->go_minor = minors[i];
			return 0;
		}
	}
	strbuf_set_f(why, "--go-version=%s: it is one of 1.22, 1.23, 1.25, 1.26%s", arg,
		     strcmp(arg, "1.24") ? "" : "; Go 1.24 reads and writes 1.23");
	return -EINVAL;
}

static int set_first_proc(struct options *o, const char *arg, struct strbuf *why)
{
	uint64_t v;

	if (parse_u64(arg, &v) || v > 100000) {
		strbuf_set_f(why, "--first-proc %s: not a row number; write 0 or 1", arg);
		return -EINVAL;
	}
	o->first_proc = (unsigned)v;
	return 0;
}

static int set_raw(struct options *o, const char *arg, struct strbuf *why)
{
	if (!*arg) {
		strbuf_set_f(why, "--raw: a file name is missing");
		return -EINVAL;
	}
	if (!strcmp(arg, "-")) {
		strbuf_set_f(why, "--raw=-: raw records do not go to standard output; name a file");
		return -EINVAL;
	}
	o->raw = arg;
	return 0;
}

static int add_annot(struct options *o, enum annot_spec_kind kind, const char *arg,
		     struct strbuf *why)
{
	o->annot = xgrow(o->annot, o->nannot, &o->cap_annot, sizeof(*o->annot));
	return annot_spec_parse(&o->annot[o->nannot++], kind, arg, why);
}

static int set_region(struct options *o, const char *arg, struct strbuf *why)
{
	return add_annot(o, SPEC_REGION, arg, why);
}

static int set_usdt(struct options *o, const char *arg, struct strbuf *why)
{
	return add_annot(o, SPEC_USDT, arg, why);
}

static int set_usdt_region(struct options *o, const char *arg, struct strbuf *why)
{
	return add_annot(o, SPEC_USDT_REGION, arg, why);
}

/* Of markers, which is told the file in another way. */
static int set_region_glob(struct options *o, const char *arg, struct strbuf *why)
{
	if (!*arg) {
		strbuf_set_f(why, "--region: a function's name is missing; * is every one");
		return -EINVAL;
	}
	o->regions = xgrow(o->regions, o->nregions, &o->cap_regions, sizeof(*o->regions));
	o->regions[o->nregions++] = arg;
	return 0;
}

static int set_auto(bool *off, const char *option, const char *arg, struct strbuf *why)
{
	*off = !strcmp(arg, "off");
	if (*off || !strcmp(arg, "auto"))
		return 0;
	strbuf_set_f(why, "%s=%s: it is one of auto, off", option, arg);
	return -EINVAL;
}

static int set_annotations(struct options *o, const char *arg, struct strbuf *why)
{
	return set_auto(&o->no_annotations, "--annotations", arg, why);
}

static int set_go(struct options *o, const char *arg, struct strbuf *why)
{
	return set_auto(&o->no_go, "--go", arg, why);
}

#define SET_FLAG(name, what)                                                    \
	static int name(struct options *o, const char *arg, struct strbuf *why) \
	{                                                                       \
		(void)o, (void)arg, (void)why;                                  \
		what;                                                           \
		return 0;                                                       \
	}

SET_FLAG(set_group_digits, o->group_digits = true)
SET_FLAG(set_strict, o->strict = true)
SET_FLAG(set_json, o->json = true)
SET_FLAG(set_text, o->text = true)
SET_FLAG(set_repair, o->repair = true)
SET_FLAG(set_quiet, log_set_level(LOG_ERROR))

static int set_verbose(struct options *o, const char *arg, struct strbuf *why)
{
	(void)o, (void)arg, (void)why;
	log_set_level(log_wants("", LOG_INFO) ? LOG_DEBUG : LOG_INFO);
	return 0;
}

static const struct row {
	char letter; /* 0 none */
	const char *name;
	const char *arg; /* NULL: takes none; in brackets: may be left out */
	unsigned cmds;
	setter set;
	const char *help;
} rows[] = {
	{ 'p', "pid", "PID[,PID]", FOR_RECORD, set_pid,
	  "record these processes, with all their threads" },
	{ 'a', "all", NULL, FOR_RECORD, set_all, "record every process of the machine" },
	{ 'd', "duration", "TIME", FOR_RECORD, set_duration,
	  "stop after this time: 5, 500ms, 1m (default: until Ctrl-C or the last target's end)" },
	{ 'o', "output", "FILE", FOR_RECORD | FOR_CONVERT, set_output,
	  "where the trace goes, - is standard output (default go.trace)" },
	{ 0, "syscalls", "MODE", FOR_RECORD, set_syscalls,
	  "all: every syscall; blocking: those that threads sleep in, cheaper; none: only why they sleep" },
	{ 0, "stacks", "LIST", FOR_RECORD, set_stacks,
	  "what carries a stack: block, wakeup, fork, syscall, preempt, sample, kernel, mark; all; none (default block,fork)" },
	{ 0, "call-graph", "WAY", FOR_RECORD, set_call_graph,
	  "walk user stacks by unwinding tables (cfi, default), by frame pointers (fp), or not (none)" },
	{ 0, "sample", "[HZ]", FOR_RECORD, set_sample,
	  "take CPU samples so many times a second (99 when not told), with their stacks" },
	{ 0, "region", "BIN:FUNC", FOR_RECORD, set_region,
	  "make each call of these functions a region; FUNC is a glob; repeatable" },
	{ 0, "usdt", "BIN:PROVIDER:NAME", FOR_RECORD, set_usdt,
	  "make each hit of these markers (USDT) a log with its arguments; repeatable" },
	{ 0, "usdt-region", "BIN:PROVIDER:BEGIN,END[:argN]", FOR_RECORD, set_usdt_region,
	  "make a region from one marker to another, named by argument N; repeatable" },
	{ 0, "annotations", "WHICH", FOR_RECORD, set_annotations,
	  "auto: listen to the annotations of ctrace.h and of Go (default); off: do not" },
	{ 0, "go", "WHICH", FOR_RECORD, set_go,
	  "auto: look into Go programs for their annotations (default); off: do not" },
	{ 'p', "pid", "PID", FOR_MARKERS, set_pid,
	  "look at all files that this process has mapped" },
	{ 0, "region", "GLOB", FOR_MARKERS, set_region_glob,
	  "list the functions that match, too, and why some cannot be regions; repeatable" },
	{ 0, "go-version", "1.NN", FOR_RECORD | FOR_CONVERT, set_go_version,
	  "write for the readers of Go 1.22, 1.23 (default), 1.25 or 1.26 and newer" },
	{ 0, "group-digits", NULL, FOR_RECORD | FOR_CONVERT, set_group_digits,
	  "name threads worker-1, worker-2 … as one group worker-#" },
	{ 0, "first-proc", "N", FOR_RECORD | FOR_CONVERT, set_first_proc,
	  "number of CPU 0's row; with 1 the viewer draws arrows from CPU 0 too (default 0)" },
	{ 0, "buffer", "SIZE", FOR_RECORD, set_buffer,
	  "kernel memory for records, all CPUs together (default 16M for each CPU)" },
	{ 0, "raw", "FILE", FOR_RECORD, set_raw, "keep the records as they came, for convert" },
	{ 0, "strict", NULL, FOR_RECORD, set_strict, "exit with 4 when records were lost" },
	{ 0, "text", NULL, FOR_CONVERT, set_text, "write records, or a trace, as text" },
	{ 0, "repair", NULL, FOR_CONVERT, set_repair,
	  "cut a trace that was broken off back to its last whole generation; in place without -o" },
	{ 'q', "quiet", NULL, FOR_RECORD | FOR_CONVERT | FOR_FEATURES | FOR_MARKERS, set_quiet,
	  "say nothing but errors" },
	{ 'v', "verbose", NULL, FOR_RECORD | FOR_CONVERT | FOR_FEATURES | FOR_MARKERS, set_verbose,
	  "say more; twice: what libbpf and the verifier say" },
	{ 0, "json", NULL, FOR_RECORD | FOR_CONVERT | FOR_FEATURES | FOR_MARKERS, set_json,
	  "the summary as one JSON object on standard output" },
	{ 'h', "help", NULL, FOR_RECORD | FOR_CONVERT | FOR_FEATURES | FOR_MARKERS, NULL,
	  "this text" },
	{ 'V', "version", NULL, FOR_RECORD, NULL, "the program's version" },
};

#define NROW (sizeof(rows) / sizeof(rows[0]))

static bool is_optional(const struct row *row)
{
	return row->arg && row->arg[0] == '[';
}

void options_help(FILE *out, unsigned cmd)
{
	char left[64];
	size_t i;

	for (i = 0; i < NROW; i++) {
		if (!(rows[i].cmds & cmd))
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", rows[i].letter ? '-' : ' ',
			 rows[i].letter ? rows[i].letter : ' ', rows[i].letter ? "," : " ",
			 rows[i].name,
			 !rows[i].arg	       ? "" :
			 is_optional(&rows[i]) ? "[=" :
						 "=",
			 !rows[i].arg ? "" : rows[i].arg + is_optional(&rows[i]));
		fprintf(out, "  %-26s %s\n", left, rows[i].help);
	}
}

static const char *help_of(unsigned cmd)
{
	return cmd == FOR_CONVERT  ? "ctrace-bpf convert --help" :
	       cmd == FOR_FEATURES ? "ctrace-bpf features --help" :
	       cmd == FOR_MARKERS  ? "ctrace-bpf markers --help" :
				     "ctrace-bpf --help";
}

/* Is this the row of what getopt_long() found? A letter may have one row for each command. */
static bool is_row(const struct row *row, unsigned cmd, int c)
{
	return c == 256 + (int)(row - rows) || (row->cmds & cmd && row->letter == c);
}

/* What getopt_long() did not take: optopt is the letter, or 256 + the row of a name, or 0 for a
 * name that it does not know. */
static void unknown_option(unsigned cmd, char **argv, struct strbuf *why)
{
	/* a byte that is no ASCII: getopt has not gone past its word */
	const char *what = argv[optopt < 0 ? optind : optind - 1];
	size_t i;

	if (optopt > 0 && optopt < 256) {
		for (i = 0; i < NROW; i++) {
			if (rows[i].letter == optopt && rows[i].cmds & cmd) {
				strbuf_set_f(why, "-%c: %s is missing; see %s", optopt, rows[i].arg,
					     help_of(cmd));
				return;
			}
		}
		strbuf_set_f(why, "unknown option -%c; see %s", optopt, help_of(cmd));
	} else if (optopt >= 256) {
		strbuf_set_f(why, "--%s: %s; see %s", rows[optopt - 256].name,
			     rows[optopt - 256].arg ? "its value is missing" : "takes no value",
			     help_of(cmd));
	} else {
		strbuf_set_f(why, "unknown option %s; see %s", what, help_of(cmd));
	}
}

int options_parse(struct options *o, unsigned cmd, int argc, char **argv, struct strbuf *why)
{
	struct option longs[NROW + 1] = { 0 };
	char shorts[2 * NROW + 3] = ":";
	size_t i, nl = 0, ns = 1;
	int c, err;

	*o = (struct options){
		.go_minor = 23,
		.stacks = STACKS_DEFAULT,
		.call_graph = CT_CALL_GRAPH_CFI,
	};
	for (i = 0; i < NROW; i++) {
		if (!(rows[i].cmds & cmd))
			continue;
		longs[nl++] = (struct option){ rows[i].name,
					       !rows[i].arg	     ? no_argument :
					       is_optional(&rows[i]) ? optional_argument :
								       required_argument,
					       NULL, (int)(256 + i) };
		if (rows[i].letter)
			shorts[ns++] = rows[i].letter;
		if (rows[i].letter && rows[i].arg)
			shorts[ns++] = ':';
	}
	shorts[ns] = 0;
	optind = 1;
	opterr = 0;
	for (;;) {
		optopt = 0;
		c = getopt_long(argc, argv, shorts, longs, NULL);
		if (c < 0)
			break;
		for (i = 0; i < NROW && !is_row(&rows[i], cmd, c); i++)
			;
		if (c == '?' || c == ':' || i == NROW) {
			unknown_option(cmd, argv, why);
			return -EINVAL;
		}
		if (!rows[i].set)
			return rows[i].letter == 'h' ? 1 : 2;
		err = rows[i].set(o, optarg, why);
		if (err)
			return err;
	}
	o->rest = argv + optind;
	o->nrest = argc - optind;
	return 0;
}

void options_free(struct options *o)
{
	size_t i;

	for (i = 0; i < o->nannot; i++)
		annot_spec_free(&o->annot[i]);
	free(o->annot);
	free(o->regions);
	free(o->pid);
}
