/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stacks that records refer to by id, for as long as they may: an id lives until the second
 * epoch after its own begins. Where no epoch comes, because records were lost or never were of our
 * making, one begins by itself when there is too much.
 *
 * Who keeps a stack beyond that, such as a thread that sleeps in it, takes a reference.
 */
#ifndef CTRACE_MODEL_KEPT_H
#define CTRACE_MODEL_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "util/u64map.h"

#define KEPT_EPOCH_BYTES (48u << 20) /* of one epoch; there are two */

struct kept_stack {
	uint32_t refs;
	uint16_t nkernel, nuser;
	uint8_t end;	 /* enum ev_stack_end */
	uint64_t serial; /* from 1; no two stacks have the same */
	/* for stacks.c: handles of the user frames, good in generation `gen` */
	uint64_t gen;
	uint32_t *handle;
	uint64_t pc[]; /* leaf first, kernel frames before user frames */
};

struct kept_epoch {
	struct u64map by_id; /* struct kept_stack * */
	size_t bytes;
};

/* A zeroed struct kept is a valid empty one. */
struct kept {
	struct kept_epoch now, before;
	uint64_t serial;
	uint32_t epoch; /* the number that the last EV_EPOCH gave */
};

/* Takes in an EV_STACK that ev_check() accepts; one with the same id is replaced. */
void kept_add(struct kept *k, const struct ev_stack *ev);
/* Borrowed until the next call; NULL for an id that is not known (any more), and for 0. */
struct kept_stack *kept_find(const struct kept *k, uint32_t id);
/* EV_EPOCH; the same number again changes nothing. */
void kept_epoch(struct kept *k, uint32_t number);
void kept_free(struct kept *k);

/* Makes a slot refer to st, which may be NULL, and no more to what it did. */
void kept_hold(struct kept_stack **slot, struct kept_stack *st);

#endif
