/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One recording that was asked for, by a process of its own: it acts for the caller, gives up its
 * rights as every recorder does, writes to a descriptor that it is given, and says through a socket
 * how it goes. When that socket's other end is closed, by whatever death of ours, it completes the
 * trace and ends.
 *
 *     STARTING ──begun──► RECORDING ──stop, time, its targets' end──► ENDED
 *         └──────────────── why it could not begin ─────────────────────►
 *
 * A trace is complete, and every byte of it written, when the job has ended. One thread: the loop's.
 */
#ifndef CTRACE_CONTROL_JOB_H
#define CTRACE_CONTROL_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rights/caller.h"
#include "util/exitcode.h"
#include "util/log.h"

struct job;
struct loop;
struct options;
struct strbuf;

enum job_state { JOB_STARTING, JOB_RECORDING, JOB_ENDED };

/* In numbers, as it ended; before that as it was told last. */
struct job_numbers {
	double seconds;
	uint64_t events, lost, bytes;
	unsigned bound; /* enum rotation_end: which one ended it */
};

struct job_opts {
	struct loop *loop;
	const struct options *o; /* what is recorded; checked. Not needed after job__new(): the
				    process has its copy */
	struct caller caller;
	int out_fd; /* where the trace goes: a regular file (cut at the first write), a pipe, a
		       socket. -1: nowhere but  to snapshots (o->flight_ns). Borrowed until
		       job__new() returns; the process has its own */
	int err_fd; /* what a recorder says on stderr goes there, the summary too; -1: what went
		       wrong is in  job__why(), and nothing else is said. Borrowed like out_fd */
	enum log_level loud; /* how much goes to err_fd */
	int json_fd;	     /* where --json goes; -1: nowhere */
	/* The state has changed. The job may be freed from here when it is JOB_ENDED. */
	void (*changed)(void *ctx, struct job *j);
	void *ctx;
};

/* NULL with errno where no process could be made. */
struct job *job__new(const struct job_opts *opts);
/* One that has not ended is stopped, and completes its file by itself; nothing is heard of it. NULL
 * is fine. */
void job__free(struct job *j);

void job__stop(struct job *j); /* asks; JOB_ENDED comes. Again: gives up symbols, as a second Ctrl-C
				  does */
void job__kill(struct job *j); /* at once, without an end of the trace: nobody reads it any more */
enum job_state job__state(const struct job *j);
pid_t job__pid(const struct job *j);
struct job_numbers job__numbers(const struct job *j);
/* Of JOB_ENDED: the exit code that a recorder would have, and the reason where that is not
 * EXIT_FINE ("" then). */
enum exit_code job__code(const struct job *j);
const char *job__why(const struct job *j);
/* Did it begin, ever? An ended job that did not has written nothing. */
bool job__begun(const struct job *j);

/*
 * Of a flight recorder: writes what it has to fd, which is borrowed until this returns. done is
 * called once, also when the job ends before: err 0 or -errno, with the sentence. One at a time:
 * -EALREADY. -ENOTSUP: it is no flight recorder. -EAGAIN: it has not begun.
 */
typedef void (*job_snapshot_fn)(void *ctx, int err, const char *why);
int job__snapshot(struct job *j, int fd, job_snapshot_fn done, void *ctx);

#endif
