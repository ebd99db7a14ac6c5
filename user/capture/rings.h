/* SPDX-License-Identifier: BSD-2-Clause */
/* How much memory the rings get. Pure. */
#ifndef CTRACE_CAPTURE_RINGS_H
#define CTRACE_CAPTURE_RINGS_H

#include <stdint.h>

struct strbuf;

#define RING_MIN (64u << 10) /* also that of a CPU that comes late */
#define RING_DEFAULT (16u << 20)

/*
 * Bytes of one online CPU's ring, a power of two: an even share of `total`, rounded up; for total 0
 * the default, which is at most 1/32 of the machine's memory for all rings together. 0 with the
 * reason in why when `total` is too small to be of use or too large for the machine.
 */
uint32_t ring_size(uint64_t total, unsigned online, uint64_t ram, struct strbuf *why);

#endif
