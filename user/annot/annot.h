/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Annotations of the recorded processes: finds the places in each file that one of them maps, and
 * sets the probes, from the first mapping on to the process's end. Told what is mapped by the
 * thread of space/spaces.h, which alone uses it where nothing else is said.
 */
#ifndef CTRACE_ANNOT_ANNOT_H
#define CTRACE_ANNOT_ANNOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "annot/plan.h"
#include "bpf/event.h"
#include "space/maps.h"

struct annot;
struct capture;
struct files;
struct strbuf;

struct annot_opts {
	struct capture *capture; /* loaded; borrowed, as is what wishes points at */
	struct plan_wishes wishes;
	struct files *files; /* reads them, for these wishes; borrowed */
	bool each; /* probes are set in each recorded process by itself; else in all there are */
};

struct annot_stats {
	size_t files; /* with something in them */
	size_t links; /* sets of probes, at the end */
};

struct annot *annot__new(const struct annot_opts *opts);
void annot__free(struct annot *a); /* takes the probes back; NULL is fine */

/* A process maps code of a file, which lies `bias` higher than the file counts. */
void annot__mapped(struct annot *a, uint32_t pid, uint32_t module, uint64_t bias,
		   const struct code_mapping *map);
/*
 * A process has made another, which has all that it has mapped, and goes by its probes no more.
 * Where probes are set in each process by itself, the child may have been at a site before: such
 * children are counted, but for those that execute a program next.
 */
void annot__forked(struct annot *a, uint32_t pid, uint32_t parent);
void annot__ended(struct annot *a, uint32_t pid); /* the process */
/* It executes a program, whose mappings are told next. */
void annot__executes(struct annot *a, uint32_t pid);
void annot__forgotten(struct annot *a, uint32_t module); /* its number is another's now */

/*
 * When all that is mapped was told for the first time: 0, or -ENOENT with the sentence in why, when
 * a file that the user named has nothing of what he wants in it. What is not mapped yet may come;
 * say_absent: that is told.
 */
int annot__check(const struct annot *a, bool say_absent, struct strbuf *why);

/* From any thread: nothing more is probed. */
void annot__stop(struct annot *a);
/* From any thread: the next site that was not told yet, as a record; its length, 0: none. */
size_t annot__take_news(struct annot *a, struct ev_site *out);
/* From any thread: what could not be done, a sentence each; and after the end what was not found. */
void annot__troubles(struct annot *a, void (*fn)(void *ctx, const char *sentence), void *ctx);
struct annot_stats annot__stats(const struct annot *a);

#endif
