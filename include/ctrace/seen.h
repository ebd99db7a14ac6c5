/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts that the compiler sees, which ctrace.h hands over in registers, so that a tracer need not
 * read the memory of the program. Nobody else needs this.
 *
 * Only constants: nothing of a text is read when the program runs, so a pointer may point anywhere,
 * as ever. Without optimisation nothing is seen.
 */
#ifndef CTRACE_SEEN_H
#define CTRACE_SEEN_H

#include <stdint.h>

#define CTRACE_SEEN_MAX_ 22 /* bytes of both texts together, without a NUL */

/*
 * Three words, as bytes: up to 22 of the texts, one text behind the other; the bytes of the first
 * one and 1, in 5 bits, with the number of the marker in 3; the bytes of the second one and 1.
 * Where there is a 0 the text is to be read where it lies; the second one is here only with the
 * first one.
 */
struct ctrace_texts_ {
	uint64_t word[3];
};

/* Numbers of markers, for tracers that have no better way to know where they are. */
enum ctrace_marker_ {
	CTRACE_TASK_BEGIN_ = 1,
	CTRACE_TASK_END_ = 2,
	CTRACE_REGION_BEGIN_ = 3,
	CTRACE_REGION_END_ = 4,
	CTRACE_LOG_ = 5
};

#define CTRACE_ALWAYS_ static inline __attribute__((__unused__, __always_inline__))

/* The bytes of a text and one, 0: it is not seen, or there is no room for it. */
CTRACE_ALWAYS_ uint64_t ctrace_seen_len_(const char *s, uint64_t room)
{
#ifdef __clang__
	/*
	 * It knows a length only of what it would compute anyway, so ask for the object first. What
	 * is no constant after that is of no use, and nothing of it is left.
	 */
	uint64_t size = __builtin_object_size(s, 0), n;

	if (!size || size > CTRACE_SEEN_MAX_ + 1)
		return 0;
	n = __builtin_strlen(s);
	return __builtin_constant_p(n) && n <= room ? n + 1 : 0;
#else
	if (!__builtin_constant_p(__builtin_strlen(s)) || __builtin_strlen(s) > room)
		return 0;
	return __builtin_strlen(s) + 1;
#endif
}

/* One byte of the words. n: as ctrace_seen_len_() says. */
CTRACE_ALWAYS_ uint64_t ctrace_seen_byte_(const char *a, uint64_t na, const char *b, uint64_t nb,
					  uint64_t i)
{
	if (na && i < na - 1)
		return a[i] & 0xff;
	if (na && nb && i < na - 1 + nb - 1)
		return b[i - (na - 1)] & 0xff;
	return 0;
}

/* So many of them, from `at` on, as a part of a word. */
CTRACE_ALWAYS_ uint64_t ctrace_seen_bytes_(const char *a, uint64_t na, const char *b, uint64_t nb,
					   uint64_t at)
{
	return ctrace_seen_byte_(a, na, b, nb, at) | ctrace_seen_byte_(a, na, b, nb, at + 1) << 8 |
	       ctrace_seen_byte_(a, na, b, nb, at + 2) << 16 |
	       ctrace_seen_byte_(a, na, b, nb, at + 3) << 24 |
	       ctrace_seen_byte_(a, na, b, nb, at + 4) << 32 |
	       ctrace_seen_byte_(a, na, b, nb, at + 5) << 40 |
	       ctrace_seen_byte_(a, na, b, nb, at + 6) << 48 |
	       ctrace_seen_byte_(a, na, b, nb, at + 7) << 56;
}

/* What is seen of the texts of a marker. One that has one text has "" for the other. */
CTRACE_ALWAYS_ struct ctrace_texts_ ctrace_seen_(uint64_t marker, const char *a, const char *b)
{
	struct ctrace_texts_ seen = { { 0, 0, 0 } };
#if defined(__OPTIMIZE__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint64_t na = a ? ctrace_seen_len_(a, CTRACE_SEEN_MAX_) : 0;
	uint64_t nb = na && b ? ctrace_seen_len_(b, CTRACE_SEEN_MAX_ - (na - 1)) : 0;

	if (!na || !nb)
		return seen;
	seen.word[0] = ctrace_seen_bytes_(a, na, b, nb, 0);
	seen.word[1] = ctrace_seen_bytes_(a, na, b, nb, 8);
	seen.word[2] = ctrace_seen_bytes_(a, na, b, nb, 16) | (marker << 5 | na) << 48 | nb << 56;
#else
	(void)marker;
	(void)a;
	(void)b;
#endif
	return seen;
}

#endif
