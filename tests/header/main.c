// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program of several source files that use the header: part.c, and part2.cpp with -DWITH_CPP.
 * Compiled as C or as C++. With -DWITH_DLOPEN, main LIBRARY: what is loaded has a semaphore of its
 * own. Exit 1 when something is not as it should.
 */
#include <stdlib.h>
#ifdef WITH_DLOPEN
#include <dlfcn.h>
#endif

#include "part.h"
#ifdef __cplusplus
#include "shared.hpp"
#endif

/* Nobody calls it: the linker may leave it out with what belongs to it (--gc-sections). */
#ifdef __cplusplus
extern "C"
#endif
	int
	never_called(ctrace_ctx ctx);

int never_called(ctrace_ctx ctx)
{
	CTRACE_REGION_SCOPE(ctx, "never");
	return 3;
}

static int wrong(const char *what)
{
	printf("%s\n", what);
	return 1;
}

int main(int argc, char **argv)
{
	ctrace_ctx task = ctrace_task_begin(ctrace_background(), "main");
	int failed = 0;

	CTRACE_REGION(task, "main")
	{
		if (part_work(task) != 1)
			failed = wrong("part.c is not as it should");
		ctrace_log(task, "main", "text");
	}
#if CTRACE_AVAILABLE
	if (!task.task || task.task == part_task())
		failed = wrong("tasks are not numbered");
	if (part_semaphore() != &ctrace_semaphore_)
		failed = wrong("part.c has another semaphore");
#endif
#ifdef WITH_CPP
	if (part2_work(task) != 2)
		failed = wrong("part2.cpp is not as it should");
#if CTRACE_AVAILABLE
	if (part2_semaphore() != &ctrace_semaphore_)
		failed = wrong("part2.cpp has another semaphore");
#endif
#ifdef __cplusplus
	shared work;

	if (work.run<7>(task) != 7)
		failed = wrong("a template is not as it should");
#endif
#endif
#ifdef WITH_DLOPEN
	{
		void *lib = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
		const volatile void *(*semaphore)(void) = NULL;

		if (lib)
			*(void **)&semaphore = dlsym(lib, "part_semaphore");
		if (!semaphore)
			failed = wrong(dlerror());
		else if (semaphore() == &ctrace_semaphore_)
			failed = wrong("the library has the program's semaphore");
	}
#endif
	(void)argc;
	(void)argv;
	ctrace_task_end(task);
	return failed;
}
