/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many streams of records, each nearly in time order, become one in time order.
 *
 * Nothing is emitted before the caller says, by a watermark, that nothing older will come; and
 * nothing waits for a stream that stays empty. A record that comes behind the watermark all the
 * same is emitted next, and counted. Equal times: within a stream in the order of arrival; between
 * streams a switch before a waking before the rest, then by stream.
 */
#ifndef CTRACE_EVENT_MERGE_H
#define CTRACE_EVENT_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct merge;

/* The record is the callee's until it returns. */
typedef void (*merge_fn)(void *ctx, const struct ev_hdr *rec, size_t len);

struct merge *merge__new(unsigned nstream, merge_fn fn, void *ctx);
void merge__free(struct merge *m); /* NULL is fine */

/* Takes a copy of a record that ev_check() accepts. Without a watermark for 256 MiB, all that waits
 * is emitted. */
void merge__push(struct merge *m, unsigned stream, const void *rec, size_t len);
/* Emits, in order, all that is older than the watermark (ns, CLOCK_MONOTONIC). */
void merge__advance(struct merge *m, uint64_t watermark);
/* Emits all there is. */
void merge__flush(struct merge *m);

uint64_t merge__late(const struct merge *m);  /* records that came behind the watermark */
size_t merge__pending(const struct merge *m); /* bytes that wait */

#endif
