/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions from the bytes of their instructions, for the tests of what looks at such lists. */
#ifndef CTRACE_TESTS_INSNS_MAKE_H
#define CTRACE_TESTS_INSNS_MAKE_H

#include "helpers.h"

#include "annot/exits.h"
#include "annot/insns.h"

#define BEGIN 0x1000

/* Puts a piece with these bytes at an address. */
static UNUSED void put_piece(struct insns *c, uint64_t start, const char *bytes, size_t n)
{
	struct insn in;
	size_t at;

	c->piece[c->npiece++] = (struct insns_piece){ start, start + n };
	for (at = 0; at < n; at += in.len) {
		assert_int_equal(insn_decode(&in, (const uint8_t *)bytes + at, n - at, start + at),
				 0);
		insns_add(c, &in);
	}
}
#define PUT_PIECE(c, start, bytes) put_piece(c, start, bytes, sizeof(bytes) - 1)

/* A function of one piece, at BEGIN. */
static UNUSED struct insns make_insns(const char *bytes, size_t n)
{
	struct insns c = { 0 };

	put_piece(&c, BEGIN, bytes, n);
	insns_sort(&c);
	return c;
}
#define MAKE(bytes) make_insns(bytes, sizeof(bytes) - 1)

#define EXITS(...)                                                            \
	(struct exits)                                                        \
	{                                                                     \
		.addr = (uint64_t[]){ __VA_ARGS__ },                          \
		.cnt = sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t) \
	}

#endif
