// SPDX-License-Identifier: BSD-2-Clause
/*
 * Damaged ELF files through the reader of symbols: fuzz_sym [-p] [-n N] [-s FIRST]
 *
 * As it is: in processes that are forked for some inputs each, built with sanitizers. One that dies
 * or takes 10 s is looked at: a fault in our code fails the run, a fault in libdw and its like is
 * counted (the program lives with it). With -p: through symbolizer.h as the program uses it; every
 * question must be answered, whatever becomes of the process behind. Exit status 1 when something
 * failed; the number of an input that failed is told, `-n 1 -s NUMBER` runs it alone.
 */
#include <signal.h>
#include <sys/wait.h>

#include "symbol/symbolizer.h"
#include "symbol/symfile.h"
#include "tests/fuzz/damage.h"
#include "util/clock.h"

#ifndef LIMIT_S
#define LIMIT_S 10
#endif
#define ADDRESSES 24

struct tally {
	unsigned long inputs, named, theirs, slow, ours;
};

static uint64_t address(const struct seed *s, uint64_t *r)
{
	return s->text + rnd(r) % s->text_size;
}

/* ---- in a process of ours ---- */

static unsigned long one_input(const struct seeds *all, uint64_t number)
{
	struct strbuf why = STRBUF_INIT;
	struct symfile_opts o = { .root_fd = -1, .path = "/nonexistent/file" };
	uint64_t r = number | 1ull << 63;
	unsigned long named = 0;
	struct sym_loc loc[16];
	const struct seed *s;
	struct symfile *f;
	size_t i, k, n;

	o.fd = damaged_file(all, number, &s);
	f = symfile__new(&o, &why);
	for (i = 0; f && i < ADDRESSES; i++) {
		n = symfile__find(f, address(s, &r), loc, COUNT(loc));
		for (k = 0; k < n; k++) /* all of it can be read */
			named += strlen(loc[k].func) + (loc[k].file ? strlen(loc[k].file) : 0) > 0;
	}
	symfile__free(f);
	strbuf_free(&why);
	return named;
}

/* What the child says of itself: the input it is at, and names so far. */
struct shared {
	uint64_t at;
	unsigned long named;
};

/* Is it our code that is to blame? By the first frame of the report that is no runtime's. */
static bool our_fault(const char *report, struct strbuf *frame)
{
	static const char *const theirs[] = { "/libdw", "/libelf", "/liblzma", "/libz",
					      "/libiberty" };
	char line[1024];
	bool ours = true, decided = false;
	FILE *f = fopen(report, "re");
	size_t i;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, "runtime error") || strstr(line, "ERROR:"))
			strbuf_addf(frame, "%.300s ", line);
		if (decided || !strstr(line, "    #") || strstr(line, "libasan") ||
		    strstr(line, "sanitizer") || strstr(line, "/libc."))
			continue;
		strbuf_addstr(frame, line);
		decided = true;
		for (i = 0; i < COUNT(theirs); i++)
			if (strstr(line, theirs[i]))
				ours = false;
		/* the demangler is linked in, and has no names of files */
		if (strstr(line, "cplus_demangle") || strstr(line, "rust_demangle") ||
		    strstr(line, " in d_"))
			ours = false;
	}
	if (f)
		fclose(f);
	return ours;
}

