/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of user frames that a raw recording holds, for its replay: EV_SYM records, which stand
 * at its end, and EV_MODULE records. All of them are taken in before the replay begins.
 *
 * A frame of which no record tells is `libc.so.6+0x1234` by its module, `0x1234` in none.
 */
#ifndef CTRACE_RECORDED_H
#define CTRACE_RECORDED_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "gotrace/resolver.h"

struct recorded;

struct recorded *recorded__new(void);
void recorded__free(struct recorded *r); /* NULL is fine */

/* Takes a record that ev_check() accepts; of those two kinds, others mean nothing here. What comes
 * after RECORDED_BYTES of names is left out. */
void recorded__take(struct recorded *r, const struct ev_hdr *rec, size_t len);
#define RECORDED_BYTES (64u << 20)

/* Answers from what was taken, one thread at a time; nothing may be taken any more. */
struct frame_resolver recorded__resolver(struct recorded *r);

#endif
