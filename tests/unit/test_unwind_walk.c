// SPDX-License-Identifier: BSD-2-Clause
/*
 * Our own stacks, walked by our tables: the same return addresses as backtrace(3) finds, which has
 * an unwinder of its own. From a deep place, below qsort, in a thread, in a signal's handler, and
 * at hundreds of moments that a timer chooses.
 */
#include "unwind_text.h"
#include "unwind_walk.h"

#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/time.h>

#define DEPTH_MAX 64
#define MODULES_MAX 32
#if SANITIZED
#define UNWINDER_FRAMES 1 /* of theirs that are not ours: a function before backtrace(3) */
#else
#define UNWINDER_FRAMES 0
#endif

static struct module {
	uint64_t start, end, bias;
	struct unwind_table table;
} module[MODULES_MAX];
static size_t nmodule;

static int read_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct module *m = &module[nmodule];
	const Elf64_Ehdr *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);
	const char *path = info->dlpi_name;
	struct strbuf why = STRBUF_INIT;
	int i, fd, err;

	(void)size;
	(void)arg;
	if (nmodule == MODULES_MAX)
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_LOAD && ph->p_flags & PF_X) {
			m->start = info->dlpi_addr + ph->p_vaddr;
			m->end = m->start + ph->p_memsz;
		}
	}
	m->bias = info->dlpi_addr;
	if (vdso && m->start >= (uintptr_t)vdso && m->start < (uintptr_t)vdso + 0x4000) {
		err = unwind_table_image(&m->table, vdso,
					 vdso->e_shoff + vdso->e_shnum * sizeof(Elf64_Shdr), &why);
	} else {
		fd = open(*path ? path : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return 0;
		err = unwind_table_read(&m->table, fd, &why);
		close(fd);
	}
	if (err)
		print_message("%s: %s\n", path, why.buf);
	strbuf_free(&why);
	nmodule += !err;
	return 0;
}

static int start(void **state)
{
	void *ra[4];

	(void)state;
	dl_iterate_phdr(read_module, NULL);
	return backtrace(ra, 4) ? 0 : -1; /* loads the other unwinder */
}

static int finish(void **state)
{
	(void)state;
	while (nmodule)
		unwind_table_free(&module[--nmodule].table);
	return 0;
}

static const struct unw_rule *rule_at(uint64_t pc)
{
	size_t i;

	for (i = 0; i < nmodule; i++)
		if (pc >= module[i].start && pc < module[i].end)
			return unwind_table_find(&module[i].table, pc - module[i].bias);
	return NULL;
}

__attribute__((no_sanitize("address"))) static uint64_t own_memory(uint64_t addr)
{
	uint64_t v;

	__builtin_memcpy(&v, (const void *)addr, sizeof(v)); /* not the checked one */
	return v;
}

enum end { STOPPED, NO_RULE, TOO_DEEP };

/* Fills pc with the addresses of the frames. */
static enum end walk(struct regs r, uint64_t *pc, size_t *n)
{
	bool call = false;
	struct caller c;

	for (*n = 0; *n < DEPTH_MAX;) {
		const struct unw_rule *rule = rule_at(r.rip - call);

		pc[(*n)++] = r.rip;
		if (!rule)
			return NO_RULE;
		c = by_rule(rule, &r, own_memory);
		if (!c.known)
			return NO_RULE;
		if (c.stop)
			return STOPPED;
		call = rule->cfa != UNW_SIGNAL;
		r = c.regs;
	}
	return TOO_DEEP;
}

/* What the last comparison gave; in a handler nothing may be asserted. */
static struct {
	enum end end;
	size_t n, theirs;
	bool same;
	uint64_t at; /* of the first frame that differs */
} seen;