static void child(const struct seeds *all, struct shared *sh, uint64_t to, const char *report)
{
	int fd = open(report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	dup2(fd, 2);
	for (; sh->at < to; sh->at++) {
		alarm(LIMIT_S);
		sh->named += one_input(all, sh->at);
	}
	_exit(0); /* leaks are for the unit tests */
}

static void in_process(const struct seeds *all, uint64_t from, uint64_t to, struct tally *t)
{
	struct shared *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct strbuf report = STRBUF_INIT, frame = STRBUF_INIT;
	uint64_t end;
	int status;
	pid_t pid;

	strbuf_addf(&report, "%s/report", dir);
	for (sh->at = from; sh->at < to;) {
		end = sh->at + 500 < to ? sh->at + 500 : to; /* memory of libraries that leak */
		pid = fork();
		if (!pid)
			child(all, sh, end, report.buf);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!status)
			continue;
		strbuf_reset(&frame);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
			t->slow++;
			printf("# %llu: more than %d s\n", (unsigned long long)sh->at, LIMIT_S);
		} else if (our_fault(report.buf, &frame)) {
			t->ours++;
			printf("# %llu: %s\n", (unsigned long long)sh->at, frame.buf);
		} else {
			t->theirs++;
			printf("# %llu: not ours: %s\n", (unsigned long long)sh->at, frame.buf);
		}
		fflush(stdout);
		sh->at++;
	}
	t->inputs = to - from;
	t->named = sh->named;
	munmap(sh, sizeof(*sh));
	strbuf_free(&report);
	strbuf_free(&frame);
}

/* ---- as the program does it ---- */

static void count_trouble(void *ctx, const char *sentence)
{
	struct tally *t = ctx;

	if (strstr(sentence, "signal") || strstr(sentence, "ended"))
		t->theirs++;
	else if (strstr(sentence, "takes more"))
		t->slow++;
}

static void through_symbolizer(const struct seeds *all, uint64_t from, uint64_t to, struct tally *t)
{
	struct symbolizer_opts o = { .timeout_ms = 2000 };
	const struct sym_frame *f;
	struct symbolizer *s = NULL;
	uint64_t frame[ADDRESSES], i, longest = 0, begin;
	struct strbuf path = STRBUF_INIT;
	const struct seed *seed;
	size_t k, n;

	for (i = from; i < to; i++) {
		struct sym_module m = { .module = (uint32_t)(i % 1000) + 1,
					.type = EV_MODULE_FILE,
					.root_fd = -1 };
		uint64_t r = i | 1ull << 63;

		if (!s)
			s = symbolizer__new_with(&o);
		assert_non_null(s);
		strbuf_set_f(&path, "/nonexistent/%llu", (unsigned long long)i);
		m.path = path.buf;
		m.fd = damaged_file(all, i, &seed);
		symbolizer__add(s, &m);
		for (k = 0; k < ADDRESSES; k++)
			frame[k] = EV_FRAME(m.module, address(seed, &r));
		begin = clock_ns(CLOCK_MONOTONIC);
		symbolizer__prefetch(s, frame, ADDRESSES);
		for (k = 0; k < ADDRESSES; k++) {
			n = symbolizer__resolve(s, frame[k], &f);
			assert_true(n >= 1 && n <= EV_SYM_FRAMES && *f->func && f->serial);
			t->named += !strstr(f->func, "+0x");
		}
		begin = clock_ns(CLOCK_MONOTONIC) - begin;
		if (begin > longest)
			longest = begin;
		symbolizer__forget(s);
		if (i % 1000 == 999 || i + 1 == to) {
			symbolizer__troubles(s, count_trouble, t);
			symbolizer__free(s);
			s = NULL;
		}
	}
	t->inputs = to - from;
	printf("# the longest question took %.0f ms\n", (double)longest / 1e6);
	if (longest > 4000000000ull)
		t->ours++;
	strbuf_free(&path);
}

int main(int argc, char **argv)
{
	unsigned long long n = 100000, first = 0;
	struct seeds all = { .cnt = 0 };
	struct tally t = { 0 };
	bool program = false;
	int c;

	while ((c = getopt(argc, argv, "pn:s:")) != -1) {
		if (c == 'p')
			program = true;
		else if (c == 'n')
			n = strtoull(optarg, NULL, 0);
		else if (c == 's')
			first = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (make_dir(NULL))
		return 2;
	make_seeds(&all);
	if (program)
		through_symbolizer(&all, first, first + n, &t);
	else
		in_process(&all, first, first + n, &t);
	printf("%lu inputs from %zu seeds, %lu names; faults of libraries %lu, too slow %lu, ours "
	       "%lu\n",
	       t.inputs, all.cnt, t.named, t.theirs, t.slow, t.ours);
	free_seeds(&all);
	remove_dir(NULL);
	return t.ours != 0;
}
