// SPDX-License-Identifier: BSD-2-Clause
/*
 * Damaged ELF files: whatever they hold, reading ends soon, with an error or with a table that is
 * sound and can be packed. Some are cut off and written over by another thread while they are read.
 *
 * An input comes from its number alone: a seed (files of this machine, the vdso, made files with
 * instructions at random), then some damage. Each run is a process, so that the number of an
 * input that kills it is told: CTRACE_FUZZ_FROM=NUMBER CTRACE_FUZZ_N=1 does it again.
 */
#include "unwind_make.h"
#include "unwind_text.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "unwind/pack.h"

#define SECONDS_MAX 5 /* of CPU time for an input, sanitizers and all */
#define SEEDS_MAX 16
#define MADE 5 /* of 10 inputs begin as a made file */
#define MADE_GO 2

static struct strbuf seed_file[SEEDS_MAX];
static size_t nseed;

/* ---- seeds ---- */

static void add_seed(const void *data, size_t size)
{
	seed_file[nseed] = STRBUF_INIT;
	strbuf_add(&seed_file[nseed++], data, size);
}

static void add_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size > 0 && st.st_size < 1 << 20) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map != MAP_FAILED) {
			add_seed(map, (size_t)st.st_size);
			munmap(map, (size_t)st.st_size);
		}
	}
	close(fd);
}

static void add_seeds(void)
{
	const Elf64_Ehdr *eh = (const void *)getauxval(AT_SYSINFO_EHDR);

	if (eh)
		add_seed(eh, eh->e_shoff + eh->e_shnum * sizeof(Elf64_Shdr));
	add_file("/bin/true");
	add_file("/lib64/ld-linux-x86-64.so.2");
	assert_true(nseed);
}

static uint32_t upto(uint64_t *r, uint32_t n)
{
	return (uint32_t)(rnd(r) >> 16) % n;
}

