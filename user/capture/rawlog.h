/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The raw record file of a recording (--raw): what the collector drains, in the layout of
 * event/evlog.h, written by a thread of its own, so that a slow file delays the file and not the
 * drain.
 *
 * Errors stay inside until somebody asks: after the first one, what comes is dropped. Called from
 * one thread.
 */
#ifndef CTRACE_CAPTURE_RAWLOG_H
#define CTRACE_CAPTURE_RAWLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/sink.h"

struct evlog_head;
struct rawlog;

/* The sink is called from the thread. NULL with errno. */
struct rawlog *rawlog__new(const struct sink *sink, const struct evlog_head *head);
void rawlog__free(struct rawlog *l); /* finishes first; NULL is fine */

/* See evlog_writer__records() and __advance(). */
void rawlog__records(struct rawlog *l, uint32_t stream, const void *rec, size_t len);
void rawlog__advance(struct rawlog *l, uint64_t watermark);

bool rawlog__behind(struct rawlog *l); /* the file is so slow that nothing more should be brought */
int rawlog__error(struct rawlog *l);   /* the first -errno, 0 none */

/* All is in: the end is on its way. Then, in any order: is it written? give up writing it. */
void rawlog__close(struct rawlog *l);
bool rawlog__done(struct rawlog *l);
void rawlog__abandon(struct rawlog *l);
int rawlog__finish(struct rawlog *l); /* closes, waits until all is written; the first error */

#endif
