/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Triggers: what happens in the trace is held against what somebody waits for, and where it is
 * met, that is marked in the trace by a log of category "trigger", and told.
 *
 * The log stands on the thread at the place where it is known: a region's or a syscall's end, the
 * moment that a thread is on a CPU again, its exit. What lasts too long and has no end yet is
 * looked for ten times a second of the trace; its thread may be asleep, so a goroutine of ours says
 * it, "[trigger]". Each is met once.
 *
 * Nothing is compared by name twice: names, threads and syscalls know which triggers mean them, as
 * bits. Without triggers there is one test of a word at each place.
 */
#ifndef CTRACE_MODEL_TRIGGER_H
#define CTRACE_MODEL_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "model/trigger_spec.h"

struct g_state;
struct goroutine;
struct mark_at;
struct mark_text;
struct model;
struct region;

/* Is told of each, from the model's thread. ts: CLOCK_MONOTONIC, ns; text: what happened, valid
 * during the call. */
struct trigger_sink {
	void (*fn)(void *ctx, uint64_t ts, const char *text);
	void *ctx;
};

#define TRIGGER_CALLS 1024 /* syscalls by number; none has more */

struct triggers {
	const struct trigger_spec *spec; /* borrowed */
	unsigned n;			 /* at most TRIGGERS_MAX */
	uint32_t of[TRIGGER_KINDS];	 /* bits of those of a kind */
	uint32_t waits;			 /* bits of those about threads off their CPU */
	uint32_t lasting;		 /* bits of those that are looked for */
	uint32_t *calls;		 /* bits by syscall number; NULL: none asks */
	uint64_t looked;		 /* when that was done last */
	uint64_t gen;			 /* the generation in which … */
	unsigned marked;		 /* … so many logs were written */
	struct trigger_sink sink;
};

#define TRIGGER_KNOWN 0x80000000u /* the bits are: without it they have not been asked for */

/* The bits of who has this name. */
struct trigger_name {
	uint32_t bits;
	char comm[EV_COMM_LEN];
};

void triggers_init(struct model *m);
void triggers_free(struct triggers *t);

/* The ends of things that began at begin (ns), or log lines, at their place. */
void triggers_region(struct model *m, const struct mark_at *at, const struct region *r);
/* The bits of a task's name: those for which its end has to be told. */
uint32_t triggers_of_task(struct model *m, struct mark_text *name);
void triggers_task(struct model *m, const struct mark_at *at, uint32_t bits,
		   const struct mark_text *name, uint64_t begin);
void triggers_log(struct model *m, const struct mark_at *at, struct mark_text *category,
		  const char *text, size_t len);
/* g is on a CPU again; it left one at out_ts and could run from ready_ts on, 0 unknown. */
void triggers_wait(struct model *m, uint64_t ts, struct g_state *g, uint64_t out_ts,
		   uint64_t ready_ts);
/* The syscall nr of g, which began at begin, ends; waited: for somebody else. */
void triggers_syscall(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr, uint64_t begin,
		      bool waited);
/* The process of g ends; code: as wait(2) has it. */
void triggers_exit(struct model *m, uint64_t ts, struct g_state *g, uint32_t code);

/* What lasts too long at this time. */
void triggers_look(struct model *m, uint64_t ts);
/* A region that is open, of g or of a goroutine (g NULL), at that time. */
void triggers_open_region(struct model *m, uint64_t ts, const struct g_state *g, struct region *r);
/* A task that is open; true when it was met. */
bool triggers_open_task(struct model *m, uint64_t ts, uint32_t bits, const struct mark_text *name,
			uint64_t begin);

#endif
