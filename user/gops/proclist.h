/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of this machine, or container, that could be recorded: all but the threads of the
 * kernel, zombies and ourselves, by their numbers.
 *
 *	struct proclist *pl = proclist__new();
 *	struct process_set set;
 *
 *	proclist__read(pl, PROCLIST_BUDGET_NS, &set);
 *	…
 *	process_set_free(&set);
 *	proclist__free(pl);
 */
#ifndef CTRACE_GOPS_PROCLIST_H
#define CTRACE_GOPS_PROCLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gops/runtime.h"

struct caller;
struct proclist;
struct strbuf;

struct process {
	uint32_t pid, ppid, threads;
	uid_t uid;	     /* of its rights (the effective one) */
	uid_t owner;	     /* of /proc/PID: root's where its user may not look at it either */
	uint64_t started_ns; /* since the machine was started */
	char *name;   /* its first thread's; in full where the kernel cuts that of its program */
	char *path;   /* of its program; "" where we must not know */
	bool visible; /* ptrace's rules let us look at it, whoever we are */
	enum runtime runtime;
	char version[FACTS_VERSION_MAX];
	bool marked; /* it has markers that a recording listens to by itself: the * of gops */
};

struct process_set {
	struct process *p; /* by pid */
	size_t cnt, cap;
};

/* So long a listing takes at most; what is not known by then stays unknown. One who serves others
 * must not be held by one of them. */
#define PROCLIST_BUDGET_NS 2000000000ull
#define PROCLIST_BUDGET_ALONE_NS 30000000000ull

/* Forks (gops/looker.h): to be called while there is one thread; to be kept by who asks often. NULL
 * with errno. */
struct proclist *proclist__new(void);
void proclist__free(struct proclist *pl); /* NULL is fine */

/* pl NULL: without what would have to be read of files, runtimes and markers. 0 or -errno. */
int proclist__read(struct proclist *pl, uint64_t budget_ns, struct process_set *set);
/* One alone, with its words in command (apart by NULs) unless that is NULL. 0; -ESRCH; or another
 * -errno. */
int proclist__one(struct proclist *pl, uint32_t pid, struct process *p, struct strbuf *command);
void process_free(struct process *p);
void process_set_free(struct process_set *set);

/* May he record it, as far as can be told before it is tried? NULL: we ourselves, by the kernel's
 * word. */
bool process_may_be_recorded(const struct process *p, const struct caller *c);

/* An object of JSON, the same wherever processes are told of. */
void process_json(struct strbuf *out, const struct process *p, const struct caller *c);
/* An array of them. */
void process_set_json(struct strbuf *out, const struct process_set *set, const struct caller *c);

#endif
