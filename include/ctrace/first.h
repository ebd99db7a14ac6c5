/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For probe.h, which includes this file: has this process made its memory itself, or has it that of
 * another one by fork? In a child that a marker's site was copied into as the kernel had changed
 * it, the site must not be used.
 *
 * The answer lies in a page that the kernel wipes in every child, however that is made
 * (MADV_WIPEONFORK, Linux 4.14). It is asked for, and the page is made, only while somebody
 * listens.
 */
#ifndef CTRACE_FIRST_H
#define CTRACE_FIRST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#ifdef MAP_ANONYMOUS
#define CTRACE_ANONYMOUS_ MAP_ANONYMOUS
#else /* strict C does not name it */
#define CTRACE_ANONYMOUS_ 0x20
#endif
#define CTRACE_WIPE_ON_FORK_ 18 /* older libraries do not know the name */

#ifdef __cplusplus
extern "C" {
#else
int madvise(void *, size_t, int); /* nor does strict C */
#endif
/* 1 in the process that has made it. NULL: it is not made yet. */
extern volatile unsigned char *ctrace_first_;
CTRACE_ONE_FOR_ALL_ volatile unsigned char *ctrace_first_ = NULL;
/* Where there can be no page: no process is. */
extern volatile unsigned char ctrace_none_;
CTRACE_ONE_FOR_ALL_ volatile unsigned char ctrace_none_ = 0;
#ifdef __cplusplus
}
#endif

static CTRACE_ALONE_ volatile unsigned char *ctrace_make_first_(void)
{
	volatile unsigned char *made = &ctrace_none_, *there = NULL;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | CTRACE_ANONYMOUS_, -1,
			  0);

	if (page != MAP_FAILED && !madvise(page, 4096, CTRACE_WIPE_ON_FORK_)) {
#ifdef __cplusplus
		made = static_cast<volatile unsigned char *>(page);
#else
		made = (volatile unsigned char *)page;
#endif
		*made = 1;
	}
	if (__atomic_compare_exchange_n(&ctrace_first_, &there, made, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return made;
	if (page != MAP_FAILED) /* another thread was first */
		munmap(page, 4096);
	return there;
}

static inline __attribute__((__unused__)) bool ctrace_is_first_(void)
{
	volatile unsigned char *first = __atomic_load_n(&ctrace_first_, __ATOMIC_ACQUIRE);

	return *(first ? first : ctrace_make_first_());
}

#endif
