/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One window of --duty: a recording by a process of its own, which gives up its rights as every
 * recorder does, is told of our end, and sends what it has to say when it is through (remote.h).
 */
#ifndef CTRACE_RECORD_WINDOW_H
#define CTRACE_RECORD_WINDOW_H

#include <sys/types.h>

#include "record/recording.h"

struct window {
	const struct options *o; /* of the one recording */
	int signal_fd;		 /* non-blocking; the new process closes it */
	/* signals have come; child: who may want to know */
	void (*on_signals)(void *ctx, pid_t child);
	void *ctx;
};

/*
 * Runs the process of a window to its end. The exit status that the recording would have, its
 * numbers, and in why what it has to say where that is not EXIT_FINE. totals->begun false: it told
 * none.
 */
enum exit_code window_run(const struct window *w, struct record_totals *totals, struct strbuf *why);

#endif
