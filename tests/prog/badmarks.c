// SPDX-License-Identifier: BSD-2-Clause
/*
 * Everything that a program can do wrong with its annotations. Out: "ready PID"; after a line on
 * stdin it does it all and prints "done"; ends at the end of stdin.
 */
#include <pthread.h>
#include <sys/mman.h>

#include <ctrace/ctrace.h>

#include "prog.h"

static ctrace_region crossing;
static ctrace_ctx task;

static void *ends_it(void *arg)
{
	(void)arg;
	ctrace_region_end(crossing); /* of another thread */
	ctrace_region_begin(task, "left open by a thread that ends");
	return NULL;
}

int main(void)
{
	static char kib[1025], more[5000];
	ctrace_ctx none = ctrace_background(), stranger = { 12345 };
	ctrace_region a, b, made = { 1, 2, "never begun" };
	char line[64], *edge;
	pthread_t thread;
	int i;

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;

	/* regions: crossed, ended twice, never begun, begun and never ended, by the wrong thread */
	task = ctrace_task_begin(none, "bad");
	a = ctrace_region_begin(task, "a");
	b = ctrace_region_begin(task, "b");
	ctrace_region_end(a);
	ctrace_region_end(b);
	ctrace_region_end(b);
	ctrace_region_end(made);
	crossing = ctrace_region_begin(task, "crossing");
	if (pthread_create(&thread, NULL, ends_it, NULL) || pthread_join(thread, NULL))
		return 1;
	for (i = 0; i < 300; i++)
		ctrace_region_begin(none, "deep");

	/* tasks: ended twice, never, never begun; a parent that has ended or is nobody */
	ctrace_task_end(task);
	ctrace_task_end(task);
	ctrace_task_end(stranger);
	ctrace_task_begin(task, "child of an ended one");
	ctrace_task_begin(stranger, "child of nobody");
	ctrace_log(stranger, "nobody", "listens here");
	ctrace_log(task, "late", "the task has ended");

	/* strings: nowhere, half readable, empty, not UTF-8, as long as may be, longer */
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED || mprotect(edge + 4096, 4096, PROT_NONE))
		return 1;
	memset(edge, 'e', 4096);
	ctrace_log(none, "nowhere", NULL);
	ctrace_log(none, (const char *)8, (const char *)(UINT64_MAX - 3));
	ctrace_log(none, "edge", edge + 4090);
	ctrace_region_end(ctrace_region_begin(none, (const char *)16));
	ctrace_task_end(ctrace_task_begin(none, NULL));
	ctrace_log(none, "", "");
	ctrace_region_end(ctrace_region_begin(none, ""));
	ctrace_log(none, "bytes", "\xff\xfe caf\xe9 \xc3\xa9");
	memset(kib, 'k', 1024);
	ctrace_log(none, "1024", kib);
	memset(more, 'm', sizeof(more) - 1);
	ctrace_log(none, "4999", more);
	ctrace_log(none, "end", "of all");
	printf("done\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
