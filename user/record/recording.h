/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording as its parts are put together: shared by the files of this room, and by nobody else.
 *
 *   record.c   what is recorded, in what order things are opened, run and closed
 *   attach.c   all that needs privileges
 *   outputs.c  where the trace and the raw copy go
 *   sumup.c    what is said at the end
 *   duty.c     several of them, one behind the other (--duty)
 *   window.c   … each by a process of its own
 *   remote.c   what such a process says to who made it
 */
#ifndef CTRACE_RECORD_RECORDING_H
#define CTRACE_RECORD_RECORDING_H

#include <stdint.h>

#include "annot/plan.h"
#include "capture/scope.h"
#include "capture/session.h"
#include "capture/target.h"
#include "util/exitcode.h"
#include "cli/options.h"
#include "record/record.h"

struct annot;
struct capture;
struct files;
struct flight;
struct halt;
struct launch;
struct pipeline;
struct rawlog;
struct rotation;
struct spaces;
struct strbuf;
struct symbolizer;
struct symlog;

/* Our processes, as capture_opts has them. */
enum { FILES_HELPER, NAMES_HELPER };

struct recording {
	const struct options *o;
	const struct record_part *part;	  /* never NULL */
	struct launch *launch;		  /* NULL: nothing is started */
	struct halt *halt;		  /* NULL: nor held while it starts */
	struct target_set targets, procs; /* procs: where none are given, to name them */
	struct scope scope;		  /* who is meant where no processes are given */
	struct outfile *out, *raw_file;	  /* out NULL: rotation or flight makes the files */
	int claim;			  /* on the name that files are named after; -1: none */
	struct rotation *rotation;	  /* NULL: no bounds, and one file unless there is flight */
	struct flight *flight;		  /* NULL: all is written */
	struct rawlog *raw;
	struct capture *capture;
	struct symbolizer *symbolizer; /* NULL: user stacks are not walked */
	struct plan_wishes wishes;     /* for annotations */
	struct files *files;	       /* NULL: no file is read */
	struct annot *annot;	       /* NULL: no annotations are recorded */
	struct spaces *spaces;	       /* NULL: neither of the two */
	struct symlog *names;	       /* NULL: no raw copy is kept */
	struct pipeline *pipeline;
	struct session_result res;
	int signal_fd;
	uint64_t start_ts;
	int64_t wall_offset;
};

/* Are no processes given, but a rule? Then each process of the machine may be one. */
bool recording_by_rule(const struct options *o);
/* Fills scope, to be freed in each case, from the options that choose: see scope_resolve(). */
int recording_scope(const struct options *o, struct scope *scope, struct strbuf *why);
/* The processes that are meant; NULL: those of the rule. */
struct target_set *recording_targets(struct recording *r);

/* ---- duty.c ---- */

/* See record_run(): as the options of --duty say. */
enum exit_code duty_run(const struct options *o, struct strbuf *why);

/* ---- attach.c ---- */

/* The processes that read what others have written. Forked, so while there is no thread yet. */
int recording_open_readers(struct recording *r, struct strbuf *why);

/* Everything that needs privileges; they are gone afterwards. What failed is in why. */
enum exit_code recording_attach(struct recording *r, struct strbuf *why);
/* For a target that may not be recorded. Root whom one is denied lacks capabilities, not a user. */
enum exit_code recording_target_code(int err, struct strbuf *why);

/* ---- outputs.c ---- */

const char *recording_output(const struct options *o); /* the trace's path */
/* 0 or -errno with the reason in why, as the next. */
int outputs_open(struct recording *r, struct strbuf *why);
int outputs_open_pipeline(struct recording *r, struct strbuf *why);
/* Nothing more comes: errors that only the close tells go to r->res. */
void outputs_finish(struct recording *r);
/* What is left to say when the recording itself worked: did the files take it? */
enum exit_code outputs_verdict(const struct recording *r, struct strbuf *why);
void outputs_close(struct recording *r);

/* ---- sumup.c ---- */

uint64_t sumup_lost(const struct recording *r); /* records, of all CPUs */
void sumup_totals(const struct recording *r, struct record_totals *t);
/* error: what went wrong, NULL nothing */
void sumup_print(const struct recording *r, const char *error);

#endif
