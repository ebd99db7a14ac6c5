/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holds a launched program where it would run before we know it: at its exec, until its own code is
 * known and probed, and, where it has a loader, once more when that has mapped the libraries. So
 * stacks and annotations are right from the first instruction on, also of constructors.
 *
 *     main thread                     the thread of spaces
 *     halt__stopped()  ── ask ──────► reads all news; looks for the loader
 *     halt__answer()   ◄─ halt__fd ── done
 *     launch__continue()
 *
 * Only stops that the BPF programs made are ended by us: one that the user makes is his. Where we
 * are killed meanwhile a guard lets the program go.
 */
#ifndef CTRACE_CAPTURE_HALT_H
#define CTRACE_CAPTURE_HALT_H

#include <stdint.h>

struct annot;
struct capture;
struct files;
struct halt;
struct launch;
struct spaces;
struct strbuf;
struct target;

struct halt_opts {
	struct capture *capture; /* opened for launching; borrowed, all of them */
	struct launch *launch;
	const struct target *target;
	struct spaces *spaces;
	struct files *files; /* reads the loader; NULL: it is read here */
	struct annot *annot; /* NULL none */
};

/* From the attach on the program stops. NULL with errno. */
struct halt *halt__new(const struct halt_opts *opts);
/* After spaces__free(). A program that stands still on our account goes on. NULL is fine. */
void halt__free(struct halt *h);

int halt__fd(const struct halt *h); /* readable: halt__answer() has something to say */
void halt__stopped(struct halt *h); /* the program has stopped, for whatever reason */
/*
 * It goes on if all is known. 0; or -ENOENT with the sentence in why when the user has named an
 * annotation that the program does not have: it stands still before its first instruction, and has
 * to be ended.
 */
int halt__answer(struct halt *h, struct strbuf *why);
/* The recording is over: the program goes on, and nobody stops it any more. Before capture__free().
 */
void halt__over(struct halt *h);
/* Time goes by: a program that was held for longer than anybody wants to wait goes on, and one
 * whose loader never calls the hook is not held any more. */
void halt__tick(struct halt *h, uint64_t now_ns);

#endif
