// SPDX-License-Identifier: BSD-2-Clause
/*
 * Annotates from the first moment on: early. A constructor logs "constructor" of category "early" in a
 * region of that name, main() does the same with "main", ten calls of work() lie between; then it
 * ends. Nothing is waited for.
 */
#include <ctrace/ctrace.h>

static void __attribute__((constructor)) before_main(void)
{
	CTRACE_REGION(ctrace_background(), "constructor")
	{
		ctrace_log(ctrace_background(), "early", "constructor");
	}
}

volatile int done;

void __attribute__((noinline)) work(void)
{
	done++;
}

int main(void)
{
	int i;

	CTRACE_REGION(ctrace_background(), "main")
	{
		ctrace_log(ctrace_background(), "early", "main");
		for (i = 0; i < 10; i++)
			work();
	}
	return 0;
}
