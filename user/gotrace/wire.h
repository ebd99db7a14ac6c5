/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers on the wire: unsigned LEB128, low group first. No allocation, no state. */
#ifndef CTRACE_GOTRACE_WIRE_H
#define CTRACE_GOTRACE_WIRE_H

#include <stdint.h>

#define WIRE_UVARINT_MAX 10 /* bytes of the longest number */

/* Writes v at p, which has room for WIRE_UVARINT_MAX bytes; returns behind it. */
static inline uint8_t *put_uvarint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

#endif
