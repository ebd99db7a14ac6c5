/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The markers behind ctrace.h, which includes this file: five places in the program that a tracer
 * can listen at. Nobody else needs it.
 *
 * A marker is a nop of five bytes (arm64: a nop), alone in a function that is called only while the
 * semaphore is up, with the arguments in the registers of the first parameters. The kernel makes
 * such a nop a call, which overwrites what lies below the stack pointer: so it must never be
 * inlined into a function that keeps its variables there, and nothing is read behind it.
 *
 * Linux 6.18 gives a forked child such a call and not the page that it leads to: the child would
 * die there. So each marker has a second site, a nop of one byte, where a tracer has a breakpoint,
 * and children use that one, and whoever cannot tell; see first.h. It is slower, but always right.
 *
 * A stapsdt note tells tracers where the nop is, where the arguments are, and which semaphore, a
 * counter in the data of the program, is to be raised. One semaphore is enough for all markers: an
 * idle site reads it and nothing else. There is one in each program and library that uses the
 * header.
 */
#ifndef CTRACE_PROBE_H
#define CTRACE_PROBE_H

/*
 * CTRACE_AVAILABLE: 1 where markers can be, 0 where every function of ctrace.h does nothing: with
 * CTRACE_DISABLE defined, with another compiler than gcc and clang, for another system than
 * Linux on x86-64 or arm64.
 */
#if !defined(CTRACE_DISABLE) && defined(__linux__) && defined(__ELF__) && defined(__LP64__) && \
	defined(__GNUC__) && !defined(__TINYC__) && (defined(__x86_64__) || defined(__aarch64__))
#define CTRACE_AVAILABLE 1
#else
#define CTRACE_AVAILABLE 0
#endif

#if CTRACE_AVAILABLE

#include <stdint.h>

#ifndef __has_attribute
#define __has_attribute(x) 0
#endif

/* Optimisers shall know nothing of what a marker does with its arguments. */
#if __has_attribute(__noipa__)
#define CTRACE_ALONE_ __attribute__((__unused__, __noinline__, __noclone__, __noipa__))
#elif defined(__clang__)
#define CTRACE_ALONE_ __attribute__((__unused__, __noinline__))
#else
#define CTRACE_ALONE_ __attribute__((__unused__, __noinline__, __noclone__))
#endif

/* One for a whole program or library, however many of its source files include this. */
#define CTRACE_ONE_FOR_ALL_ __attribute__((__weak__, __visibility__("hidden")))

#ifdef __cplusplus
extern "C" {
#endif
extern volatile unsigned short ctrace_semaphore_;
CTRACE_ONE_FOR_ALL_
__attribute__((__used__, __section__(".probes"))) volatile unsigned short ctrace_semaphore_ = 0;
#ifdef __cplusplus
}
#endif

#ifdef __cplusplus
#define CTRACE_ADDRESS_(p) reinterpret_cast<uintptr_t>(p)
#else
#define CTRACE_ADDRESS_(p) ((uintptr_t)(p))
#endif

#include "room.h"

/* How the semaphore is named in the note. Where data may lie far from code its address is no
 * constant to the compiler, so it stands there by its name. */
#if defined(__code_model_large__)
#define CTRACE_SEMAPHORE_ "ctrace_semaphore_"
#define CTRACE_SEMAPHORE_ARG_
#elif defined(__x86_64__)
#define CTRACE_SEMAPHORE_ "%c[semaphore]"
#define CTRACE_SEMAPHORE_ARG_ , [semaphore] "i"(&ctrace_semaphore_)
#else
#define CTRACE_SEMAPHORE_ "%c[semaphore]"
#define CTRACE_SEMAPHORE_ARG_ , [semaphore] "S"(&ctrace_semaphore_)
#endif

#if defined(__x86_64__)
/* Within eight bytes, so that it never lies in two pages: the kernel could not replace it in one
 * go. */
#define CTRACE_NOP_ ".p2align 3\n990: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
#define CTRACE_NOP_CHILD_ "990: nop\n"
#define CTRACE_ARGS_ "8@%%rdi 8@%%rsi 8@%%rdx 8@%%rcx 8@%%r8 8@%%r9"
#else
#define CTRACE_NOP_ "990: nop\n"
#define CTRACE_ARGS_ "8@x0 8@x1 8@x2 8@x3 8@x4 8@x5"
#endif

/*
 * The note, version 3: addresses of the nop, of the base section (which tells tools that the file
 * was moved after linking) and of the semaphore; provider, name, arguments. "?" puts it into the
 * section group of the code, so that both stay or go together.
 */
