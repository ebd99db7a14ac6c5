/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading numbers out of bytes that nobody vouches for. A read beyond the end gives 0, sets `bad`
 * and leaves the cursor at the end: callers may read a whole record and ask once. Little-endian, as
 * x86-64 is.
 */
#ifndef CTRACE_UNWIND_CURSOR_H
#define CTRACE_UNWIND_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct cursor cursor_of(const uint8_t *data, size_t size)
{
	return (struct cursor){ .p = data, .end = data + size };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL. */
static inline const uint8_t *cursor_take(struct cursor *c, uint64_t n)
{
	const uint8_t *p = c->p;

	if (n > cursor_left(c)) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	c->p += n;
	return p;
}

/* A cursor over the next n bytes, behind which this one goes on. */
static inline struct cursor cursor_cut(struct cursor *c, uint64_t n)
{
	const uint8_t *p = cursor_take(c, n);
	struct cursor part = { .p = c->end, .end = c->end, .bad = true };

	return p ? cursor_of(p, n) : part;
}

/* A number of n bytes, n <= 8. */
static inline uint64_t cursor_num(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_take(c, n);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, n);
	return v;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_num(c, 1);
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)cursor_num(c, 2);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_num(c, 4);
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	return cursor_num(c, 8);
}

/* LEB128, as DWARF 5, 7.6 has it; bits beyond 64 are dropped. */
static inline uint64_t cursor_leb(struct cursor *c, bool is_signed)
{
	unsigned int shift = 0;
	uint64_t v = 0;
	uint8_t byte;

	do {
		byte = cursor_u8(c);
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += shift < 64 ? 7 : 0;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && byte & 0x40)
		v |= ~0ull << shift;
	return v;
}

static inline uint64_t cursor_uleb(struct cursor *c)
{
	return cursor_leb(c, false);
}

static inline int64_t cursor_sleb(struct cursor *c)
{
	return (int64_t)cursor_leb(c, true);
}

#endif
