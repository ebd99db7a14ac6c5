/* SPDX-License-Identifier: BSD-2-Clause */
/* One recording, from the options that ask for it to the files that hold it. */
#ifndef CTRACE_RECORD_RECORD_H
#define CTRACE_RECORD_RECORD_H

#include "util/exitcode.h"

struct options;
struct strbuf;

/* Where the trace goes: the path, "-" for standard output. */
const char *recording_output(const struct options *o);

/*
 * Records what the options say, which have been checked, and prints the summary. The exit status;
 * the reason in why where it is not EXIT_FINE and not told yet. With a command it is that of the
 * command, whatever it is, when that has one but 0. Drops the privileges of the process on the way.
 */
enum exit_code record_run(const struct options *o, struct strbuf *why);

#endif
