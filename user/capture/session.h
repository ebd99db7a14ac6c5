/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One recording from begin to end, of what is attached already. It is one event loop: a timer
 * polls the rings; signals and the ends of the targets are events like any other. What says stop is
 * a signal, the time, the last target's end, a file that takes no more, or a bound of the files.
 */
#ifndef CTRACE_CAPTURE_SESSION_H
#define CTRACE_CAPTURE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"
#include "capture/target.h"
#include "gotrace/writer.h"

struct annot;
struct flight;
struct halt;
struct launch;
struct pipeline;
struct rawlog;
struct rotation;
struct scope;
struct spaces;
struct symbolizer;
struct symlog;
struct strbuf;

/* How a recording goes, in numbers. */
struct session_numbers {
	double seconds;
	uint64_t events, lost, bytes;
};

/* What another process has to say meanwhile. */
enum session_word {
	SESSION_NOTHING,
	SESSION_STOP,	  /* a second one gives up what takes long, as a second Ctrl-C does */
	SESSION_SNAPSHOT, /* of a flight recorder, to a descriptor */
	SESSION_ALONE,	  /* it is gone: stop; and what nobody reads is not waited for */
};

/* Who has this recording made, where that is another process. */
struct session_control {
	int fd; /* readable when there is a word; borrowed */
	enum session_word (*take)(void *ctx, int *fd);
	void (*begun)(void *ctx);
	void (*progress)(void *ctx, const struct session_numbers *n); /* twice a second */
	void (*snapshot_done)(void *ctx, int err, const char *why);   /* from any thread */
	void *ctx;
};

struct session_opts {
	struct capture *capture; /* attached; borrowed, all of them */
	struct pipeline *pipeline;
	struct rawlog *raw;		/* NULL none */
	struct rotation *rotation;	/* NULL: one file, without bounds */
	struct flight *flight;		/* NULL none: SIGUSR2 has nothing to write */
	struct spaces *spaces;		/* NULL none */
	struct annot *annot;		/* NULL none */
	struct symbolizer *symbolizer;	/* NULL none */
	struct symlog *names;		/* that it was asked for, for raw; NULL none */
	struct target_set *targets;	/* NULL: everything */
	const struct target_set *procs; /* the processes to name */
	uint32_t config;		/* EV_CONFIG_* */
	struct launch *launch;		/* the only target, let go when all is ready; NULL none */
	struct halt *halt;		/* of launch; NULL: it runs as it wants */
	uint64_t duration_ns;		/* 0: until told, or until the last target has ended */
	const struct scope *scope;	/* of everything: who is in; NULL: all */
	bool progress;			/* a line on the terminal */
	int signal_fd;			/* of session_signals() */
	const struct session_control *control; /* NULL: there is none */
};

struct session_result {
	int err;	   /* of the trace file: -errno, 0 fine */
	uint64_t refused;  /* records that were left out because they are not legal */
	int raw_err;	   /* of the raw file */
	int flight_err;	   /* of the last snapshot that failed */
	uint64_t begin_ns; /* of the recording, CLOCK_MONOTONIC; 0: it did not begin, and what was
			      to be launched was not, or has been ended before its first instruction
			    */
	uint64_t stop_ns;  /* when the stop was asked for, CLOCK_MONOTONIC */
	unsigned signal;   /* that stopped it, 0 none */
};

/*
 * From now on SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 come through the descriptor that is
 * returned (-errno); to be called before any thread is made. With a command SIGQUIT and SIGCHLD
 * do, too: the former is its affair, the latter is how it stops and ends.
 */
int session_signals(bool command);

/*
 * Records until the end, and finishes the pipeline and the raw file. 0, or -errno with the reason
 * in why when it could not begin. A command may still run afterwards: launch__wait().
 */
int session_run(const struct session_opts *opts, struct session_result *res, struct strbuf *why);

#endif
