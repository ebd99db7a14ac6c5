/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Annotations: the state that they need, shared by marks.c, tasks.c, regions.c, openlist.c,
 * leftcalls.c, numbers.c and goroutines.c.
 *
 *   task        a number of the trace's own for each that a process begins; ends once
 *   region      on the G that annotates, and nested there: only the innermost may end
 *   log         a moment of that G
 *
 * That G is the thread's; of Go programs it is one for each goroutine, see goroutines.c.
 *
 * Everything is bounded: programs may begin and never end.
 */
#ifndef CTRACE_MODEL_MARKS_H
#define CTRACE_MODEL_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "gotrace/writer.h"
#include "model/aged.h"
#include "model/counts.h"
#include "model/marktext.h"
#include "util/u64map.h"

struct g_state;
struct kept_stack;
struct model;
struct proc;

/*
 * Whose task numbers these are: a process from its birth, or its exec, on. After a fork the child
 * knows the tasks of its ancestors that began before.
 */
#define SCOPE_ANCESTORS 8

struct scope {
	uint32_t nr; /* 0: not asked for yet */
	bool go;     /* goroutines of it are known */
	bool forgot; /* some of them were forgotten: what they have open is not known */
	bool forked; /* from a process that is known */
	bool early;  /* it was there, with this image, when the trace began */
	uint8_t ncestor;
	struct {
		uint32_t nr;
		uint64_t before; /* tasks with a smaller serial */
	} ancestor[SCOPE_ANCESTORS];
};

/* ---- tasks.c ---- */

struct tasks {
	struct aged_table known;
	struct aged_list open, ended;
	uint64_t last_id; /* of the trace */
	uint64_t serial;
	uint32_t last_scope;
	struct u64map scopes; /* numbers of those that live */
};

/* ---- regions.c ---- */

struct regions;

struct region {
	struct region *outer, *inner; /* in its G */
	struct region *older, *newer; /* of all */
	struct regions *of;
	uint64_t task, id; /* task: the trace's number */
	struct mark_text *name;
	uint32_t site;
	uint32_t pid; /* of its process when it began */
	uint8_t by;   /* enum ev_mark_by */
	bool told;    /* a trigger has met it while it was open */
	uint64_t begin_ts;
	bool before; /* begun before the trace: readers do not know it; these are the outermost */
};

#define SEEN_WORDS 8

/* ---- leftcalls.c ---- */

struct left_call;

/* Of a thread. A zeroed one is a valid empty one. */
struct left_calls {
	struct left_call *call;
	unsigned cnt;
};

/* ---- regions.c ---- */

/* The open regions of a G. It stays where it is; a zeroed one is a valid empty one. */
struct regions {
	struct region *innermost;
	size_t cnt;
	size_t known;		       /* to readers, with those that are forgotten */
	uint32_t gone[EV_MARK_BY_MAX]; /* forgotten: their ends are still to come */
	uint32_t deep[EV_MARK_BY_MAX]; /* inside of all others, left out; the same */
	uint32_t ndeep;
	struct left_calls left;
	bool many_stacks; /* coroutines: of two stack pointers nothing is known, but when they are
			     the same */
	uint64_t seen[SEEN_WORDS]; /* a bit for each kind that began, or was told as one from
				      before; two kinds may have the same */
};

/* ---- openlist.c ---- */

/* Those of all Gs. A zeroed one is a valid empty one. */
struct open_list {
	struct region *oldest, *newest;
	size_t bytes;
};

/* ---- numbers.c ---- */

#define NUMBERS_OVER 4096

enum number_is {
	NUMBER_UNKNOWN,
	NUMBER_OPEN,
	NUMBER_CLOSED, /* with the one around it, or with its thread */
	NUMBER_ENDED,  /* by its own end */
};

/* What is known of the numbers that ctrace.h gives, of all processes. */
struct numbers {
	struct u64map map; /* process and number → how many are open, or how it was closed */
	uint64_t over[NUMBERS_OVER]; /* the newest of those that are not open, a ring; 0 empty */
	size_t at;
};

/* Where an annotation goes to: a G that is running on a P. */
struct mark_at {
	uint64_t ts;
	uint64_t said_ts; /* when it happened; ts is later for one that came late */
	struct trace_stream *stream;
	uint32_t stack;		/* id */
	struct proc *proc;	/* NULL unknown */
	struct g_state *thread; /* whose regions these are; NULL: a goroutine's */
	struct regions *regions;
};

