/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a trigger waits for, as users write it.
 *
 * region[:NAME]>TIME      a region, at its end or while it is open
 * task[:NAME]>TIME        the same of a task
 * log:CATEGORY[:TEXT]     a log
 * runnable[:THREAD]>TIME  a thread waits for a CPU, also while it does
 * offcpu[:THREAD]>TIME    a thread comes back to a CPU, so long after it had left one
 * syscall[:NAME]>TIME     a syscall, at its end or while it lasts;
 *                         without NAME none that waits for somebody else
 * signal[:NAME]           a process is ended by a signal
 * exit[:CODE]             a process ends, without CODE with another one than 0
 * end                     the recording ends
 *
 * Names are globs. THREAD is the name of a thread or of its process.
 */
#ifndef CTRACE_MODEL_TRIGGER_SPEC_H
#define CTRACE_MODEL_TRIGGER_SPEC_H

#include <stddef.h>
#include <stdint.h>

struct strbuf;

#define TRIGGERS_MAX 31 /* a bit each, and one to spare */

enum trigger_kind {
	TRIGGER_REGION = 0,
	TRIGGER_TASK,
	TRIGGER_LOG,
	TRIGGER_RUNNABLE,
	TRIGGER_OFFCPU,
	TRIGGER_SYSCALL,
	TRIGGER_SIGNAL,
	TRIGGER_EXIT,
	TRIGGER_END, /* no record tells it: the model has nothing to do with it */
	TRIGGER_KINDS,
};

struct trigger_spec {
	enum trigger_kind kind;
	char *text;    /* as it was given */
	char *name;    /* a glob; NULL: any */
	char *message; /* of a log: a glob; NULL: any */
	uint64_t ns;   /* longer than this */
	int code;      /* a signal's number, or that of an exit; -1: any but 0 */
};

/* 0, or -EINVAL with the reason in why, which names nothing. trigger_spec_free() in both cases. */
int trigger_spec_parse(struct trigger_spec *s, const char *text, struct strbuf *why);
void trigger_spec_free(struct trigger_spec *s);

#endif
