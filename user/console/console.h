/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctrace-bpf console: lines are read, called, and what they return is shown; at a terminal with a
 * prompt, else one line is one call, and the first that fails ends it.
 */
#ifndef CTRACE_CONSOLE_CONSOLE_H
#define CTRACE_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/exitcode.h"

struct client;
struct strbuf;

struct console_opts {
	struct client *client; /* borrowed */
	const char **exec;     /* lines in place of those of stdin; nexec 0: none */
	size_t nexec;
	bool json; /* results as JSON, a line each */
};

/* The exit status; what went wrong with a line has been told. */
enum exit_code console_run(const struct console_opts *opts);

#endif
