/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All recordings that the service has under way: what is asked for becomes options here, rights and
 * limits are asked here, and here it is logged. Every door (HTTP, JSON-RPC, the library, the
 * command line) comes through this one, and knows nothing of processes.
 */
#ifndef CTRACE_CONTROL_RECORDINGS_H
#define CTRACE_CONTROL_RECORDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rights/caller.h"
#include "control/job.h"
#include "util/log.h"

struct loop;
struct options;
struct outdir;
struct recordings;
struct served; /* one recording */
struct strbuf;

struct recordings_opts {
	struct loop *loop;
	const struct options *o; /* of `serve`: limits, and what is recorded when nothing is said;
				    borrowed */
	struct outdir *outdir;	 /* borrowed */
	void (*idle)(void *ctx); /* the last one has ended; NULL: nobody asks */
	void *ctx;
	uint64_t patience_ns; /* with one that should have ended; then it is urged, and at last
				 killed. 0: a minute */
};

/* NULL with errno and the reason in why: the flight recorder cannot be. */
struct recordings *recordings__new(const struct recordings_opts *opts, struct strbuf *why);
/* Those that are under way are stopped, and complete their files by themselves. */
void recordings__free(struct recordings *r);

enum served_door { DOOR_HTTP, DOOR_RPC, DOOR_LIBRARY, DOOR_COMMAND, DOOR_GOPS };

struct served_wish {
	struct caller caller;
	enum served_door door;
	/* What is recorded, in place of what serve was given or beside it: an object of option
	 * names and values
	 * ({"pid": 42, "region": ["libc.so.6:malloc"], "sample": true}), or the words of a command
	 * line. Both NULL: as serve has it. Borrowed. */
	const json_t *object;
	char *const *words;   /* NULL at the end */
	uint64_t duration_ns; /* 0: until stopped, or the longest that is allowed */
	const char *file;     /* a name beneath the output directory; NULL: fd */
	int fd; /* where the trace goes without file; borrowed until recordings__start() returns */
	const char *name;    /* … and what sentences call it; NULL: "the trace" */
	int err_fd, json_fd; /* see job_opts; -1 none */
	enum log_level loud; /* how much goes to err_fd */
	bool strict;	     /* see options.h */
	/*
	 * Called when it has begun, and when it has ended, in this order; where it could not begin
	 * only the latter. Never from within recordings__start(). After `ended` the pointer is gone.
	 */
	void (*begun)(void *ctx, struct served *s);
	void (*ended)(void *ctx, struct served *s);
	void *ctx;
};

/*
 * NULL with errno and the sentence in why, fit for any door: EINVAL what is asked for makes no
 * sense; EPERM the caller may not; EALREADY he has one under way from this door (of DOOR_RPC:
 * "trace already in progress"); EBUSY a limit is reached; ESRCH no such process; another one: of
 * the file, in Go's words.
 */
struct served *recordings__start(struct recordings *r, const struct served_wish *wish,
				 struct strbuf *why);
void served__stop(struct served *s); /* ended() comes when the file is complete */
void served__kill(struct served *s); /* nobody reads it: at once. ended() comes */
/* Its owner is gone: begun() and ended() are not called any more; it goes on. */
void served__let_go(struct served *s);

/* 0 or -errno, as a recording that could not be had is told: -EINVAL, -EPERM, -ESRCH, others;
 * -EFBIG: its trace is whole, and shorter than it was asked for, since there is a bound of bytes.
 * The sentence in why. For ended(). */
int served__result(const struct served *s, struct strbuf *why);
struct job_numbers served__numbers(const struct served *s);
/* Of ended(): the exit code that a recorder would have; see job__code(). */
enum exit_code served__code(const struct served *s);

/* Its number, as recordings__list() has it. */
unsigned served__id(const struct served *s);

/* Stops one of those that recordings__list() tells this caller. 0, or -ESRCH with the sentence in
 * why: there is none, or he may not know of it. */
int recordings__stop(struct recordings *r, const struct caller *c, unsigned id, struct strbuf *why);

/* The one that this caller has under way through DOOR_RPC; NULL: none. */
struct served *recordings__of(struct recordings *r, const struct caller *c);

/* Writes what the flight recorder of `serve --flight-recorder` has to a file beneath the output
 * directory. 0, after which done() is called once; or -errno with the sentence in why: -ENOTSUP
 * there is no flight recorder. Only for CALLER_ALL. */
typedef void (*snapshot_fn)(void *ctx, int err, const char *why);
int recordings__snapshot(struct recordings *r, const struct caller *c, const char *file,
			 snapshot_fn done, void *ctx, struct strbuf *why);

/* For ctrace_status and the index page: an array of those that this caller may know of. The
 * caller's to free. */
json_t *recordings__list(const struct recordings *r, const struct caller *c);
/* What is recorded when nothing is said, in words: "process 42 (redis-server)", "the whole system";
 * NULL: nothing is. */
const char *recordings__default(const struct recordings *r);
size_t recordings__count(const struct recordings *r);
/* Of the flight recorder, in words: "keeps the last 10 s"; NULL: there is none. */
const char *recordings__flight(const struct recordings *r);
/* No new ones; those that are under way are stopped, and give up symbols when it is called again.
 * idle() comes when the last one has ended, at once where there is none. */
void recordings__end(struct recordings *r);

#endif
