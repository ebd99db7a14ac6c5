// SPDX-License-Identifier: BSD-2-Clause
/* See check.h. One question a function. */
#include "cli/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "cli/options.h"
#include "model/trigger_spec.h"
#include "output/outfile.h"
#include "record/record.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"

#define ROTATE_MIN (64u << 10)

__attribute__((format(printf, 2, 3))) static int refuse(struct strbuf *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_reset(why);
	strbuf_addv(why, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool is_to_stdout(const struct options *o)
{
	return !strcmp(recording_output(o), "-");
}

/* ---- who is recorded ---- */

/* The option that says which group is meant; NULL: none does. */
static const char *group_option(const struct options *o)
{
	return o->cgroup ? "--cgroup" : o->container ? "--container" : NULL;
}

/* An option that chooses among many; NULL: there is none. */
static const char *rule_option(const struct options *o)
{
	return o->comm.cnt	   ? "--comm" :
	       o->uid.cnt	   ? "--uid" :
	       o->exclude.cnt	   ? "--exclude" :
	       o->kernel_threads   ? "--kernel-threads" :
	       o->sample_processes ? "--sample-processes" :
				     NULL;
}

static int check_rest(const struct options *o, struct strbuf *why)
{
	if (!o->nrest)
		return 0;
	return refuse(why, "'%s' is no option; to start it under trace write -- %s", o->rest[0],
		      o->rest[0]);
}

static int check_command(const struct options *o, struct strbuf *why)
{
	const char *other = o->npid	    ? "-p" :
			    o->all	    ? "-a" :
			    group_option(o) ? group_option(o) :
					      rule_option(o);

	if (!o->command)
		return 0;
	if (!o->command[0])
		return refuse(why, "-- : there is no command behind it; write -- CMD ARGS");
	if (other)
		return refuse(
			why,
			"-- %s is recorded from its start, with its children: %s cannot be added to it; give one of them",
			o->command[0], other);
	if (is_to_stdout(o))
		return refuse(
			why,
			"-o -: standard output is what %s writes to; give a file for the trace",
			o->command[0]);
	return 0;
}

bool check_has_target(const struct options *o)
{
	return o->npid || o->all || group_option(o);
}

static int check_any_target(const struct options *o, struct strbuf *why)
{
	if (o->command || check_has_target(o))
		return 0;
	return refuse(
		why,
		"what shall be recorded? -p PID, -a for everything, or -- CMD to start it; see ctrace-bpf --help");
}

/* -p, -a, a group: one of them. */
static int check_targets(const struct options *o, struct strbuf *why)
{
	const char *group = group_option(o);

	if (o->npid && o->all)
		return refuse(why,
			      "-a records everything: -p cannot be added to it; give one of them");
	if (o->cgroup && o->container)
		return refuse(why, "--cgroup and --container both name a group; give one of them");
	if (o->npid && group)
		return refuse(why, "-p names processes, and %s a group of them; give one of them",
			      group);
	if (o->all && group)
		return refuse(why, "-a records everything, and %s a part of it; give one of them",
			      group);
	return 0;
}

static int check_rule(const struct options *o, struct strbuf *why)
{
	bool many = o->all || group_option(o);

	if (!many && rule_option(o))
		return refuse(why,
			      "%s chooses among the processes of -a or --cgroup; give one of them",
			      rule_option(o));
	if (many && o->follow)
		return refuse(
			why,
			"-f is for -p: what processes of -a and --cgroup fork is recorded where it is meant itself");
	return 0;
}

/* ---- where it goes ---- */

static int check_rotation(const struct options *o, struct strbuf *why)
{
	if (options_rotated(o) && o->duty_ns)
		return refuse(
			why,
			"--duty makes a file of each window already: --rotate cannot be added to it; give one of them");
	if ((options_rotated(o) || o->duty_ns) && is_to_stdout(o))
		return refuse(
			why,
			"%s makes more than one file: give -o FILE, after which they are named",
			options_rotated(o) ? "--rotate" : "--duty");
	if (o->rotate_bytes && o->rotate_bytes < ROTATE_MIN)
		return refuse(
			why,
			"--rotate=SIZE: so small a file has little but the states with which it begins; give 64K or more");
	return 0;
}

static int check_keep(const struct options *o, struct strbuf *why)
{
	if (!o->keep || options_rotated(o) || o->duty_ns || o->flight_ns)
		return 0;
	return refuse(
		why,
		"--keep is for recordings of more than one file: add --rotate, --duty or --flight-recorder");
}

static int check_min_free(const struct options *o, struct strbuf *why)
{
	if (!o->min_free || !is_to_stdout(o))
		return 0;
	return refuse(
		why,
		"--min-free is for files: nobody knows where standard output goes; give -o FILE");
}

static int check_duty(const struct options *o, struct strbuf *why)
{
	if (o->duty_ns && o->command)
		return refuse(
			why,
			"--duty records what runs already, again and again: start %s by itself, and give its process id with -p",
			o->command[0]);
	if (o->duty_ns && o->raw)
		return refuse(
			why,
			"--raw keeps one recording, and each window of --duty is one: leave --raw out");
	return 0;
}

/* Half of the machine at most: the other half is for who is recorded. */
static bool is_too_much(const struct options *o)
{
	return o->flight_bytes > procfs_ram() / 2;
}

static int check_flight(const struct options *o, struct strbuf *why)
{
	char wanted[16], there[16];

	if (!o->flight_ns)
		return 0;
	if (is_to_stdout(o))
		return refuse(
			why,
			"--flight-recorder makes a file each time: -o is the name to make theirs from, not -");
	if (options_rotated(o) || o->duty_ns)
		return refuse(
			why,
			"--flight-recorder keeps the newest part in memory, %s writes it all: give one of them",
			o->duty_ns ? "--duty" : "--rotate");
	if (is_too_much(o))
		return refuse(
			why,
			"--flight-recorder keeps %s in memory, and this machine has %s: give less than half of that",
			format_size(wanted, o->flight_bytes), format_size(there, procfs_ram()));
	return 0;
}

static int check_triggers(const struct options *o, struct strbuf *why)
{
	size_t i;

	if (o->ntrigger && !o->flight_ns)
		return refuse(
			why,
			"--trigger writes what the flight recorder has: give --flight-recorder=10s with it");
	if (o->trigger_gap_ns != TRIGGER_GAP_UNSAID && !o->ntrigger)
		return refuse(
			why,
			"--trigger-gap is the time between two files that triggers write: give --trigger with it, or leave it out");
	for (i = 0; i < o->ntrigger; i++)
		if (o->trigger[i].kind == TRIGGER_SYSCALL && o->syscalls != SYSCALLS_ALL)
			return refuse(
				why,
				"--trigger %s needs to know each syscall: leave out --syscalls, or the trigger",
				o->trigger[i].text);
	return 0;
}

static int check_raw(const struct options *o, struct strbuf *why)
{
	if (!o->raw || !outfile_same(o->raw, recording_output(o)))
		return 0;
	return refuse(why, "-o and --raw name the same file, %s; choose another for one of them",
		      o->raw);
}

/* ---- what is asked of whom ---- */

typedef int (*question_fn)(const struct options *o, struct strbuf *why);

static int ask(const question_fn *question, const struct options *o, struct strbuf *why)
{
	for (; *question; question++)
		if ((*question)(o, why))
			return -EINVAL;
	return 0;
}

int check_recording(const struct options *o, struct strbuf *why)
{
	static const question_fn questions[] = {
		check_rest, check_command,  check_any_target, check_targets,
		check_rule, check_rotation, check_keep,	      check_min_free,
		check_duty, check_flight,   check_triggers,   check_raw,
		NULL,
	};

	return ask(questions, o, why);
}

int check_defaults(const struct options *o, struct strbuf *why)
{
	static const question_fn questions[] = {
		check_targets, check_rule, check_flight, check_triggers, NULL,
	};

	return ask(questions, o, why);
}
