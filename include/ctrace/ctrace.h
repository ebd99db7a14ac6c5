/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks, regions and logs of a program, for whoever records it with ctrace-bpf, perf or bpftrace.
 *
 *	#include <ctrace/ctrace.h>
 *
 *	ctrace_ctx task = ctrace_task_begin(ctrace_background(), "makeCappuccino");
 *
 *	ctrace_log(task, "orderID", id);
 *	CTRACE_REGION(task, "steamMilk") {
 *		steam_milk();
 *	}
 *	ctrace_task_end(task);
 *
 * A task is an operation that may take many threads; the time from its begin to its end is its
 * latency. A region is a part of a thread's work, and regions nest. A log is a moment with a text.
 * This is what Go programs have in runtime/trace, and it is shown the same way.
 *
 * For C11 and C++11 and newer, gcc and clang, in programs and libraries, linked in any way. There is
 * nothing to link, and nothing has to be there when the program runs. While nobody listens, a call
 * reads one counter of the program's own memory, and that is all; a new task takes a number, too.
 *
 * Without a lock, and from any thread. No call makes a syscall or changes errno, so that sandboxes
 * do not mind, and they take little stack; but ctrace_logf() takes the 3 KiB of vsnprintf(). In a
 * signal handler only ctrace_is_enabled() and ctrace_log() are allowed.
 *
 * A child made by fork() goes on by itself: what it does for a task that its parent began is shown
 * there, and does not end it. A child that is made in a signal handler must not return from it
 * while its parent is recorded: it may return into a marker, and Linux 6.18 ends it there.
 *
 * As a program begins or a library is loaded it asks the kernel for a page that no child inherits.
 * By that its markers know that they may be the faster ones, those that are no breakpoints. Inside
 * of a seccomp filter, in static programs and without glibc nothing is asked, since that may not be
 * welcome, and markers are breakpoints (first.h).
 *
 * Strings (types, categories, messages) are read by the tracer up to 1 KiB, longer ones are cut,
 * which is marked. They are UTF-8; whatever else they are is replaced where it is shown. There
 * should be no more than a few hundred different types and categories. Literals cost the tracer
 * less, where the compiler optimises: a type, or a category and a message together, up to 22 bytes.
 *
 * With CTRACE_DISABLE defined before the first #include, and where there can be no markers (probe.h
 * says where), everything still compiles and does nothing. What ends in _ is not for use.
 */
#ifndef CTRACE_CTRACE_H
#define CTRACE_CTRACE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "probe.h"

/* The task that work is done for. A small value: pass it on and copy it, to other threads, too. */
typedef struct ctrace_ctx {
	uint64_t task; /* 0: the background, which is no task */
} ctrace_ctx;

/* A region that was begun. To be ended once, on the thread that began it. */
typedef struct ctrace_region {
	uint64_t task;
	uint64_t id;	  /* 0: nobody listened when it began */
	const char *type; /* NULL: there is none to end */
} ctrace_region;

#if defined(__GNUC__)
#define CTRACE_PLAIN_ static inline __attribute__((__unused__))
#define CTRACE_PRINTF_(text, args) __attribute__((__format__(__printf__, text, args)))
#else
#define CTRACE_PLAIN_ static inline
#define CTRACE_PRINTF_(text, args)
#endif

/* Inlined for sure, where anything is: only then does the compiler see texts. */
#if CTRACE_AVAILABLE && defined(__OPTIMIZE__)
#define CTRACE_FN_ CTRACE_PLAIN_ __attribute__((__always_inline__))
#else
#define CTRACE_FN_ CTRACE_PLAIN_
#endif

#if CTRACE_AVAILABLE
#include "ids.h"
#include "seen.h"

/* Once for each source file, at the begin of its program or as its library is loaded. */
static __attribute__((__constructor__(101), __used__)) void ctrace_load_(void)
{
	if (CTRACE_ROOM_.loaded)
		return;
	CTRACE_ROOM_.loaded = 1;
	ctrace_ids_load_();
#if defined(__x86_64__)
	ctrace_first_load_();
#endif
}

