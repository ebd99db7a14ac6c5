/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers for ctrace.h, which includes this file: unique in the process, never 0.
 *
 * A program and each library that uses the header number for themselves and know nothing of each
 * other. So a number begins with that of a page of the address space, which whoever numbers
 * reserves, never to be read or written, and never gives back, also when the library is unloaded:
 * nobody else can have it. The rest counts on. Threads take blocks of numbers, and each counts in
 * its own without any lock.
 *
 *	63                            29              8         0
 *	[ number of the reserved page | block          | number  ]
 */
#ifndef CTRACE_IDS_H
#define CTRACE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#define CTRACE_ID_BITS_ 29 /* addresses have 47 bits, pages 12 */
#else
#define CTRACE_ID_BITS_ 28 /* 48 bits */
#endif
#define CTRACE_ID_BLOCK_ 256u

#ifndef CTRACE_ANONYMOUS_ /* first.h has it, too */
#ifdef MAP_ANONYMOUS
#define CTRACE_ANONYMOUS_ MAP_ANONYMOUS
#else /* strict C and C++ do not name it */
#define CTRACE_ANONYMOUS_ 0x20
#endif
#endif

#ifdef __cplusplus
#define CTRACE_ADDRESS_(p) static_cast<uint64_t>(reinterpret_cast<uintptr_t>(p))
#else
#define CTRACE_ADDRESS_(p) ((uint64_t)(uintptr_t)(p))
#endif

#ifdef __cplusplus
extern "C" {
#endif
/* The next block, of all threads; at the end of a page and at the beginning of all: take a new
 * page. */
extern uint64_t ctrace_blocks_;
CTRACE_ONE_FOR_ALL_ uint64_t ctrace_blocks_ = 0;
#ifdef __cplusplus
}
#endif

/* The next number of this thread; at the end of a block: take a new one. */
static __thread uint64_t ctrace_next_id_ __attribute__((__unused__)) = 0;

static CTRACE_ALONE_ uint64_t ctrace_id_block_(void)
{
	uint64_t block = __atomic_load_n(&ctrace_blocks_, __ATOMIC_RELAXED), first;
	const void *place;
	void *page;

	for (;;) {
		if (block & ((1u << CTRACE_ID_BITS_) - 1)) {
			if (__atomic_compare_exchange_n(&ctrace_blocks_, &block,
							block + CTRACE_ID_BLOCK_, false,
							__ATOMIC_RELAXED, __ATOMIC_RELAXED))
				return block;
			continue;
		}
		page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | CTRACE_ANONYMOUS_, -1, 0);
		place = page == MAP_FAILED ? &ctrace_blocks_ : page; /* the next best: our own */
		first = CTRACE_ADDRESS_(place) >> 12 << CTRACE_ID_BITS_;
		if (__atomic_compare_exchange_n(&ctrace_blocks_, &block, first + CTRACE_ID_BLOCK_,
						false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return first;
		if (page != MAP_FAILED)
			munmap(page, 4096);
	}
}

static inline __attribute__((__unused__)) uint64_t ctrace_id_(void)
{
	uint64_t id = ctrace_next_id_;

	if (__builtin_expect(id % CTRACE_ID_BLOCK_ == 0, 0))
		id = ctrace_id_block_();
	ctrace_next_id_ = id + 1;
	return id;
}

#endif
