// SPDX-License-Identifier: BSD-2-Clause
/*
 * Does anybody listen to a program, and to a library that it loads meanwhile? Out: "ready PID";
 * then it does what it is told, a line each, until the end of stdin:
 *
 *	enabled		prints "enabled N M": the program's semaphore, and the library's or -1
 *	load PATH	loads a library made of tests/header/part.c; prints "loaded"
 *	work N		N regions with a log in each, of the program and of the library; prints
 *			"worked"
 */
#include <dlfcn.h>

#include <ctrace/ctrace.h>

#include "prog.h"

static const volatile unsigned short *(*semaphore)(void);
static int (*part_work)(ctrace_ctx ctx);

static void load(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		printf("%s\n", dlerror());
		exit(1);
	}
	*(void **)&semaphore = dlsym(lib, "part_semaphore");
	*(void **)&part_work = dlsym(lib, "part_work");
	printf("loaded\n");
}

static void work(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		CTRACE_REGION(ctrace_background(), "own")
		{
			ctrace_logf(ctrace_background(), "own", "%d", i);
		}
		if (part_work)
			part_work(ctrace_background());
	}
	printf("worked\n");
}

int main(void)
{
	char line[4200];

	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "load ", 5))
			load(line + 5);
		else if (!strncmp(line, "work ", 5))
			work(atoi(line + 5));
		else
			printf("enabled %d %d\n", ctrace_is_enabled(),
			       semaphore ? *semaphore() != 0 : -1);
		fflush(stdout);
	}
	return 0;
}