/* The words of ctrace_seen_(), as the last arguments of a marker's function. */
#define CTRACE_HEARD_ __builtin_expect(ctrace_semaphore_ != 0, 0)
#define CTRACE_WORDS_(seen) (seen).word[0], (seen).word[1], (seen).word[2]
#endif

/*
 * Does anybody listen? Only to save work that is done for annotations alone. The answer may be old
 * when it comes.
 */
CTRACE_FN_ bool ctrace_is_enabled(void)
{
#if CTRACE_AVAILABLE
	return __builtin_expect(ctrace_semaphore_ != 0, 0);
#else
	return false;
#endif
}

/* The context of what belongs to no task. */
CTRACE_FN_ ctrace_ctx ctrace_background(void)
{
	ctrace_ctx background = { 0 };

	return background;
}

/*
 * A new task, a part of parent where that is not the background. The number is unique in the
 * process, whether or not anybody listens. type: what kind of task; the string is read at once.
 */
CTRACE_FN_ ctrace_ctx ctrace_task_begin(ctrace_ctx parent, const char *type)
{
	ctrace_ctx task = { 0 };

#if CTRACE_AVAILABLE
	task.task = ctrace_id_();
	if (CTRACE_HEARD_) {
		struct ctrace_texts_ seen = ctrace_seen_(CTRACE_TASK_BEGIN_, type, "");

		CTRACE_MARK_(task_begin, (task.task, parent.task, type, CTRACE_WORDS_(seen)));
	}
#else
	(void)parent;
	(void)type;
#endif
	return task;
}

/* The task is done. From any thread; only the first end of a task counts. Nothing for the
 * background. */
CTRACE_FN_ void ctrace_task_end(ctrace_ctx task)
{
#if CTRACE_AVAILABLE
	if (CTRACE_HEARD_ && task.task) {
		struct ctrace_texts_ seen = ctrace_seen_(CTRACE_TASK_END_, "", "");

		CTRACE_MARK_(task_end, (task.task, 0, 0, CTRACE_WORDS_(seen)));
	}
#else
	(void)task;
#endif
}

/*
 * A part of this thread's work begins. The string type must stay as it is until the region has
 * ended: a literal does. Every region that began must end, the innermost first; the macros below
 * see to it.
 */
CTRACE_FN_ ctrace_region ctrace_region_begin(ctrace_ctx ctx, const char *type)
{
	ctrace_region region = { ctx.task, 0, type };

#if CTRACE_AVAILABLE
	if (CTRACE_HEARD_) {
		struct ctrace_texts_ seen = ctrace_seen_(CTRACE_REGION_BEGIN_, type, "");

		region.id = ctrace_id_();
		CTRACE_MARK_(region_begin, (region.task, region.id, type, CTRACE_WORDS_(seen)));
	}
#endif
	return region;
}

/* The region is done. Who listens only since it began is told its type and task all the same. */
CTRACE_FN_ void ctrace_region_end(ctrace_region region)
{
#if CTRACE_AVAILABLE
	if (CTRACE_HEARD_ && region.type) {
		struct ctrace_texts_ seen = ctrace_seen_(CTRACE_REGION_END_, region.type, "");

		CTRACE_MARK_(region_end,
			     (region.task, region.id, region.type, CTRACE_WORDS_(seen)));
	}
#else
	(void)region;
#endif
}

/* A moment of this thread, with a text. category may be ""; both strings are read at once. */
CTRACE_FN_ void ctrace_log(ctrace_ctx ctx, const char *category, const char *message)
{
#if CTRACE_AVAILABLE
	if (CTRACE_HEARD_) {
		struct ctrace_texts_ seen = ctrace_seen_(CTRACE_LOG_, category, message);

		CTRACE_MARK_(log, (ctx.task, category, message, CTRACE_WORDS_(seen)));
	}
#else
	(void)ctx;
	(void)category;
	(void)message;
#endif
}

#if CTRACE_AVAILABLE
#include "text.h"
#endif

