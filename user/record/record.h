/* SPDX-License-Identifier: BSD-2-Clause */
/* One recording, from the options that ask for it to the files that hold it. */
#ifndef CTRACE_RECORD_RECORD_H
#define CTRACE_RECORD_RECORD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "output/outfile.h"
#include "util/exitcode.h"

struct options;
struct session_control;
struct strbuf;

/* A recording in numbers, for who adds several up. */
struct record_totals {
	bool begun; /* the rest is told */
	double seconds;
	uint64_t events, lost;
	uint64_t bytes;		 /* in the file, of --rotate in all of them */
	char file[NAME_MAX + 1]; /* the name of the last one of --rotate, without directories */
	struct outfile_id id;	 /* … and which it is */
	double cpu_seconds;
	uint64_t rss_bytes;
	unsigned ended; /* enum rotation_end */
};

/* A recording that is a part of something larger, by a process of its own. */
struct record_part {
	struct record_totals *totals; /* to be filled in at the end; NULL: nobody asks */
	bool claimed;		      /* its name is, by who has it made */
	int out_fd; /* where the trace goes, taken; -1: as the options say, whose name is for
		       sentences else */
	const struct session_control *control; /* NULL: there is none */
};

/* Where the trace goes: the path, "-" for standard output. */
const char *recording_output(const struct options *o);

/*
 * Records what the options say, which have been checked, and prints the summary. The exit status;
 * the reason in why where it is not EXIT_FINE and not told yet. With a command it is that of the
 * command, whatever it is, when that has one but 0. Drops the privileges of the process on the way.
 */
enum exit_code record_run(const struct options *o, struct strbuf *why);

/* The same of one recording, whatever --duty says. */
enum exit_code record_once(const struct options *o, const struct record_part *part,
			   struct strbuf *why);

#endif
