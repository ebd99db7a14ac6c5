/* SPDX-License-Identifier: BSD-2-Clause */
/* What the exit status of the program means. */
#ifndef CTRACE_UTIL_EXITCODE_H
#define CTRACE_UTIL_EXITCODE_H

enum exit_code {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_MACHINE = 3, /* the machine or the privileges lack something */
	EXIT_LOST = 4,	  /* finished, but records were lost; with --strict */
	/* as shells have it; behind -- any other number is the command's own */
	EXIT_CANNOT_RUN = 126,
	EXIT_NO_COMMAND = 127,
	EXIT_SIGNAL = 128, /* and the number of the signal that ended it */
};

#endif
