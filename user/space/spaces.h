/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address spaces of the recorded processes: which code is where, kept up to date while they
 * execute, load libraries and end, so that the BPF programs can walk stacks and the symbolizer can
 * name frames. A thread of its own does that, woken by the kernel's news, and lets a process read
 * the files (files.h); the drain waits for nothing.
 */
#ifndef CTRACE_SPACE_SPACES_H
#define CTRACE_SPACE_SPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "space/modules.h"
#include "space/tables.h"

struct annot;
struct files;
struct spaces;
struct strbuf;

struct spaces_opts {
	bool walks; /* user stacks are walked: the maps are there */
	struct tables_opts maps;
	struct annot *annot;	       /* is told what is mapped; borrowed, NULL none */
	struct symbolizer *symbolizer; /* borrowed, NULL none */
	struct files *files;	       /* reads them; borrowed */
	/* the processes, as we and as the kernel number them; NULL: every one but our own, as far
	 * as targets_fd has it */
	const struct space_target *targets;
	size_t ntargets;
	int targets_fd; /* a map of those that are recorded at this moment, by tgid; -1: all that
			   are named here */
};

struct space_target {
	uint32_t pid, tgid;
};

struct spaces_stats {
	struct modules_stats modules;
	uint64_t processes; /* seen */
	uint64_t reads;	    /* of /proc/PID/maps */
	uint64_t cut;	    /* times that a process had more mappings than are walked */
	uint64_t no_room;   /* times that there was no room for those of a process */
	uint64_t news_lost; /* times that everybody had to be read again */
};

/* NULL with errno and the reason in why. */
struct spaces *spaces__new(const struct spaces_opts *opts, struct strbuf *why);
void spaces__free(struct spaces *s); /* stops it, too; NULL is fine */

/* Reads what there is now, in the calling thread. Before the recording begins. */
void spaces__read_all(struct spaces *s);
/* From here on a thread keeps that up to date. 0 or -errno. */
int spaces__start(struct spaces *s);
/*
 * The recording is over: ends that thread, once it has looked at the news that it has for what the
 * summary tells. Nothing more is read or probed. Not started, or stopped before, is fine.
 */
void spaces__stop(struct spaces *s);

/*
 * From any thread, after the start: when all that this process had mapped at the time of the call
 * is known, probed and seen by the kernel side, fn is called, in the thread of spaces. One such
 * question at a time.
 */
void spaces__settle(struct spaces *s, uint32_t pid, void (*fn)(void *ctx), void *ctx);

/* From any thread: what stacks lack and why, a sentence each. */
void spaces__troubles(const struct spaces *s, void (*fn)(void *ctx, const char *sentence),
		      void *ctx);
/* From any thread: see modules__take_news(). */
size_t spaces__take_news(struct spaces *s, struct ev_module *out);
/* After the thread has ended or before it was started, or roughly. */
struct spaces_stats spaces__stats(const struct spaces *s);

#endif
