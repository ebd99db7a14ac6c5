/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of recordings share, and nobody else sees: recordings.c has them from their start
 * to their end, admission.c says whether one may be, snapshots.c asks the flight recorder.
 */
#ifndef CTRACE_CONTROL_RECORDINGS_PARTS_H
#define CTRACE_CONTROL_RECORDINGS_PARTS_H

#include "rights/outdir.h"
#include "control/recordings.h"
#include "util/strbuf.h"

struct ledger;
struct loop_timer;
struct standing;

struct served {
	struct recordings *r;
	struct served *next;
	struct job *job;
	unsigned id;
	struct caller caller;
	enum served_door door;
	char *file; /* NULL: a descriptor */
	struct outdir_file out;
	struct strbuf what, who; /* in words */
	uint32_t *pid;
	size_t npid;
	uint64_t since_ns;
	bool stopped, killed, let_go;
	struct loop_timer *late; /* it should have ended */
	bool urged, overdue;
	void (*begun)(void *ctx, struct served *s);
	void (*ended)(void *ctx, struct served *s);
	void *ctx;
};

struct recordings {
	struct recordings_opts opts;
	struct served *list; /* the latest first */
	size_t cnt;
	unsigned next_id;
	struct ledger *ledger;
	struct standing *standing; /* NULL: no flight recorder */
	struct strbuf words;	   /* what is recorded when nothing is said */
	bool ending, told_idle;
};

/* What others have written goes into one line of the log, does nothing to a terminal, and is UTF-8.
 */
void recordings_tame(struct strbuf *text);

/* May this caller have one more, by this door, for so long? And of these processes? 0, or -errno as
 * recordings__start() tells it. */
int recordings_admit(const struct recordings *r, const struct served_wish *wish,
		     struct strbuf *why);
int recordings_admit_targets(const struct options *o, const struct served_wish *wish,
			     struct strbuf *why);

/* Bytes that may be written yet, beneath the output directory. 0 or -errno. */
int recordings_room(const struct recordings *r, uint64_t *room, struct strbuf *why);
/* outdir__open() of a file that no recording writes. */
int recordings_open(struct recordings *r, const char *name, const struct caller *c,
		    struct outdir_file *f, struct strbuf *why);

#endif
