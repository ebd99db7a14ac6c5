/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers for ctrace.h, which includes this file: unique in the process, never 0.
 *
 * A program and each library that uses the header number for themselves and know nothing of each
 * other. Each begins at a number of its own, made of where it lies and of how many libraries had
 * been loaded: others lie elsewhere, or came later, when the first was unloaded. These beginnings
 * are spread over 63 bits: that two that count to 2^32 meet has odds of one in 2^26.
 *
 * There is no syscall, nor anything of a thread's own: in a library that was loaded late, memory is
 * allocated when a thread first uses that. Most threads count by different counters all the same.
 */
#ifndef CTRACE_IDS_H
#define CTRACE_IDS_H

#include <stddef.h>
#include <stdint.h>

/* As in <link.h>, which is there only for who asks for more than C. */
struct ctrace_loaded_ {
	uint64_t address;
	const char *name;
	const void *headers;
	uint16_t header_cnt;
	unsigned long long loads;
	unsigned long long unloads;
};

#ifdef __cplusplus
extern "C" {
#endif
extern int ctrace_each_loaded_(int (*call)(struct ctrace_loaded_ *, size_t, void *),
			       void *data) __asm__("dl_iterate_phdr") __attribute__((__weak__));
static inline __attribute__((__unused__)) int ctrace_count_loads_(struct ctrace_loaded_ *loaded,
								  size_t size, void *data)
{
	if (size >= offsetof(struct ctrace_loaded_, unloads))
		__builtin_memcpy(data, &loaded->loads, sizeof(uint64_t));
	return 1;
}
#ifdef __cplusplus
}
#endif

/* For whoever is being loaded, or counts before that. */
static CTRACE_ALONE_ uint64_t ctrace_ids_load_(void)
{
	uint64_t loads = 0, base = 0, x;

	if (ctrace_each_loaded_)
		ctrace_each_loaded_(ctrace_count_loads_, &loads);
	/* 36 bits of the page, and stirred, so that what differs little comes to lie far away */
	x = CTRACE_ADDRESS_(&CTRACE_ROOM_) >> 12 << 28 ^ loads;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	x = (x ^ x >> 31) >> 1 | 1; /* half of all numbers are above: it never comes to 0 */
	if (__atomic_compare_exchange_n(&CTRACE_ROOM_.base, &base, x, 0, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return x;
	return base;
}

static inline __attribute__((__unused__)) uint64_t ctrace_id_(void)
{
	uint64_t base = __atomic_load_n(&CTRACE_ROOM_.base, __ATOMIC_RELAXED), on_stack, which;

	if (__builtin_expect(!base, 0))
		base = ctrace_ids_load_();
	/* stacks of threads are apart */
	which = (CTRACE_ADDRESS_(&on_stack) >> 12) * 0x9e3779b97f4a7c15u >> 60;
	return base + which +
	       CTRACE_COUNTERS_ *
		       __atomic_fetch_add(&CTRACE_ROOM_.counters[which].count, 1, __ATOMIC_RELAXED);
}

#endif