#define CTRACE_NOTE_(nop, name, args)                          \
	nop ".pushsection .note.stapsdt, \"?\", %%note\n"      \
	    ".balign 4\n"                                      \
	    ".4byte 992f-991f, 994f-993f, 3\n"                 \
	    "991: .asciz \"stapsdt\"\n"                        \
	    "992: .balign 4\n"                                 \
	    "993: .8byte 990b, _.stapsdt.base\n"               \
	    ".8byte " CTRACE_SEMAPHORE_ "\n"                   \
	    ".asciz \"ctrace\"\n"                              \
	    ".asciz \"" name "\"\n"                            \
	    ".asciz \"" args "\"\n"                            \
	    "994: .balign 4\n"                                 \
	    ".popsection\n"                                    \
	    ".ifndef _.stapsdt.base\n"                         \
	    ".pushsection .stapsdt.base, \"aG\", %%progbits, " \
	    ".stapsdt.base, comdat\n"                          \
	    ".weak _.stapsdt.base\n"                           \
	    ".hidden _.stapsdt.base\n"                         \
	    "_.stapsdt.base: .space 1\n"                       \
	    ".size _.stapsdt.base, 1\n"                        \
	    ".popsection\n"                                    \
	    ".endif\n"

/* The body of a marker's function. */
#if defined(__x86_64__)
#define CTRACE_BODY_(nop, name, a, b, c, d, e, f)                                \
	do {                                                                     \
		register uint64_t r8_ __asm__("r8") = (e);                       \
		register uint64_t r9_ __asm__("r9") = (f);                       \
		__asm__ __volatile__(CTRACE_NOTE_(nop, name, CTRACE_ARGS_)       \
				     :                                           \
				     : "D"(a), "S"(b), "d"(c), "c"(d), "r"(r8_), \
				       "r"(r9_)CTRACE_SEMAPHORE_ARG_             \
				     : "memory");                                \
	} while (0)
#else
#define CTRACE_BODY_(nop, name, a, b, c, d, e, f)                                        \
	do {                                                                             \
		register uint64_t x0_ __asm__("x0") = (a);                               \
		register __typeof__(b) x1_ __asm__("x1") = (b);                          \
		register __typeof__(c) x2_ __asm__("x2") = (c);                          \
		register uint64_t x3_ __asm__("x3") = (d);                               \
		register uint64_t x4_ __asm__("x4") = (e);                               \
		register uint64_t x5_ __asm__("x5") = (f);                               \
		__asm__ __volatile__(CTRACE_NOTE_(nop, name, CTRACE_ARGS_)               \
				     :                                                   \
				     : "r"(x0_), "r"(x1_), "r"(x2_), "r"(x3_), "r"(x4_), \
				       "r"(x5_)CTRACE_SEMAPHORE_ARG_                     \
				     : "memory");                                        \
	} while (0)
#endif

/*
 * The five markers, each at one kind of site. All have six arguments, the last three being what of
 * the texts comes in registers, see seen.h; a task's end has two without meaning.
 */
#define CTRACE_MARKER_(name, site, nop, b_type, c_type)                                \
	static CTRACE_ALONE_ void ctrace_mark_##name##_##site(                         \
		uint64_t a, b_type b, c_type c, uint64_t s0, uint64_t s1, uint64_t s2) \
	{                                                                              \
		CTRACE_BODY_(nop, #name, a, b, c, s0, s1, s2);                         \
	}
#define CTRACE_MARKERS_(site, nop)                                      \
	CTRACE_MARKER_(task_begin, site, nop, uint64_t, const char *)   \
	CTRACE_MARKER_(task_end, site, nop, uint64_t, uint64_t)         \
	CTRACE_MARKER_(region_begin, site, nop, uint64_t, const char *) \
	CTRACE_MARKER_(region_end, site, nop, uint64_t, const char *)   \
	CTRACE_MARKER_(log, site, nop, const char *, const char *)

CTRACE_MARKERS_(first_, CTRACE_NOP_)

#if defined(CTRACE_NOP_CHILD_)
#include "first.h"
CTRACE_MARKERS_(child_, CTRACE_NOP_CHILD_)
#define CTRACE_MARK_(marker, args)                          \
	do {                                                \
		if (ctrace_is_first_())                     \
			ctrace_mark_##marker##_first_ args; \
		else                                        \
			ctrace_mark_##marker##_child_ args; \
	} while (0)
#else
#define CTRACE_MARK_(marker, args) ctrace_mark_##marker##_first_ args
#endif

#endif /* CTRACE_AVAILABLE */
#endif
