/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that listens to its own markers: it raises the semaphore, puts a breakpoint on the nop
 * of each of the functions in probe.h, and keeps what the registers hold there as a line of text:
 *
 *	begin TASK PARENT TYPE, end TASK, in TASK REGION TYPE, out TASK REGION TYPE, log TASK
 * CATEGORY MESSAGE
 *
 * where numbers are 0 or a letter, in the order in which they turn up. So no tracer is needed, nor
 * root. Markers of other source files of the program are not heard. x86-64 alone.
 */
#ifndef TESTS_HEADER_LISTEN_H
#define TESTS_HEADER_LISTEN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* names of registers */
#endif
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <ctrace/ctrace.h>

#ifdef __cplusplus
#define LISTEN_NONE nullptr
#else
#define LISTEN_NONE NULL
#endif

static const unsigned char listen_nop[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static uintptr_t listen_at[5];
static uint64_t listen_ids[26];
static char listen_heard[65536];
static size_t listen_len;
static int listen_failed;
static int listen_seen; /* markers that brought their texts */

static char listen_letter(uint64_t id)
{
	int i;

	if (!id)
		return '0';
	for (i = 0; i < 25 && listen_ids[i] && listen_ids[i] != id; i++)
		;
	listen_ids[i] = id;
	return (char)('a' + i);
}

/* Do the last three registers have the texts, if anything? */
static void listen_words(const greg_t *regs, int marker, const char *a, const char *b)
{
	uint64_t word[3] = { (uint64_t)regs[REG_RCX], (uint64_t)regs[REG_R8],
			     (uint64_t)regs[REG_R9] };
	unsigned char packed[24];
	size_t na = strlen(a), nb = strlen(b);

	memcpy(packed, word, sizeof(packed));
	if (!word[0] && !word[1] && !word[2])
		return;
	listen_seen++;
	if (na + nb > 22 || packed[22] != ((unsigned int)marker << 5 | (na + 1)) ||
	    packed[23] != nb + 1 || memcmp(packed, a, na) || memcmp(packed + na, b, nb)) {
		printf("wrong words with marker %d %s %s\n", marker, a, b);
		listen_failed = 1;
	}
}

static void listen_hit(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = (ucontext_t *)context;
	uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] - 1;
	uint64_t a = (uint64_t)uc->uc_mcontext.gregs[REG_RDI];
	uint64_t b = (uint64_t)uc->uc_mcontext.gregs[REG_RSI];
	uint64_t c = (uint64_t)uc->uc_mcontext.gregs[REG_RDX];
	char *to = listen_heard + listen_len;
	size_t room = sizeof(listen_heard) - listen_len;
	char x = listen_letter(a);

	(void)sig;
	(void)info;
	if (rip == listen_at[0])
		listen_len += (size_t)snprintf(to, room, "begin %c %c %s\n", x, listen_letter(b),
					       (const char *)c);
	else if (rip == listen_at[1])
		listen_len += (size_t)snprintf(to, room, "end %c\n", x);
	else if (rip == listen_at[2])
		listen_len += (size_t)snprintf(to, room, "in %c %c %s\n", x, listen_letter(b),
					       (const char *)c);
	else if (rip == listen_at[3])
		listen_len += (size_t)snprintf(to, room, "out %c %c %s\n", x, listen_letter(b),
					       (const char *)c);
	else if (rip == listen_at[4])
		listen_len += (size_t)snprintf(to, room, "log %c %s %s\n", x, (const char *)b,
					       (const char *)c);
	else
		abort();
	if (rip == listen_at[1])
		listen_words(uc->uc_mcontext.gregs, 2, "", "");
	else if (rip == listen_at[4])
		listen_words(uc->uc_mcontext.gregs, 5, (const char *)b, (const char *)c);
	else
		listen_words(uc->uc_mcontext.gregs,
			     rip == listen_at[0] ? 1 :
			     rip == listen_at[2] ? 3 :
						   4,
			     (const char *)c, "");
	/* what a probe of the kernel may do to the stack: it is a call there */
	memset((char *)uc->uc_mcontext.gregs[REG_RSP] - 128, 0xa5, 128);
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(rip + 5);
}

static void listen_set(int n, uintptr_t function)
{
	long page = sysconf(_SC_PAGESIZE);
	uintptr_t at = function;

	while (memcmp((void *)at, listen_nop, 5)) {
		if (++at - function > 300) {
			printf("no marker in function %d\n", n);
			exit(1);
		}
	}
	if (mprotect((void *)(at & ~(uintptr_t)(page - 1)), (size_t)page * 2,
		     PROT_READ | PROT_WRITE | PROT_EXEC)) {
		perror("mprotect");
		exit(1);
	}
	*(unsigned char *)at = 0xcc;
	listen_at[n] = at;
}

static void listen_start(void)
{
	static char stack[65536]; /* or the signal's own frame would lie on the red zone */
	stack_t alt;
	struct sigaction act;

	memset(&alt, 0, sizeof(alt));
	alt.ss_sp = stack;
	alt.ss_size = sizeof(stack);
	sigaltstack(&alt, LISTEN_NONE);
	memset(&act, 0, sizeof(act));
	act.sa_sigaction = listen_hit;
	act.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGTRAP, &act, LISTEN_NONE);
	listen_set(0, (uintptr_t)ctrace_mark_task_begin_first_);
	listen_set(1, (uintptr_t)ctrace_mark_task_end_first_);
	listen_set(2, (uintptr_t)ctrace_mark_region_begin_first_);
	listen_set(3, (uintptr_t)ctrace_mark_region_end_first_);
	listen_set(4, (uintptr_t)ctrace_mark_log_first_);
}

/* Somebody listens from now on, or no more. */
static void listen_to(int on)
{
	ctrace_semaphore_ = (unsigned short)on;
}

/* All that was heard since the last time. */
static void listen_expect(const char *what, const char *text)
{
	listen_heard[listen_len] = 0;
	if (strcmp(listen_heard, text)) {
		printf("%s: expected\n%sheard\n%s", what, text, listen_heard);
		listen_failed = 1;
	}
	listen_len = 0;
	memset(listen_ids, 0, sizeof(listen_ids));
}

/* Markers bring their texts where the compiler is asked for more than to compile. */
static void listen_end(void)
{
#ifdef __OPTIMIZE__
	const int least = 20;
#else
	const int least = 0;
#endif

	if (listen_seen < least || (!least && listen_seen)) {
		printf("%d markers brought their texts\n", listen_seen);
		listen_failed = 1;
	}
}

#endif
