/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libctrace and the service say to each other on the Unix socket: messages of a fixed size, so
 * that a program that traces itself has nothing to parse. The first byte tells them from HTTP and
 * from JSON.
 *
 *     library                         service
 *     START, with the descriptor  ──►
 *                                 ◄──  ANSWER (err 0: it has begun)
 *     STOP                        ──►
 *                                 ◄──  ANSWER (every byte is written)
 *
 * The second answer comes unasked when the recording ends by itself. The end of the connection,
 * whoever's, is a stop. In the byte order of the machine.
 */
#ifndef CTRACE_RPC_WIRE_H
#define CTRACE_RPC_WIRE_H

#include <stdint.h>

#define WIRE_MAGIC 0xc7 /* no character of ASCII or UTF-8 begins with it alone */
#define WIRE_VERSION 1

enum wire_verb { WIRE_START = 1, WIRE_STOP = 2, WIRE_ANSWER = 3 };

struct wire_ask {
	uint8_t magic, version, verb, reserved;
	uint32_t pid; /* who asks; the kernel's word counts */
};

struct wire_answer {
	uint8_t magic, version, verb, reserved;
	int32_t err;   /* 0, or errno */
	char why[248]; /* the sentence; ends in a NUL */
};

_Static_assert(sizeof(struct wire_ask) == 8, "as it is on the wire");
_Static_assert(sizeof(struct wire_answer) == 256, "as it is on the wire");

#endif