CTRACE_PRINTF_(3, 0)
CTRACE_PLAIN_ void ctrace_vlogf_(ctrace_ctx ctx, const char *category, const char *format,
				 va_list args)
{
#if CTRACE_AVAILABLE
	struct ctrace_text_ text;

	if (!CTRACE_HEARD_)
		return;
	ctrace_text_take_(&text);
	if (ctrace_text_print_(&text, format, args))
		CTRACE_MARK_(log, (ctx.task, category, text.at, 0, 0, 0));
	ctrace_text_give_(&text);
#else
	(void)ctx;
	(void)category;
	(void)format;
	(void)args;
#endif
}

/*
 * The same with a text as by printf, made only when somebody listens. It is also a macro, so that
 * an idle call costs no more than the others: what is written as an argument is then not even
 * evaluated, and so must have no effect of its own. (ctrace_logf)(...) is the function. Not for
 * signal handlers.
 */
CTRACE_PRINTF_(3, 4)
CTRACE_PLAIN_ void ctrace_logf(ctrace_ctx ctx, const char *category, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ctrace_vlogf_(ctx, category, format, args);
	va_end(args);
}
#define ctrace_logf(ctx, category, ...) \
	(ctrace_is_enabled() ? ctrace_logf(ctx, category, __VA_ARGS__) : (void)0)

#ifdef __cplusplus
#include "ctrace.hpp"
#endif

/*
 * CTRACE_REGION(ctx, "type") { ... }
 *
 * A region that ends however the block is left: at its end, by return, goto, and in C++ by an
 * exception. break and continue leave the block, and so do not reach a loop around it; in such a
 * loop write CTRACE_REGION_SCOPE. To the compiler the block is the body of a loop: where it alone
 * gives a variable its value, or returns one, some want a value or a return behind it as well.
 *
 * CTRACE_REGION_SCOPE(ctx, "type");
 *
 * The same for what is left of the enclosing block. It is a declaration.
 */
#if CTRACE_AVAILABLE && !defined(__cplusplus)

struct ctrace_block_ {
	ctrace_region region;
	bool first;
};

CTRACE_FN_ struct ctrace_block_ ctrace_block_begin_(ctrace_ctx ctx, const char *type)
{
	struct ctrace_block_ block = { ctrace_region_begin(ctx, type), true };

	return block;
}

CTRACE_FN_ void ctrace_block_end_(struct ctrace_block_ *block)
{
	ctrace_region_end(block->region);
}

CTRACE_FN_ void ctrace_scope_end_(ctrace_region *region)
{
	ctrace_region_end(*region);
}

#define CTRACE_REGION_2_(ctx, type, name)                                                      \
	for (struct ctrace_block_ name                                                         \
	     __attribute__((__cleanup__(ctrace_block_end_))) = ctrace_block_begin_(ctx, type); \
	     name.first; name.first = false)
#define CTRACE_SCOPE_2_(ctx, type, name)                                                 \
	ctrace_region name __attribute__((__unused__, __cleanup__(ctrace_scope_end_))) = \
		ctrace_region_begin(ctx, type)

#elif CTRACE_AVAILABLE

#define CTRACE_REGION_2_(ctx, type, name) \
	for (ctrace::block_ name(ctx, type); name.first; name.first = false)
#define CTRACE_SCOPE_2_(ctx, type, name) const ctrace::region name(ctx, type)

#else

#define CTRACE_REGION_2_(ctx, type, name) \
	for (bool name = ((void)(ctx), (void)(type), true); name; name = false)
#define CTRACE_SCOPE_2_(ctx, type, name) ((void)(ctx), (void)(type))

#endif

/* A name of its own for each, so that none hides another one. */
#if defined(__COUNTER__) && !(defined(__clang__) && __clang_major__ >= 22)
#define CTRACE_NUMBER_ __COUNTER__
#else
#define CTRACE_NUMBER_ __LINE__
#endif
#define CTRACE_NAME_(number) CTRACE_NAME_2_(number)
#define CTRACE_NAME_2_(number) ctrace_##number##_
#define CTRACE_REGION(ctx, type) CTRACE_REGION_2_(ctx, type, CTRACE_NAME_(CTRACE_NUMBER_))
#define CTRACE_REGION_SCOPE(ctx, type) CTRACE_SCOPE_2_(ctx, type, CTRACE_NAME_(CTRACE_NUMBER_))

#endif