__attribute__((noinline)) static void compare(void)
{
	uint64_t pc[DEPTH_MAX];
	void *ra[DEPTH_MAX];
	struct regs r;
	size_t i;

	__asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
			 : "=&r"(r.rip), "=&r"(r.rsp), "=&r"(r.rbp));
	seen.end = walk(r, pc, &seen.n);
	seen.theirs = (size_t)backtrace(ra, DEPTH_MAX) - UNWINDER_FRAMES;
	/* of this function the addresses differ; ours may end earlier, where it says so */
	seen.same = seen.n == seen.theirs || (seen.end == NO_RULE && seen.n < seen.theirs);
	for (i = 1; seen.same && i < seen.n; i++) {
		seen.at = pc[i];
		seen.same = pc[i] == (uintptr_t)ra[i + UNWINDER_FRAMES];
	}
}

static void expect_whole(size_t at_least)
{
	if (!seen.same)
		fail_msg("differs at %#llx: %zu and %zu frames", (unsigned long long)seen.at,
			 seen.n, seen.theirs);
	assert_int_equal(seen.end, STOPPED);
	assert_true(seen.n >= at_least);
	memset(&seen, 0, sizeof(seen));
}

__attribute__((noinline)) static void deeper(volatile int n)
{
	char room[n * 8 + 1]; /* so that the frame needs rbp */

	memset(room, n, sizeof(room));
	if (n)
		deeper(n - 1);
	else
		compare();
	__asm__ volatile("" : : "r"(room) : "memory");
}

static void deep(void **state)
{
	(void)state;
	deeper(20);
	expect_whole(24);
}

static int by_comparing(const void *a, const void *b)
{
	compare();
	return *(const int *)a - *(const int *)b;
}

static void below_qsort(void **state)
{
	int v[] = { 3, 1, 2 };

	(void)state;
	qsort(v, COUNT(v), sizeof(*v), by_comparing);
	expect_whole(5);
}

static void *in_thread(void *arg)
{
	deeper(3);
	return arg;
}

static void thread(void **state)
{
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, in_thread, NULL), 0);
	pthread_join(t, NULL);
	expect_whole(7); /* down to clone, which nobody called */
}

static void on_signal(int sig)
{
	(void)sig;
	compare();
}

static void in_handler(void **state)
{
	(void)state;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	expect_whole(6);
}

/* ---- moments that a timer chooses ---- */

static struct {
	size_t n, whole, differ, frames;
	uint64_t at;
} sampled;

static void on_timer(int sig)
{
	int err = errno;

	(void)sig;
	compare();
	sampled.n++;
	sampled.frames += seen.n;
	sampled.whole += seen.end == STOPPED;
	if (!seen.same) {
		sampled.differ++;
		sampled.at = seen.at;
	}
	errno = err;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void work(uint64_t *seed)
{
	static int v[2000];
	char text[64];
	size_t i;

	for (i = 0; i < COUNT(v); i++) {
		v[i] = (int)rnd(seed);
		snprintf(text, sizeof(text), "%d %s %.3f", v[i], "text", (double)v[i]);
		v[i] ^= (int)strlen(text) + (int)strtol(text, NULL, 10);
	}
	qsort(v, COUNT(v), sizeof(*v), by_number);
}

static void at_any_moment(void **state)
{
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	uint64_t seed = 11;
	int i;

	(void)state;
	signal(SIGPROF, on_timer);
	setitimer(ITIMER_PROF, &every, NULL);
	for (i = 0; i < 20000 && sampled.n < 100; i++)
		work(&seed);
	setitimer(ITIMER_PROF, &never, NULL);
	signal(SIGPROF, SIG_IGN);
	print_message("%zu samples of %zu frames, %zu whole, %zu differ\n", sampled.n,
		      sampled.frames, sampled.whole, sampled.differ);
	if (sampled.differ)
		fail_msg("one differs at %#llx", (unsigned long long)sampled.at);
	assert_true(sampled.n >= 100 && sampled.whole * 100 >= sampled.n * 95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep),		 cmocka_unit_test(below_qsort),
		cmocka_unit_test(thread),	 cmocka_unit_test(in_handler),
		cmocka_unit_test(at_any_moment),
	};

	/* not the last one under the sanitizers: their functions are in its way */
	return _cmocka_run_group_tests("tests", tests, COUNT(tests) - SANITIZED, start, finish);
}
