/* SPDX-License-Identifier: BSD-2-Clause */
/* Inline functions and templates with markers, which each source file has a copy of. */
#ifndef TESTS_HEADER_SHARED_HPP
#define TESTS_HEADER_SHARED_HPP

#include <ctrace/ctrace.h>

class shared
{
    public:
	template <int N> int run(ctrace_ctx ctx) const
	{
		ctrace::task task(ctx, "shared");

		CTRACE_REGION(task, "shared") {
			CTRACE_REGION_SCOPE(task, "scope");
			ctrace::logf(task, "shared", "%d", N);
			return N;
		}
		return 0;
	}
};

#endif
