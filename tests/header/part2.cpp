// SPDX-License-Identifier: BSD-2-Clause
/*
 * The same in C++. The class is inline and so in many source files at once, of which the linker keeps one.
 */
#include "part.h"
#include "shared.hpp"

extern "C" int part2_work(ctrace_ctx ctx)
{
	shared work;

	return work.run<2>(ctx);
}

extern "C" const volatile void *part2_semaphore(void)
{
#if CTRACE_AVAILABLE
	return &ctrace_semaphore_;
#else
	return nullptr;
#endif
}
