/* SPDX-License-Identifier: BSD-2-Clause */
/* The last words of a recording in windows (--duty): the sums of what each of them told. */
#ifndef CTRACE_CLI_WINDOWS_H
#define CTRACE_CLI_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

struct trail;

struct windows_summary {
	const struct trail *files; /* that there are, each with its share */
	unsigned windows;	   /* that were recorded */
	uint64_t left_out;	   /* that were due, and were not */
	double seconds;		   /* that are recorded, of all windows */
	double wall_seconds;	   /* from the first begin to the last end */
	uint64_t events, lost;
	double cpu_seconds; /* our own */
	uint64_t rss_bytes; /* our own, of the window that took most */
	const char *ended;  /* which bound ended it, as an option's name; NULL none */
	const char *error;  /* the sentence, when a window failed; NULL fine */
};

/* For people on stderr; as a JSON object on stdout when asked. */
void windows_print(const struct windows_summary *s, bool json);

#endif
