// SPDX-License-Identifier: BSD-2-Clause
/*
 * What unwinding tables cost: tables FILE… prints for each file the time to build and to pack its
 * table (the best of five), the bytes that the BPF programs get, and what cannot be followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "unwind/pack.h"
#include "unwind/table.h"
#include "util/strbuf.h"

#define ROUNDS 5

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void put(void *arg, uint32_t first, const uint32_t *word, uint32_t cnt)
{
	*(uint64_t *)arg += first + word[0] + cnt; /* so that it is done */
}

/* Bytes of code whose row is UNW_BAD, in rows that are not gaps or padding by their rule alone. */
static uint64_t bad_bytes(const struct unwind_table *t)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i + 1 < t->nrow; i++)
		n += t->rule[i] ? 0 : t->pc[i + 1] - t->pc[i];
	return n;
}

static int measure(const char *path)
{
	double build = 1e9, pack = 1e9, begin;
	struct strbuf why = STRBUF_INIT;
	struct unw_rules rules = { 0 };
	struct unw_packing p = { 0 };
	struct unwind_table t = { 0 };
	uint64_t sum = 0, code;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), i, err = 0;

	if (fd < 0 || fstat(fd, &st)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	for (i = 0; i < ROUNDS && !err; i++) {
		unwind_table_free(&t);
		begin = cpu_ms();
		err = unwind_table_read(&t, fd, &why);
		build = cpu_ms() - begin < build ? cpu_ms() - begin : build;
	}
	if (!err)
		err = unw_pack_measure(&t, &p);
	for (i = 0; i < ROUNDS && !err; i++) {
		unw_rules_free(&rules);
		begin = cpu_ms();
		unw_pack(&t, &p, 0, &rules, put, &sum);
		pack = cpu_ms() - begin < pack ? cpu_ms() - begin : pack;
	}
	if (err) {
		fprintf(stderr, "%s: %s\n", path, why.len ? why.buf : strerror(-err));
	} else {
		code = t.pc[t.nrow - 1] - t.pc[0];
		printf("%8.1f %7zu %7zu %8.1f %5zu %7.1f %6.1f %6zu %6.2f %6.2f  %s\n",
		       (double)st.st_size / 1048576, t.nfde, t.nrow, p.nwords * 4 / 1024.0, t.nrule,
		       build, pack, t.nbad, 100.0 * (double)t.nbad / (double)t.nrow,
		       100.0 * (double)bad_bytes(&t) / (double)code, path);
	}
	unwind_table_free(&t);
	unw_rules_free(&rules);
	strbuf_free(&why);
	close(fd);
	return err != 0;
}

int main(int argc, char **argv)
{
	int i, status = 0;

	printf("%8s %7s %7s %8s %5s %7s %6s %6s %6s %6s  file\n", "MiB", "funcs", "rows", "KiB",
	       "rules", "ms", "pack", "bad", "% rows", "% code");
	for (i = 1; i < argc; i++)
		status |= measure(argv[i]);
	return status;
}
