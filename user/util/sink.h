/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where bytes go that somebody makes: a file, a thread that writes one, a buffer in a test. A call
 * takes all of `data`, which stays the caller's, or none of it.
 */
#ifndef CTRACE_UTIL_SINK_H
#define CTRACE_UTIL_SINK_H

#include <stddef.h>

struct sink {
	int (*write)(void *ctx, const void *data, size_t len); /* 0 or -errno */
	void *ctx;
};

#endif
