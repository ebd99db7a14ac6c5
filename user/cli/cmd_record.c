// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf -p PID: records running processes; ctrace-bpf -- CMD: one that it starts. */
#include <errno.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "output/outfile.h"
#include "record/record.h"
#include "util/strbuf.h"

#define ROTATE_MIN (64u << 10)

static const struct trigger_spec *find_trigger(const struct options *o, enum trigger_kind kind)
{
	size_t i;

	for (i = 0; i < o->ntrigger; i++)
		if (o->trigger[i].kind == kind)
			return &o->trigger[i];
	return NULL;
}

static int check_flight(const struct options *o, struct strbuf *why)
{
	if (o->ntrigger && !o->flight_ns)
		strbuf_set_f(
			why,
			"--trigger writes what the flight recorder has: give --flight-recorder=10s with it");
	else if (!o->flight_ns)
		return 0;
	else if (!strcmp(recording_output(o), "-"))
		strbuf_set_f(
			why,
			"--flight-recorder makes a file each time: -o is the name to make theirs from, not -");
	else if (o->rotate_ns || o->rotate_bytes || o->duty_ns)
		strbuf_set_f(
			why,
			"--flight-recorder keeps the newest part in memory, %s writes it all: give one of them",
			o->duty_ns ? "--duty" : "--rotate");
	else if (o->max_size || o->min_free)
		strbuf_set_f(
			why,
			"%s ends a recording that is written as it comes, and --flight-recorder writes nothing until it is asked to: bound its files with its SIZE and --keep",
			o->max_size ? "--max-size" : "--min-free");
	else if (find_trigger(o, TRIGGER_SYSCALL) && o->syscalls != SYSCALLS_ALL)
		strbuf_set_f(
			why,
			"--trigger %s needs to know each syscall: leave out --syscalls, or the trigger",
			find_trigger(o, TRIGGER_SYSCALL)->text);
	else
		return 0;
	return -EINVAL;
}

/* An option that means something only together with another one. */
static int check_files(const struct options *o, struct strbuf *why)
{
	bool rotated = o->rotate_ns || o->rotate_bytes;

	if (rotated && o->duty_ns)
		strbuf_set_f(
			why,
			"--duty makes a file of each window already: --rotate cannot be added to it; give one of them");
	else if ((rotated || o->duty_ns) && !strcmp(recording_output(o), "-"))
		strbuf_set_f(
			why,
			"%s makes more than one file: give -o FILE, after which they are named",
			rotated ? "--rotate" : "--duty");
	else if (o->rotate_bytes && o->rotate_bytes < ROTATE_MIN)
		strbuf_set_f(
			why,
			"--rotate=SIZE: so small a file has little but the states with which it begins; give 64K or more");
	else if (o->keep && !rotated && !o->duty_ns && !o->flight_ns)
		strbuf_set_f(
			why,
			"--keep is for recordings of more than one file: add --rotate, --duty or --flight-recorder");
	else if (o->min_free && !strcmp(recording_output(o), "-"))
		strbuf_set_f(
			why,
			"--min-free is for files: nobody knows where standard output goes; give -o FILE");
	else if (o->duty_ns && o->command)
		strbuf_set_f(
			why,
			"--duty records what runs already, again and again: start %s by itself, and give its process id with -p",
			o->command[0] ? o->command[0] : "the program");
	else if (o->duty_ns && o->raw)
		strbuf_set_f(
			why,
			"--raw keeps one recording, and each window of --duty is one: leave --raw out");
	else
		return 0;
	return -EINVAL;
}

static int check_raw(const struct options *o, struct strbuf *why)
{
	if (!o->raw || !outfile_same(o->raw, recording_output(o)))
		return 0;
	strbuf_set_f(why, "-o and --raw name the same file, %s; choose another for one of them",
		     o->raw);
	return -EINVAL;
}

/* An option that says more about a rule; NULL: there is none. */
static const char *rule_option(const struct options *o)
{
	return o->comm.cnt	   ? "--comm" :
	       o->uid.cnt	   ? "--uid" :
	       o->exclude.cnt	   ? "--exclude" :
	       o->kernel_threads   ? "--kernel-threads" :
	       o->sample_processes ? "--sample-processes" :
				     NULL;
}

/* Who has started it is recorded alone: -- is a way to say who. */
static int check_command(const struct options *o, struct strbuf *why)
{
	const char *other = o->npid	 ? "-p" :
			    o->all	 ? "-a" :
			    o->cgroup	 ? "--cgroup" :
			    o->container ? "--container" :
					   rule_option(o);

	if (!o->command[0])
		strbuf_set_f(why, "-- : there is no command behind it; write -- CMD ARGS");
	else if (other)
		strbuf_set_f(
			why,
			"-- %s is recorded from its start, with its children: %s cannot be added to it; give one of them",
			o->command[0], other);
	else if (!strcmp(recording_output(o), "-"))
		strbuf_set_f(
			why,
			"-o -: standard output is what %s writes to; give a file for the trace",
			o->command[0]);
	else
		return 0;
	return -EINVAL;
}

/* Who is recorded: can these be meant together? */
static int check_scope(const struct options *o, struct strbuf *why)
{
	bool by_rule = o->all || o->cgroup || o->container;

	if (!o->npid && !by_rule)
		strbuf_set_f(
			why,
			"what shall be recorded? -p PID, -a for everything, or -- CMD to start it; see ctrace-bpf --help");
	else if (o->npid && o->all)
		strbuf_set_f(why,
			     "-a records everything: -p cannot be added to it; give one of them");
	else if (o->cgroup && o->container)
		strbuf_set_f(why, "--cgroup and --container both name a group; give one of them");
	else if (by_rule && o->npid)
		strbuf_set_f(why, "-p names processes, and %s a group of them; give one of them",
			     o->cgroup ? "--cgroup" : "--container");
	else if (o->all && (o->cgroup || o->container))
		strbuf_set_f(why, "-a records everything, and %s a part of it; give one of them",
			     o->cgroup ? "--cgroup" : "--container");
	else if (!by_rule && rule_option(o))
		strbuf_set_f(why,
			     "%s chooses among the processes of -a or --cgroup; give one of them",
			     rule_option(o));
	else if (by_rule && o->follow)
		strbuf_set_f(
			why,
			"-f is for -p: what processes of -a and --cgroup fork is recorded where it is meant itself");
	else
		return 0;
	return -EINVAL;
}

static int check(const struct options *o, struct strbuf *why)
{
	if (o->nrest) {
		strbuf_set_f(why, "'%s' is no option; to start it under trace write -- %s",
			     o->rest[0], o->rest[0]);
		return -EINVAL;
	}
	if (o->command ? check_command(o, why) : check_scope(o, why))
		return -EINVAL;
	if (check_files(o, why) || check_flight(o, why))
		return -EINVAL;
	return check_raw(o, why);
}

const struct cmd cmd_record = {
	.name = "record",
	.synopsis =
		"-p PID[,PID…] [-d TIME] [-o FILE] [options]\n       ctrace-bpf -a …\n       ctrace-bpf [options] -- CMD ARGS…",
	.summary = "records what the threads of programs do, as a Go execution trace",
	.options = FOR_RECORD,
	.check = check,
	.run = record_run,
};