/* These take a record that is a begin, or an end, of theirs. */
void tasks_begin(struct model *m, const struct mark_at *at, const struct ev_mark *ev);
void tasks_end(struct model *m, const struct mark_at *at, const struct ev_mark *ev);
/* The trace's number of a task that an annotation names; 0 for the background task. */
uint64_t tasks_id(struct model *m, const struct mark_at *at, const struct ev_mark *ev, uint64_t id);
uint32_t tasks_scope(struct model *m, struct proc *p);
void tasks_inherit(struct model *m, struct proc *child, struct proc *parent);
void tasks_end_scope(struct model *m, struct proc *p); /* its process ends, or runs a new image */
void tasks_look(struct model *m, uint64_t ts);	       /* for triggers: those that are open */
void tasks_free(struct tasks *t);

void regions_begin(struct model *m, const struct mark_at *at, const struct ev_mark *ev);
void regions_end(struct model *m, const struct mark_at *at, const struct ev_mark *ev);
void regions_over(struct model *m, struct regions *rs); /* its thread, or its image, ends */
void regions_free(struct model *m, struct regions *rs);

/* Opens a region like this one, inside of all that are open in rs; its reference to the name is
 * taken. Others may be forgotten for it. */
void openlist_add(struct model *m, struct regions *rs, const struct region *region);
/* It is open no more; frees it. ended: by its own end. */
void openlist_del(struct model *m, struct region *r, bool ended);

/* r is closed, and counted, as a call that was left. */
void leftcalls_add(struct model *m, struct left_calls *l, const struct region *r);
/* A call begins where these have been: they are over. */
void leftcalls_reused(struct left_calls *l, uint64_t sp);
/* Is this the end of one of them? It is counted as one that was not left, and no more known. */
bool leftcalls_back(struct model *m, struct left_calls *l, uint64_t sp, uint32_t site);
void leftcalls_free(struct left_calls *l);

void numbers_open(struct numbers *n, const struct region *r);
/* It is open no more. ended: by its own end. Some of these are remembered. */
void numbers_close(struct numbers *n, const struct region *r, bool ended);
void numbers_end_unknown(struct numbers *n, uint32_t pid,
			 uint64_t id); /* the end of an unknown one */
enum number_is numbers_find(const struct numbers *n, uint32_t pid, uint64_t id);
void numbers_free(struct numbers *n);

/* ---- goroutines.c ---- */

#define GO_M 4194305 /* their M: one more than tids go */

struct goroutines {
	struct aged_table known;
	struct aged_list idle, busy; /* busy: with open regions */
	uint64_t given;		     /* ids */
	struct trace_stream stream;  /* their M */
	bool online;		     /* their P has a row */
	uint64_t pseq;		     /* of their P */
};

/* st: its stack, NULL unknown */
void goroutines_mark(struct model *m, const struct ev_mark *ev, struct kept_stack *st);
void goroutines_status(struct model *m, uint64_t ts); /* in a new generation */
void goroutines_tell(struct model *m, uint64_t ts);   /* in an opening: with names and reasons */
void goroutines_end(struct model *m, uint64_t ts, uint32_t scope);
/* The end of a runnable thread that no CPU is free for: it has their P for that moment. */
void goroutines_take_away(struct model *m, uint64_t ts, struct g_state *g);
void goroutines_look(struct model *m, uint64_t ts); /* for triggers: regions that are open */
/* A log of ours, where no thread can say it: a goroutine "[trigger]" does. */
void goroutines_say(struct model *m, uint64_t ts, const char *category, const char *text);
void goroutines_free(struct model *m);

/* ---- marks.c ---- */

/* One that came when its thread had left the CPU. */
struct kept_mark {
	struct kept_mark *next;
	struct kept_stack *stack; /* held */
	struct ev_mark ev;	  /* as long as it is */
};

void marks_count(struct model *m, enum mark_count c);
/* The name of a region or a task, a reference. */
struct mark_text *marks_name(struct model *m, const struct ev_mark *ev);
/* Writes an annotation where it belongs. */
void marks_write(struct model *m, const struct mark_at *at, const struct ev_mark *ev);
void marks_flush(struct model *m, uint64_t ts, struct g_state *g); /* g came on a CPU */
void marks_forget(struct model *m, struct g_state *g);
void marks_start(struct model *m); /* everybody who is known was there before the trace */
void marks_finish(struct model *m, uint64_t ts);
void marks_free(struct model *m);

#endif
