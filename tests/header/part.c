// SPDX-License-Identifier: BSD-2-Clause
/*
 * Another source file with the header: of a program (main.c), or all of a library (ids.c, main.c).
 */
#include "part.h"

uint64_t part_task(void)
{
	return ctrace_task_begin(ctrace_background(), "part").task;
}

int part_work(ctrace_ctx ctx)
{
	CTRACE_REGION(ctx, "part")
	{
		ctrace_logf(ctx, "part", "%d", 1);
		return 1;
	}
	return 0;
}

const volatile void *part_semaphore(void)
{
#if CTRACE_AVAILABLE
	return &ctrace_semaphore_;
#else
	return NULL;
#endif
}

int part_first(void)
{
#if CTRACE_AVAILABLE && defined(__x86_64__)
	return ctrace_is_first_();
#else
	return 0;
#endif
}