static void random_number(struct strbuf *p, uint64_t *r)
{
	static const uint64_t odd[] = { 0,	    1,	       6,	   7,
					16,	    0x7f,      0xffff,	   0x7fffffff,
					0xffffffff, INT64_MAX, 1ull << 63, UINT64_MAX };
	uint64_t v = upto(r, 3) ? upto(r, 200) : odd[upto(r, COUNT(odd))];

	do {
		strbuf_addch(p, (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
		v >>= 7;
	} while (v);
}

/* Call frame instructions, most of which exist. */
static void random_program(struct strbuf *p, uint64_t *r)
{
	static const uint8_t op[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
				      0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14,
				      0x15, 0x16, 0x2e, 0x2f, 0x86, 0x90, 0xc6, 0xd0, 0x41, 0x44 };
	static const char *const expr[] = { "\x77\x08\x06",
					    "\x76\x78\x06\x23\x08",
					    "\x77\x18\x06\x23\x08",
					    "\x76\x10",
					    "\x77\x28",
					    "\x77\x08\x80\x01\x3f\x1a\x3b\x2a\x33\x24\x22" };
	uint32_t n = upto(r, 40);

	while (n--) {
		uint8_t o = upto(r, 30) ? op[upto(r, COUNT(op))] : (uint8_t)rnd(r);

		strbuf_addch(p, (char)o);
		if (o == 0x0f || o == 0x10 || o == 0x16) {
			const char *e = expr[upto(r, COUNT(expr))];

			if (o != 0x0f)
				random_number(p, r);
			strbuf_addch(p, (char)(strlen(e) + !upto(r, 10)));
			strbuf_addstr(p, e);
		} else if (o >> 6 != 1) {
			random_number(p, r);
			if (upto(r, 2))
				random_number(p, r);
		}
	}
}

/* A file whose frame section has functions at random, all over the code and beyond. */
static void make_file(struct strbuf *out, uint64_t *r)
{
	struct frame_make f = { .s = STRBUF_INIT, .eh = upto(r, 3), .addr = 0x4000 };
	struct strbuf p = STRBUF_INIT;
	struct elf_make m = { .entry = upto(r, 2) ? 0x1000 + upto(r, 0x2000) : 0 };
	uint32_t n = 1 + upto(r, 60), i;

	for (i = 0; i < n; i++) {
		uint64_t start = 0x1000 + upto(r, upto(r, 8) ? 0x2000 : 0x8000);
		uint64_t size = upto(r, upto(r, 8) ? 0x100 : 0x10000);

		strbuf_reset(&p);
		f.wide = !upto(r, 8);
		if (!i || !upto(r, 8)) {
			if (upto(r, 3))
				strbuf_add(&p, USUAL, 5);
			else
				random_program(&p, r);
			if (f.eh) {
				char more[256] = "\x01\x1b";
				size_t len = p.len < 200 ? p.len : 200;

				memcpy(more + 2, p.buf, len);
				cie(&f, 1, upto(r, 8) ? "zR" : "zRS", more, 2 + len);
			} else {
				cie(&f, upto(r, 2) ? 3 : 4, "", p.buf, p.len);
			}
			strbuf_reset(&p);
		}
		random_program(&p, r);
		if (f.eh)
			fde(&f, start, size, p.buf, p.len);
		else
			plain_fde(&f, start, size, p.buf, p.len);
	}
	elf_add(&m, f.eh ? ".eh_frame" : ".debug_frame", f.s.buf, f.s.len, SHF_ALLOC);
	if (!upto(r, 8))
		elf_add(&m, ".go.buildinfo", "x", 1, SHF_ALLOC);
	if (!upto(r, 8))
		elf_add_code(&m, ".plt", 0x1000 + upto(r, 0x200) * 16, upto(r, 0x1000));
	if (!upto(r, 8))
		elf_add_code(&m, ".plt.got", 0x1000 + upto(r, 0x2000), upto(r, 0x1000));
	m.fixed = upto(r, 2);
	m.code = "\xff\x35\0\0\0\0\xff\x25\0\0\0\0\0\0\0\0\xff\x25\0\0\0\0\x68";
	m.code_size = 23;
	elf_write(&m, out);
	strbuf_free(&f.s);
	strbuf_free(&p);
}

/* A file whose functions are Go's. */
static void make_go(struct strbuf *out, uint64_t *r)
{
	static const char *const name[] = { "main.f", "runtime.mcall", "runtime.sigtramp",
					    "runtime.sigreturn__sigaction" };
	struct elf_make m = { 0 };
	struct strbuf tab = STRBUF_INIT;
	uint8_t code[CODE_SIZE];
	struct go_func f[40];
	char pcsp[40][24];
	uint32_t n = upto(r, 40), at = 0, i, k;

	for (i = 0; i < n; i++) {
		f[i] = (struct go_func){ name[upto(r, 4)], at, (uint8_t)upto(r, 8), pcsp[i] };
		for (k = 0; k < 22; k++)
			pcsp[i][k] = (char)(1 + upto(r, upto(r, 8) ? 0x30 : 0xfe));
		pcsp[i][upto(r, 23)] = '\0';
		pcsp[i][23] = '\0';
		at += upto(r, upto(r, 8) ? 0x200 : 0x2000);
	}
	for (i = 0; i < CODE_SIZE; i++)
		code[i] = upto(r, 2) ? 0x55 : (uint8_t)rnd(r);
	m.code = code;
	m.code_size = sizeof(code);
	go_table(&tab, f, n, at, upto(r, 8));
	elf_add(&m, upto(r, 4) ? ".gopclntab" : ".data.rel.ro", tab.buf, tab.len, SHF_ALLOC);
	elf_add(&m, ".go.buildinfo", "x", 1, SHF_ALLOC);
	elf_write(&m, out);
	strbuf_free(&tab);
}

/* ---- damage ---- */

static void put_odd(struct strbuf *b, size_t at, uint64_t *r)
{
	static const uint64_t odd[] = {
		0,	   1,	       0x7f,	   0x80,       0xff,
		0xffff,	   0x7fffffff, 0x80000000, 0xffffffff, 0x100000000ull,
		INT64_MAX, 1ull << 63, UINT64_MAX, 0x4000,     0x1000,
		8
	};
	uint64_t v = upto(r, 4) ? odd[upto(r, COUNT(odd))] : rnd(r);
	size_t n = (size_t)1 << upto(r, 4);

	if (upto(r, 4) == 0)
		v += b->len;
	if (at + n <= b->len)
		memcpy(b->buf + at, &v, n);
}

/* A place: in the headers, in the section headers, or anywhere. */
static size_t somewhere(const struct strbuf *b, uint64_t *r)
{
	uint64_t shoff = 0;

	switch (upto(r, 4)) {
	case 0:
		return upto(r, b->len < 0x200 ? (uint32_t)b->len : 0x200);
	case 1:
		if (b->len >= sizeof(Elf64_Ehdr))
			memcpy(&shoff, b->buf + 40, 8);
		if (shoff < b->len)
			return shoff + upto(r, (uint32_t)(b->len - shoff));
	}
	return upto(r, (uint32_t)b->len);
}

static void damage(struct strbuf *b, uint64_t *r)
{
	uint32_t n = upto(r, 12);
	size_t at, from, len;

	while (n-- && b->len) {
		at = somewhere(b, r);
		switch (upto(r, 8)) {
		case 0:
			b->buf[at] ^= (char)(1 << upto(r, 8));
			break;
		case 1:
			b->buf[at] = (char)rnd(r);
			break;
		case 2: /* a piece of itself */
			from = somewhere(b, r);
			len = 1 + upto(r, 64);
			if (from + len <= b->len && at + len <= b->len)
				memmove(b->buf + at, b->buf + from, len);
			break;
		case 3: /* a piece of another file */
		{
			const struct strbuf *s = &seed_file[upto(r, (uint32_t)nseed)];

			from = upto(r, (uint32_t)s->len);
			len = 1 + upto(r, 256);
			if (from + len <= s->len && at + len <= b->len)
				memcpy(b->buf + at, s->buf + from, len);
			break;
		}
		case 4:
			if (!upto(r, 4)) {
				b->len = at;
				b->buf[at] = '\0';
			}
			break;
		default:
			put_odd(b, at, r);
		}
	}
}

/* ---- one input ---- */

static void no_words(void *arg, uint32_t first, const uint32_t *word, uint32_t cnt)
{
	(void)word;
	*(uint32_t *)arg += cnt;
	(void)first;
}

static void pack(const struct unwind_table *t)
{
	static struct unw_rules rules;
	struct unw_packing p;
	uint32_t got = 0;

	if (unw_pack_measure(t, &p))
		return;
	unw_pack(t, &p, 7, &rules, no_words, &got);
	assert_int_equal(got, p.nwords);
	if (rules.cnt > UNW_RULES_MAX - 4096)
		unw_rules_free(&rules);
}

/* Damages a file for as long as it is told to. */
struct vandal {
	int fd;
	uint64_t rnd;
	off_t size;
	bool stop;
};

static void *vandal(void *arg)
{
	struct vandal *v = arg;

	while (!__atomic_load_n(&v->stop, __ATOMIC_ACQUIRE)) {
		off_t at = (off_t)(rnd(&v->rnd) % (uint64_t)v->size);
		uint64_t bytes = rnd(&v->rnd);

		if (upto(&v->rnd, 2))
			(void)!ftruncate(v->fd, at);
		else
			(void)!pwrite(v->fd, &bytes, 8, at);
		if (!upto(&v->rnd, 4))
			(void)!ftruncate(v->fd, v->size);
	}
	return NULL;
}

static int read_file(struct unwind_table *t, const struct strbuf *b, bool changing, uint64_t *r,
		     struct strbuf *why)
{
	struct vandal v = { .fd = memfd_create("fuzz", MFD_CLOEXEC), .rnd = rnd(r) | 1 };
	pthread_t thread;
	int err;

	assert_true(v.fd >= 0);
	assert_int_equal(write(v.fd, b->buf, b->len), b->len);
	v.size = (off_t)b->len + 1;
	if (changing)
		assert_int_equal(pthread_create(&thread, NULL, vandal, &v), 0);
	err = unwind_table_read(t, v.fd, why);
	if (changing) {
		__atomic_store_n(&v.stop, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
	}
	close(v.fd);
	return err;
}

struct tally {
	uint64_t at, tables, rows, errors;
	double worst; /* seconds */
};

static double cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void one_input(uint64_t number, struct strbuf *b, struct strbuf *why, struct tally *tally)
{
	uint64_t r = (number + 1) * 0x9e3779b97f4a7c15ull;
	struct unwind_table t;
	double begin;
	int err, how;

	rnd(&r);
	strbuf_reset(b);
	how = (int)upto(&r, 10);
	if (how < MADE) {
		make_file(b, &r);
	} else if (how < MADE + MADE_GO) {
		make_go(b, &r);
	} else {
		const struct strbuf *s = &seed_file[upto(&r, (uint32_t)nseed)];

		strbuf_add(b, s->buf, s->len);
	}
	damage(b, &r);
	how = (int)upto(&r, 32);
	strbuf_reset(why);
	begin = cpu_time();
	if (how < 2) {
		err = read_file(&t, b, how == 0, &r, why);
	} else {
		/* of exactly its size, so that a byte too many is seen */
		char *exact = xmalloc(b->len ? b->len : 1);

		memcpy(exact, b->buf, b->len);
		err = unwind_table_image(&t, exact, b->len, why);
		free(exact);
	}
	begin = cpu_time() - begin;
	tally->worst = begin > tally->worst ? begin : tally->worst;
	assert_true(begin < SECONDS_MAX);
	if (err) {
		assert_true(err < 0 && why->len && !t.nrow);
		tally->errors++;
	} else {
		table_is_sound(&t);
		tally->tables++;
		tally->rows += t.nrow;
		pack(&t);
	}
	unwind_table_free(&t);
}

static uint64_t from_env(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 10) : otherwise;
}

static void damaged(void **state)
{
	uint64_t from = from_env("CTRACE_FUZZ_FROM", 0), i;
	uint64_t n = from_env("CTRACE_FUZZ_N", 3000);
	struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct strbuf b = STRBUF_INIT, why = STRBUF_INIT;
	struct rusage usage;
	int status;
	pid_t pid;

	(void)state;
	assert_true(tally != MAP_FAILED);
	add_seeds();
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		for (i = from; i < from + n; i++) {
			tally->at = i;
			alarm(60); /* ends what hangs */
			one_input(i, &b, &why, tally);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	getrusage(RUSAGE_CHILDREN, &usage);
	print_message("%llu inputs: %llu tables with %llu rows, %llu errors; worst %.1f ms, "
		      "%ld MiB\n",
		      (unsigned long long)n, (unsigned long long)tally->tables,
		      (unsigned long long)tally->rows, (unsigned long long)tally->errors,
		      tally->worst * 1e3, usage.ru_maxrss / 1024);
	if (status)
		fail_msg("input %llu: status %#x", (unsigned long long)tally->at, status);
	if (n >= 1000) /* the inputs are of a kind that can be read at all */
		assert_true(tally->tables > n / 4 && tally->errors > n / 50);
	while (nseed)
		strbuf_free(&seed_file[--nseed]);
	strbuf_free(&b);
	strbuf_free(&why);
	munmap(tally, sizeof(*tally));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
