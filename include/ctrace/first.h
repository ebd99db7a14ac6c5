/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For probe.h, which includes this file: has this process made its memory itself, or has it that of
 * another one by fork? In a child that a marker's site was copied into as the kernel had changed
 * it, the site must not be used.
 *
 * The answer lies in a page that the kernel wipes in every child, however that is made
 * (MADV_WIPEONFORK). The kernel is asked for that when the program or library is loaded, and never
 * later, since a sandbox may kill who asks then. But a library may be loaded inside of a sandbox,
 * and a program be executed in one. So the kernel is asked only where it is known that nobody
 * minds: /proc says that this thread has no seccomp filter, and it is read by the syscalls that
 * the loader has just used to read this very file. Where that is not known the page stays as it is,
 * and says what it says in a child: markers are slower then, and that is all.
 *
 * One case is left: a signal comes while a thread is in the kernel by a marker, or is about to be,
 * its handler forks, and the child returns from the handler, to a page that it does not have.
 */
#ifndef CTRACE_FIRST_H
#define CTRACE_FIRST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The libc's, by a name of ours, which no header of its can contradict. It may be missing. */
#ifdef __cplusplus
extern "C" {
#endif
extern unsigned long ctrace_auxv_(unsigned long) __asm__("getauxval") __attribute__((__weak__));
#ifdef __cplusplus
}
#endif

#define CTRACE_AUXV_LOADER_ 7
#define CTRACE_READ_ 0
#define CTRACE_CLOSE_ 3
#define CTRACE_MADVISE_ 28
#define CTRACE_OPENAT_ 257
#define CTRACE_NO_DIRECTORY_ 0xffffff9cu
#define CTRACE_CLOSE_ON_EXEC_ 02000000u
#define CTRACE_WIPE_ON_FORK_ 18u
#define CTRACE_FILES_ 0x7fffffffu /* greater ones are errors */

/* Not libc's: that sets errno, and others may have put something of theirs in its place. */
static inline __attribute__((__unused__)) uint64_t ctrace_syscall_(uint64_t number, uint64_t a,
								   uint64_t b, uint64_t c)
{
	uint64_t result = number;

	__asm__ __volatile__("syscall"
			     : "+a"(result)
			     : "D"(a), "S"(b), "d"(c)
			     : "rcx", "r11", "memory");
	return result;
}

/* Is it known that no filter looks at the syscalls of this thread? */
static CTRACE_ALONE_ bool ctrace_unfiltered_(void)
{
	static const char path[] = "/proc/thread-self/status", wanted[] = "\nSeccomp:\t0\n";
	char text[512] = { 0 };
	unsigned int found = 0; /* so much of what is wanted */
	uint64_t file, len, i;

	file = ctrace_syscall_(CTRACE_OPENAT_, CTRACE_NO_DIRECTORY_, CTRACE_ADDRESS_(path),
			       CTRACE_CLOSE_ON_EXEC_);
	if (file > CTRACE_FILES_)
		return false;
	do {
		len = ctrace_syscall_(CTRACE_READ_, file, CTRACE_ADDRESS_(text), sizeof(text));
		for (i = 0; len <= sizeof(text) && i < len && wanted[found]; i++)
			found = text[i] == wanted[found] ? found + 1 : text[i] == wanted[0];
	} while (len && len <= sizeof(text) && wanted[found]);
	ctrace_syscall_(CTRACE_CLOSE_, file, 0, 0);
	return !wanted[found];
}

/* For whoever is being loaded. */
static CTRACE_ALONE_ void ctrace_first_load_(void)
{
#ifdef __GLIBC__ /* others load files by other syscalls */
	unsigned char *page = CTRACE_ROOM_.first;

	/* a static program was not loaded by anybody, and nothing is known of what it may do */
	if (!ctrace_auxv_ || !ctrace_auxv_(CTRACE_AUXV_LOADER_) || !ctrace_unfiltered_())
		return;
	if (!ctrace_syscall_(CTRACE_MADVISE_, CTRACE_ADDRESS_(page), sizeof(CTRACE_ROOM_.first),
			     CTRACE_WIPE_ON_FORK_))
		__atomic_store_n(page, 1, __ATOMIC_RELAXED);
#endif
}

static inline __attribute__((__unused__)) bool ctrace_is_first_(void)
{
	return __atomic_load_n(CTRACE_ROOM_.first, __ATOMIC_RELAXED);
}

#endif
