// SPDX-License-Identifier: BSD-2-Clause
/*
 * See gocode.h. Instructions are written as in Intel's manual, volume 2; the prologues are those of
 * stacksplit() in Go's src/cmd/internal/obj/x86/obj6.go.
 */
#include "annot/gocode.h"

#include <stdbool.h>
#include <string.h>

#define RIP_LEN 7 /* REX, opcode, ModRM, 32 bits of displacement */

/* ---- the beginning ---- */

struct code {
	const uint8_t *p;
	size_t left;
};

/* Goes over the bytes if they are next, and over n more. */
static bool take(struct code *c, const char *bytes, size_t len, size_t more)
{
	if (c->left < len + more || memcmp(c->p, bytes, len))
		return false;
	c->p += len + more;
	c->left -= len + more;
	return true;
}
#define TAKE(c, bytes, more) take(c, bytes, sizeof(bytes) - 1, more)

static bool take_jbe(struct code *c)
{
	return TAKE(c, "\x76", 1) || TAKE(c, "\x0f\x86", 4);
}

static bool take_jb(struct code *c)
{
	return TAKE(c, "\x72", 1) || TAKE(c, "\x0f\x82", 4);
}

size_t go_code_body(const uint8_t *code, size_t n)
{
	struct code c = { code, n };

	if (!TAKE(&c, "\x49\x3b\x66\x10", 0)) { /* cmp 16(%r14),%rsp */
		/* a large frame: what it leaves is computed first, in r12 … */
		if (!TAKE(&c, "\x4c\x8d\x64\x24", 1) && !TAKE(&c, "\x4c\x8d\xa4\x24", 4) &&
		    /* … a huge one: which might be below 0 */
		    !(TAKE(&c, "\x49\x89\xe4\x49\x81\xec", 4) && take_jb(&c)))
			return 0;
		if (!TAKE(&c, "\x4d\x3b\x66\x10", 0)) /* cmp 16(%r14),%r12 */
			return 0;
	}
	if (!take_jbe(&c) || !c.left || *c.p != 0x55)
		return 0;
	return (size_t)(c.p - code);
}

/* ---- operands at (%rip) ---- */

static bool is_rip(const uint8_t *p)
{
	return (p[0] & 0xfb) == 0x48 && (p[2] & 0xc7) == 0x05; /* REX.W, any register */
}

static uint64_t target_of(const uint8_t *p, uint64_t addr)
{
	int32_t d;

	memcpy(&d, p + 3, sizeof(d));
	return addr + RIP_LEN + (uint64_t)(int64_t)d;
}

uint64_t go_code_key(const uint8_t *code, size_t n, uint64_t addr)
{
	uint64_t key = 0;
	size_t i;

	for (i = 0; i + RIP_LEN <= n; i++) {
		if (!memcmp(code + i, "\x48\x8d\x1d", 3)) /* lea …(%rip),%rbx */
			key = target_of(code + i, addr + i);
		if (code[i] == 0xff && (code[i + 1] & 0xf8) == 0xd0) /* call *REG */
			return key;
	}
	return 0;
}

uint64_t go_code_compared(const uint8_t *code, size_t n, uint64_t addr)
{
	size_t i;

	for (i = 0; i + RIP_LEN <= n; i++)
		if (is_rip(code + i) && (code[i + 1] == 0x39 || code[i + 1] == 0x3b))
			return target_of(code + i, addr + i);
	return 0;
}

uint64_t go_code_loaded(const uint8_t *code, size_t n, uint64_t addr)
{
	size_t i;

	for (i = 0; i + RIP_LEN <= n; i++)
		if (!memcmp(code + i, "\x48\x8b\x05", 3))
			return target_of(code + i, addr + i);
	return 0;
}

/* A conditional jump, or the nop that may stand before it. */
static bool is_cheap(const uint8_t *p, size_t n)
{
	return n >= 2 && ((p[0] & 0xf0) == 0x70 || (p[0] == 0x0f && (p[1] & 0xf0) == 0x80) ||
			  p[0] == 0x90 || (p[0] == 0x66 && p[1] == 0x90));
}

size_t go_code_uses(const uint8_t *code, size_t n, uint64_t addr, uint64_t target, size_t *place)
{
	size_t i, next;

	for (i = 0; i + RIP_LEN <= n; i++)
		if (is_rip(code + i) &&
		    (code[i + 1] == 0x39 || code[i + 1] == 0x3b || code[i + 1] == 0x8b) &&
		    target_of(code + i, addr + i) == target)
			break;
	if (i + RIP_LEN > n)
		return n;
	next = i + RIP_LEN;
	*place = is_cheap(code + next, n - next) ? next : i;
	return i;
}
