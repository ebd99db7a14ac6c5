// SPDX-License-Identifier: BSD-2-Clause
/*
 * Are the numbers of tasks unique in a process? ids DIRECTORY, where one.so and two.so are, built
 * of part.c: eight threads that start again and again, two libraries with an own copy of the
 * header, one of them unloaded and loaded again, and the child of a fork. Exit 1 when a number
 * comes twice.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctrace/ctrace.h>

enum { THREADS = 8, ROUNDS = 100, EACH = 300, MAKERS = 3 };

static uint64_t ids[(THREADS * MAKERS * ROUNDS + 8) * EACH];
static size_t cnt;
static uint64_t (*makers[MAKERS])(void);

static uint64_t own(void)
{
	return ctrace_task_begin(ctrace_background(), "own").task;
}

static void *take(void *arg)
{
	uint64_t *to = arg;
	int i, maker;

	for (maker = 0; maker < MAKERS; maker++)
		for (i = 0; i < EACH; i++)
			*to++ = makers[maker]();
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int unique(const char *what)
{
	static uint64_t sorted[sizeof(ids) / sizeof(ids[0])];
	size_t i;

	memcpy(sorted, ids, cnt * sizeof(ids[0]));
	qsort(sorted, cnt, sizeof(sorted[0]), by_value);
	for (i = 0; i < cnt; i++) {
		if (!sorted[i] || (i && sorted[i] == sorted[i - 1])) {
			printf("%s: number %llx of %zu is 0 or comes twice\n", what,
			       (unsigned long long)sorted[i], cnt);
			return 0;
		}
	}
	return 1;
}

static void *load(const char *dir, const char *name, int maker)
{
	char path[4096];
	void *lib;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		printf("%s\n", dlerror());
		exit(1);
	}
	*(void **)&makers[maker] = dlsym(lib, "part_task");
	return lib;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int round, i, status, ok;
	uint64_t (*before)(void);
	void *lib;
	pid_t pid;

	if (argc < 2)
		return 2;
	makers[0] = own;
	lib = load(argv[1], "one.so", 1);
	load(argv[1], "two.so", 2);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < THREADS; i++, cnt += (size_t)EACH * MAKERS)
			if (pthread_create(&threads[i], NULL, take, &ids[cnt]))
				return 2;
		for (i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	before = makers[1];
	dlclose(lib);
	load(argv[1], "one.so", 1);
	printf("%s\n", before == makers[1] ? "loaded where it was" : "loaded elsewhere");
	take(&ids[cnt]);
	cnt += (size_t)EACH * MAKERS;
	ok = unique("libraries and threads");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		take(&ids[cnt]);
		cnt += (size_t)EACH * MAKERS;
		ok = unique("the child");
		fflush(stdout);
		_exit(!ok);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return 1;
	return !ok;
}
