/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory that ctrace.h has of its own, which includes this file. It is a part of the program or
 * library, so no syscall is needed to get it, and it goes with a library that is unloaded. One for
 * all source files in C and one for all in C++; pages that nothing was done to cost nothing.
 */
#ifndef CTRACE_ROOM_H
#define CTRACE_ROOM_H

#include <stdint.h>

/* One more than a tracer reads, so that it sees that there was more. */
#define CTRACE_TEXT_SIZE_ (1024 + 2)
#define CTRACE_TEXTS_ 32
#define CTRACE_COUNTERS_ 16

/* In a line of the cache of its own. */
struct ctrace_counter_ {
	uint64_t count;
	uint64_t pad[7];
};

struct ctrace_room_ {
	/* first.h: 1 in the process that has made it; a page that nothing else is in */
	unsigned char first[4096];
	/* ids.h */
	struct ctrace_counter_ counters[CTRACE_COUNTERS_];
	uint64_t base;	 /* 0: not known yet */
	uint32_t loaded; /* what is done once is done */
	/* text.h */
	uint32_t texts_used; /* a bit for each */
	char texts[CTRACE_TEXTS_][CTRACE_TEXT_SIZE_];
};

#define CTRACE_ROOM_LIKE_ __attribute__((__visibility__("hidden"), __aligned__(4096)))

#ifdef __cplusplus
template <int n> struct __attribute__((__visibility__("hidden"))) ctrace_room_of_ {
	static struct ctrace_room_ it;
};
template <int n> CTRACE_ROOM_LIKE_ struct ctrace_room_ ctrace_room_of_<n>::it;
#define CTRACE_ROOM_ ctrace_room_of_<0>::it
#else
extern struct ctrace_room_ ctrace_room_memory_;
__attribute__((__common__)) CTRACE_ROOM_LIKE_ struct ctrace_room_ ctrace_room_memory_;
#define CTRACE_ROOM_ ctrace_room_memory_
#endif

#endif
