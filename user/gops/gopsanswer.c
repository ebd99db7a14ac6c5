// SPDX-License-Identifier: BSD-2-Clause
/* See gopsanswer.h. */
#include "gops/gopsanswer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gops/runtime.h"
#include "util/fileio.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "version.h"

/* ---- words ---- */

/* The number behind "Key:" in /proc/PID/status; 0 where there is none. */
static uint64_t status_of(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Of a Go program what its own agent would say. */
static int say_version(pid_t pid, struct strbuf *out)
{
	struct runtimes *r = runtimes__new();
	struct runtime_told told = { 0 };
	int err = runtimes__ask(r, (uint32_t)pid, 1, &told);
	char words[FACTS_VERSION_MAX + 32];

	runtimes__free(r);
	if (err == -ESRCH || err == -ENOENT)
		return err;
	runtime_words(told.runtime, told.version, words, sizeof(words));
	if (told.runtime == RUNTIME_GO)
		strbuf_addf(out, "%s\n", words);
	else
		strbuf_addf(out, "%s, watched by ctrace-bpf %s\n", words, CTRACE_VERSION);
	return 0;
}

/* A thread is a goroutine in our traces, so it is here. */
static int say_stats(pid_t pid, struct strbuf *out)
{
	char path[64], status[8192];
	cpu_set_t cpus;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	len = procfs_read(path, status, sizeof(status));
	if (len < 0)
		return (int)len;
	if (sched_getaffinity(pid, sizeof(cpus), &cpus))
		return -errno;
	strbuf_addf(out, "goroutines: %ju\n", (uintmax_t)status_of(status, "\nThreads:"));
	strbuf_addf(out, "OS threads: %ju\n", (uintmax_t)status_of(status, "\nThreads:"));
	strbuf_addf(out, "GOMAXPROCS: %d\n", CPU_COUNT(&cpus));
	strbuf_addf(out, "num CPU: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	return 0;
}

/* as gops' agent has it: "1.50MB (1572864 bytes)" */
static void add_bytes(struct strbuf *out, const char *name, uint64_t bytes)
{
	static const char *const unit[] = { " bytes", "KB", "MB", "GB", "TB", "PB" };
	double n = (double)bytes;
	unsigned i;

	for (i = 0; n >= 1024 && i < sizeof(unit) / sizeof(unit[0]) - 1; i++)
		n /= 1024;
	if (i)
		strbuf_addf(out, "%s: %.2f%s (%ju bytes)\n", name, n, unit[i], (uintmax_t)bytes);
	else
		strbuf_addf(out, "%s: %ju bytes\n", name, (uintmax_t)bytes);
}

static int say_memory(pid_t pid, struct strbuf *out)
{
	static const struct {
		const char *key, *name;
	} rows[] = {
		{ "\nVmRSS:", "resident" },  { "\nVmHWM:", "resident-peak" },
		{ "\nVmSize:", "sys" },	     { "\nVmData:", "data" },
		{ "\nVmStk:", "stack-sys" }, { "\nVmSwap:", "swapped" },
	};
	char path[64], status[8192];
	ssize_t len;
	size_t i;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	len = procfs_read(path, status, sizeof(status));
	if (len < 0)
		return (int)len;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		add_bytes(out, rows[i].name, status_of(status, rows[i].key) * 1024);
	return 0;
}

static int say_stack(pid_t pid, struct strbuf *out)
{
	strbuf_addf(out, "the stacks of process %d are in its trace: gops trace %d\n", pid, pid);
	return 0;
}

static int say_no_gc(pid_t pid, struct strbuf *out)
{
	strbuf_addf(out, "process %d has no garbage collector that could be set from outside\n",
		    pid);
	return 0;
}

/* ---- the file ---- */

static int send_program(pid_t pid, int to)
{
	char path[64], buf[65536];
	ssize_t n;
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (!err && (n = read(fd, buf, sizeof(buf))) != 0)
		err = n < 0 ? -errno : write_all(to, buf, (size_t)n);
	close(fd);
	return err;
}

/* ---- the table ---- */

static const struct verb {
	enum gops_verb verb;
	const char *name;
	int (*say)(pid_t pid, struct strbuf *out);
} verbs[] = {
	{ GOPS_STACK, "stack", say_stack },	   { GOPS_GC, "gc", NULL },
	{ GOPS_MEMORY, "memstats", say_memory },   { GOPS_VERSION, "version", say_version },
	{ GOPS_HEAP, "pprof-heap", NULL },	   { GOPS_CPU, "pprof-cpu", NULL },
	{ GOPS_STATS, "stats", say_stats },	   { GOPS_TRACE, "trace", NULL },
	{ GOPS_BINARY, "the program file", NULL }, { GOPS_SET_GC, "setgc", say_no_gc },
};

static const struct verb *verb_of(int verb)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if ((int)verbs[i].verb == verb)
			return &verbs[i];
	return NULL;
}

const char *gopsanswer_name(int verb)
{
	const struct verb *v = verb_of(verb);

	return v ? v->name : NULL;
}

int gopsanswer_write(void *ctx, int fd)
{
	const struct gops_question *q = ctx;
	const struct verb *v = verb_of(q->verb);
	struct strbuf out = STRBUF_INIT;
	int err = -ENOTSUP;

	if (v && v->verb == GOPS_BINARY)
		return send_program(q->pid, fd);
	if (v && v->say)
		err = v->say(q->pid, &out);
	if (!err)
		err = write_all(fd, out.buf, out.len);
	strbuf_free(&out);
	return err;
}
