// SPDX-License-Identifier: BSD-2-Clause
/* The library that corners.c loads and unloads: calls back from a few frames of its own. */

int plug_call(void (*fn)(unsigned *, unsigned), unsigned *seed, int depth);

static volatile int calls;

__attribute__((noinline)) int plug_call(void (*fn)(unsigned *, unsigned), unsigned *seed, int depth)
{
	if (depth > 0)
		calls += plug_call(fn, seed, depth - 1);
	else
		fn(seed, 50);
	return calls + 1;
}
