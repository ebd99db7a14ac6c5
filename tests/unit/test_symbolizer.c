// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames to functions through the process that reads files: the cache, what is answered without a
 * name, and what happens when that process dies, hangs, or is given up.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "programs.h"
#include "symbol/symbolizer.h"
#include "util/clock.h"

enum { GOOD = 1, CRASHES = 2, HANGS = 3, NOT_ELF = 4, JIT = 5, STRIPPED = 6, VDSO = 7 };

static void misbehave(uint32_t module, uint64_t addr)
{
	(void)addr;
	if (module == CRASHES) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	while (module == HANGS)
		pause();
}

static struct symbolizer *new_symbolizer(unsigned timeout_ms)
{
	struct symbolizer *s = symbolizer__new_with(
		&(struct symbolizer_opts){ .timeout_ms = timeout_ms, .hook = misbehave });

	assert_non_null(s);
	return s;
}

static int compile(void **state)
{
	if (make_dir(state))
		return -1;
	put_file("prog.c", inlined_c);
	sh("gcc -g -O2 -o prog prog.c && strip -o stripped prog");
	put_file("text", "no program at all\n");
	return 0;
}

static void get_build_id(struct sym_module *m, const char *name)
{
	FILE *f = ask("readelf -n %s | sed -n 's/.*Build ID: //p'", name);

	for (m->nbuild = 0; fscanf(f, "%2hhx", &m->build_id[m->nbuild]) == 1; m->nbuild++)
		;
	pclose(f);
	assert_int_equal(m->nbuild, 20);
}

static void add_file(struct symbolizer *s, uint32_t module, const char *name)
{
	struct strbuf path = STRBUF_INIT;
	struct sym_module m = { .module = module, .type = EV_MODULE_FILE, .root_fd = -1 };

	strbuf_addf(&path, "%s/%s", dir, name);
	m.fd = open_file(name);
	m.path = path.buf;
	symbolizer__add(s, &m);
	strbuf_free(&path);
}

static const struct sym_frame *first(struct symbolizer *s, uint32_t module, uint64_t addr)
{
	const struct sym_frame *f;

	assert_true(symbolizer__resolve(s, EV_FRAME(module, addr), &f) >= 1);
	assert_true(f[0].serial > 0);
	return f;
}

static void keep_sentence(void *ctx, const char *sentence)
{
	strbuf_addf(ctx, "%s\n", sentence);
}

static void check_trouble(struct symbolizer *s, const char *want)
{
	struct strbuf all = STRBUF_INIT;

	symbolizer__troubles(s, keep_sentence, &all);
	if (want ? !strstr(all.buf, want) : all.len != 0)
		fail_msg("troubles: %s", all.buf);
	strbuf_free(&all);
}

static void names(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	uint64_t high = address_of("prog", "high");
	const struct sym_frame *f, *again;

	(void)state;
	add_file(s, GOOD, "prog");
	f = first(s, GOOD, high);
	assert_string_equal(f->func, "high");
	assert_non_null(strstr(f->file, "/prog.c"));
	assert_int_equal(f->line, 14);
	again = first(s, GOOD, high);
	assert_ptr_equal(f, again);
	f = first(s, GOOD, 0x10);
	assert_string_equal(f->func, "prog+0x10");
	assert_non_null(strstr(f->file, "/prog"));
	assert_int_equal(f->line, 0);
	check_trouble(s, NULL);
	symbolizer__free(s);
}

static void without_module(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	const struct sym_frame *f;

	(void)state;
	assert_string_equal(first(s, 0, 0x1234)->func, "0x1234");
	assert_string_equal(first(s, 0, 0)->func, "0x0");
	assert_string_equal(first(s, 77, 0x1234)->func, "0x1234");
	f = first(s, EV_MODULE_MAX, 0x7fff12345678);
	assert_string_equal(f->func, "0x7fff12345678");
	assert_string_equal(f->file, "");
	assert_int_equal(symbolizer__resolve(s, UINT64_MAX, &f), 1);
	assert_string_equal(f->func, "0xffffffffffff");
	symbolizer__free(s);
}

static void prefetched(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	uint64_t frame[9000], high = address_of("prog", "high");
	const struct sym_frame *f;
	size_t i;

	(void)state;
	add_file(s, GOOD, "prog");
	add_file(s, STRIPPED, "stripped");
	for (i = 0; i < COUNT(frame); i++)
		frame[i] = EV_FRAME(i % 3 ? GOOD : STRIPPED, high - 4000 + i);
	symbolizer__prefetch(s, frame, COUNT(frame));
	symbolizer__give_up(s); /* what is known stays known */
	assert_int_equal(symbolizer__resolve(s, EV_FRAME(GOOD, high), &f), 1);
	assert_string_equal(f->func, "high");
	assert_string_equal(first(s, GOOD, 0x999999)->func, "prog+0x999999");
	symbolizer__free(s);
}

static void serials(void **state)
{
	struct symbolizer *s = symbolizer__new_with(
		&(struct symbolizer_opts){ .frames_max = 3, .hook = misbehave });
	uint64_t high = address_of("prog", "high");
	uint32_t a, b, before;

	(void)state;
	assert_non_null(s);
	add_file(s, GOOD, "prog");
	a = first(s, GOOD, high)->serial;
	b = first(s, GOOD, 0x10)->serial;
	assert_int_not_equal(a, b);
	assert_int_equal(first(s, GOOD, high)->serial, a);
	assert_int_equal(first(s, GOOD, high + 1)->serial, a); /* the same line */
	symbolizer__forget(s);
	assert_int_equal(first(s, GOOD, high)->serial, a); /* there was room */
	before = first(s, GOOD, 0x11)->serial;
	symbolizer__forget(s);
	assert_true(first(s, GOOD, high)->serial > before);
	assert_string_equal(first(s, GOOD, high)->func, "high");
	symbolizer__free(s);
}

static void replaced(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	uint64_t high = address_of("prog", "high");

	(void)state;
	add_file(s, GOOD, "stripped");
	assert_non_null(strstr(first(s, GOOD, high)->func, "stripped+0x"));
	add_file(s, GOOD, "prog");
	assert_string_equal(first(s, GOOD, high)->func, "high");
	symbolizer__free(s);
}

static void a_file_that_kills(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	uint64_t high = address_of("prog", "high");

	(void)state;
	add_file(s, GOOD, "prog");
	add_file(s, CRASHES, "prog");
	assert_string_equal(first(s, GOOD, high)->func, "high");
	assert_non_null(strstr(first(s, CRASHES, high)->func, "prog+0x"));
	check_trouble(s, "signal 11");
	assert_string_equal(first(s, GOOD, high + 1)->func, "high");
	assert_non_null(strstr(first(s, CRASHES, high + 1)->func, "prog+0x"));
	symbolizer__free(s);
}

static void a_file_that_hangs(void **state)
{
	struct symbolizer *s = new_symbolizer(300);
	uint64_t high = address_of("prog", "high"), begin;

	(void)state;
	add_file(s, GOOD, "prog");
	add_file(s, HANGS, "prog");
	begin = clock_ns(CLOCK_MONOTONIC);
	assert_non_null(strstr(first(s, HANGS, high)->func, "prog+0x"));
	assert_true(clock_ns(CLOCK_MONOTONIC) - begin >= 300000000);
	check_trouble(s, "more than 0.3 s");
	begin = clock_ns(CLOCK_MONOTONIC);
	assert_non_null(strstr(first(s, HANGS, high + 1)->func, "prog+0x"));
	assert_true(clock_ns(CLOCK_MONOTONIC) - begin < 300000000); /* not asked again */
	symbolizer__free(s);
}

static void *give_up_soon(void *arg)
{
	struct timespec soon = { .tv_nsec = 100000000 };

	nanosleep(&soon, NULL);
	symbolizer__give_up(arg);
	return NULL;
}

static void given_up(void **state)
{
	struct symbolizer *s = new_symbolizer(60000);
	uint64_t high = address_of("prog", "high"), begin = clock_ns(CLOCK_MONOTONIC);
	pthread_t t;

	(void)state;
	add_file(s, HANGS, "prog");
	add_file(s, GOOD, "prog");
	assert_int_equal(pthread_create(&t, NULL, give_up_soon, s), 0);
	assert_non_null(strstr(first(s, HANGS, high)->func, "prog+0x"));
	assert_true(clock_ns(CLOCK_MONOTONIC) - begin < 30000000000);
	pthread_join(t, NULL);
	assert_non_null(strstr(first(s, GOOD, high)->func, "prog+0x"));
	check_trouble(s, NULL);
	symbolizer__free(s);
}

/* Modules come from one thread while another one asks. */
static void *add_many(void *arg)
{
	uint32_t i;

	for (i = 0; i < 300; i++)
		add_file(arg, 100 + i % 50, i % 3 ? "prog" : "stripped");
	return NULL;
}

static void two_threads(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	uint64_t high = address_of("prog", "high");
	const char *name;
	pthread_t t;
	uint32_t i;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, add_many, s), 0);
	for (i = 0; i < 1000; i++) {
		name = first(s, 100 + i % 50, high)->func;
		assert_true(!strcmp(name, "high") || !strncmp(name, "stripped+0x", 11) ||
			    !strncmp(name, "0x", 2));
		symbolizer__forget(s);
	}
	pthread_join(t, NULL);
	for (i = 0; i < 50; i++) {
		name = first(s, 100 + i, high)->func;
		assert_true(!strcmp(name, (250 + i) % 3 ? "high" : name));
		assert_true((250 + i) % 3 || !strncmp(name, "stripped+0x", 11));
	}
	check_trouble(s, NULL);
	symbolizer__free(s);
}

static void no_elf(void **state)
{
	struct symbolizer *s = new_symbolizer(0);

	(void)state;
	add_file(s, NOT_ELF, "text");
	assert_string_equal(first(s, NOT_ELF, 0x20)->func, "text+0x20");
	check_trouble(s, "not an ELF file");
	symbolizer__free(s);
}

/* A file that is cut off while it is read: its names may go, no others. */
static void cut_off(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	uint64_t high = address_of("prog", "high");
	const char *name;
	size_t i;

	(void)state;
	assert_int_equal(sh("cp prog short"), 0);
	add_file(s, GOOD, "prog");
	add_file(s, STRIPPED, "short");
	assert_string_equal(first(s, STRIPPED, high)->func, "high");
	assert_int_equal(sh("truncate -s 100 short"), 0);
	for (i = 0; i < 200; i++) {
		name = first(s, STRIPPED, high - 100 + i)->func;
		assert_true(*name);
	}
	assert_string_equal(first(s, GOOD, high)->func, "high");
	/* replaced under its name: the one that was mapped counts */
	assert_int_equal(sh("cp prog old"), 0);
	add_file(s, STRIPPED, "old");
	assert_int_equal(sh("cp stripped new && mv new old"), 0);
	assert_string_equal(first(s, STRIPPED, high)->func, "high");
	symbolizer__free(s);
}

/* The file is found by its path when no descriptor came, if its build-id tells that it is the same
 * one. */
static void by_path(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	struct strbuf path = STRBUF_INIT;
	uint64_t high = address_of("prog", "high");
	struct sym_module m = { .module = GOOD, .type = EV_MODULE_FILE, .fd = -1, .root_fd = -1 };

	(void)state;
	strbuf_addf(&path, "%s/prog", dir);
	m.path = path.buf;
	get_build_id(&m, "prog");
	symbolizer__add(s, &m);
	assert_string_equal(first(s, GOOD, high)->func, "high");
	check_trouble(s, NULL);
	m.build_id[0] ^= 1;
	symbolizer__add(s, &m);
	assert_non_null(strstr(first(s, GOOD, high)->func, "prog+0x"));
	check_trouble(s, "another file");
	/* under another root */
	m.build_id[0] ^= 1;
	m.path = "/prog";
	m.root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	symbolizer__add(s, &m);
	assert_string_equal(first(s, GOOD, high)->func, "high");
	/* nothing tells that it is the same one */
	m.nbuild = 0;
	m.root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	symbolizer__add(s, &m);
	assert_non_null(strstr(first(s, GOOD, high)->func, "prog+0x"));
	check_trouble(s, "/prog: it cannot be opened, and nothing tells whether the file of that "
			 "name is the same");
	strbuf_free(&path);
	symbolizer__free(s);
}

static void jit(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	struct sym_module m = {
		.module = JIT, .type = EV_MODULE_JIT, .ns_pid = 42, .fd = -1, .path = "[jit]"
	};

	(void)state;
	assert_int_equal(sh("mkdir -p tmp"), 0);
	m.root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	symbolizer__add(s, &m);
	assert_string_equal(first(s, JIT, 0x7f0000001004)->func, "[jit]+0x7f0000001004");
	put_file("tmp/perf-42.map", "7f0000001000 10 Lnet/Hello;::world\n");
	/* once a second */
	assert_string_equal(first(s, JIT, 0x7f0000001004)->func, "[jit]+0x7f0000001004");
	nanosleep(&(struct timespec){ 1, 100000000 }, NULL);
	assert_string_equal(first(s, JIT, 0x7f0000001004)->func, "Lnet/Hello;::world");
	symbolizer__free(s);
}

/* The name of an address in what user `owner` wrote for a process of `pid`. */
static void check_owner(pid_t pid, const char *file, unsigned owner, const char *want)
{
	struct symbolizer *s = new_symbolizer(0);
	struct sym_module m = { .module = JIT,
				.type = EV_MODULE_JIT,
				.pid = (uint32_t)pid,
				.ns_pid = 43,
				.fd = -1,
				.path = "[jit]" };
	char text[128];

	if (strstr(file, ".dump"))
		m.fd = open_file(file);
	m.root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sh("chown %u %s", owner, file), 0);
	symbolizer__add(s, &m);
	if (want) {
		assert_string_equal(first(s, JIT, 0x1004)->func, want);
		check_trouble(s, NULL);
	} else {
		assert_string_equal(first(s, JIT, 0x1004)->func, "[jit]+0x1004");
		snprintf(text, sizeof(text), " belongs to user %u, neither to ", owner);
		check_trouble(s, text);
	}
	symbolizer__free(s);
}

/* A jitdump with one function. */
static void put_dump(const char *file, uint64_t addr, const char *func)
{
	uint32_t head[10] = { 0x4a695444, 1, sizeof(head), 62, 0, 43 };
	uint32_t load[14] = { 0 };
	size_t n = strlen(func) + 1;
	uint64_t size = 16;
	char bytes[256] = "";

	load[1] = (uint32_t)(sizeof(load) + n + size);
	memcpy(&load[6], &addr, sizeof(addr));
	memcpy(&load[8], &addr, sizeof(addr));
	memcpy(&load[10], &size, sizeof(size));
	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + sizeof(head), load, sizeof(load));
	memcpy(bytes + sizeof(head) + sizeof(load), func, n);
	put_bytes(file, bytes, sizeof(head) + load[1]);
}

/* What JIT compilers write lies where everybody may write. */
static void jit_of_whom(void **state)
{
	static const char map[] = "tmp/perf-43.map", dump[] = "jit-43.dump";
	pid_t other;
	int status;

	(void)state;
	if (geteuid())
		skip(); /* cannot give files away */
	assert_int_equal(sh("mkdir -p tmp && chmod 755 ."), 0);
	put_file(map, "1000 10 mapped\n");
	put_dump(dump, 0x1000, "dumped");
	other = fork();
	if (!other) {
		/* the signal is for when the test fails; setresuid() takes it away */
		if (setresuid(65534, 65534, 65534) || prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(other, &status, WUNTRACED), other);
	assert_true(WIFSTOPPED(status));
	check_owner(other, map, 65534, "mapped");
	check_owner(other, map, 0, "mapped");
	check_owner(other, map, 65533, NULL);
	check_owner(getpid(), map, 65534, NULL);
	check_owner(0, map, 65534, NULL); /* whose process it is, is not known: ours */
	assert_int_equal(sh("rm %s", map), 0);
	check_owner(other, dump, 65534, "dumped");
	check_owner(other, dump, 0, "dumped");
	check_owner(other, dump, 65533, NULL);
	/* a pipe is not waited for, nor read */
	assert_int_equal(sh("mkfifo %s", map), 0);
	check_owner(other, dump, 0, "dumped");
	assert_int_equal(sh("rm %s", map), 0);
	kill(other, SIGKILL);
	waitpid(other, &status, 0);
}

/* A daemon that begins as root and goes on as somebody else, who writes the map. */
static void jit_of_whom_later(void **state)
{
	static const char map[] = "tmp/perf-43.map";
	struct sym_module m = {
		.module = JIT, .type = EV_MODULE_JIT, .ns_pid = 43, .fd = -1, .path = "[jit]"
	};
	struct timespec pause_ns = { .tv_nsec = 10000000 };
	struct symbolizer *s = new_symbolizer(0);
	int status, i;
	pid_t other;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(sh("mkdir -p tmp && chmod 755 . && rm -f %s", map), 0);
	put_file(map, "1000 10 mapped\n");
	assert_int_equal(sh("chown 65534 %s", map), 0);
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		raise(SIGSTOP);
		if (setresuid(65534, 65534, 65534) || prctl(PR_SET_PDEATHSIG, SIGKILL))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(other, &status, WUNTRACED), other);
	m.pid = (uint32_t)other;
	m.root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	symbolizer__add(s, &m);
	assert_string_equal(first(s, JIT, 0x1004)->func, "[jit]+0x1004");
	kill(other, SIGCONT);
	assert_int_equal(waitpid(other, &status, WUNTRACED), other);
	assert_true(WIFSTOPPED(status));
	/* a frame without a name is asked about again after a while */
	for (i = 0; i < 1000 && strcmp(first(s, JIT, 0x1004)->func, "mapped") != 0; i++)
		nanosleep(&pause_ns, NULL);
	assert_string_equal(first(s, JIT, 0x1004)->func, "mapped");
	kill(other, SIGKILL);
	waitpid(other, &status, 0);
	symbolizer__free(s);
	assert_int_equal(sh("rm %s", map), 0);
}

/* Where this process has the kernel's code. */
static bool vdso_range(uint64_t *from, uint64_t *to)
{
	FILE *f = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[512];

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "[vdso]") &&
			sscanf(line, "%" SCNx64 "-%" SCNx64, from, to) == 2;
	fclose(f);
	return found;
}

static void vdso(void **state)
{
	struct symbolizer *s = new_symbolizer(0);
	struct sym_module m = {
		.module = VDSO, .type = EV_MODULE_VDSO, .fd = -1, .root_fd = -1, .path = "[vdso]"
	};
	uint64_t from, to, addr;
	const char *name;
	FILE *f;

	(void)state;
	if (!vdso_range(&from, &to))
		skip();
	m.image = (const void *)(uintptr_t)from;
	m.image_size = to - from;
	symbolizer__add(s, &m);
	put_bytes("vdso", m.image, m.image_size);
	f = ask("nm -D vdso | grep __vdso_clock_gettime");
	assert_int_equal(fscanf(f, "%" SCNx64, &addr), 1);
	pclose(f);
	name = first(s, VDSO, addr + 1)->func;
	assert_true(!strcmp(name, "clock_gettime") || !strcmp(name, "__vdso_clock_gettime"));
	assert_string_equal(first(s, VDSO, 0x40)->func, "[vdso]+0x40");
	check_trouble(s, NULL);
	symbolizer__free(s);
}

/* ---- the processes behind ---- */

static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%d", &child) != 1)
			child = 0;
		fclose(f);
	}
	return child;
}

/* A line of /proc/PID/status, behind its name. */
static void status_of(pid_t pid, const char *key, char *out, size_t len)
{
	char path[64], line[256];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			snprintf(out, len, "%s", line + strlen(key) + 2);
	fclose(f);
}

static size_t count_fds(pid_t pid)
{
	FILE *f = ask("ls /proc/%d/fd | wc -l", pid);
	size_t n = 0;

	assert_int_equal(fscanf(f, "%zu", &n), 1);
	pclose(f);
	return n;
}

static void no_privilege(void **state)
{
	bool root = !geteuid();
	struct symbolizer *s;
	char text[256];
	pid_t pid[2];
	size_t i;

	(void)state;
	if (root) {
		setenv("SUDO_UID", "65534", 1);
		setenv("SUDO_GID", "65533", 1);
	}
	s = new_symbolizer(0);
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	add_file(s, GOOD, "prog");
	first(s, GOOD, 0x1000);
	pid[0] = child_of(getpid());
	pid[1] = child_of(pid[0]);
	assert_true(pid[0] > 0 && pid[1] > 0);
	for (i = 0; i < 2; i++) {
		status_of(pid[i], "CapEff", text, sizeof(text));
		assert_string_equal(text, "0000000000000000\n");
		status_of(pid[i], "CapPrm", text, sizeof(text));
		assert_string_equal(text, "0000000000000000\n");
		status_of(pid[i], "NoNewPrivs", text, sizeof(text));
		assert_string_equal(text, "1\n");
		if (root) {
			status_of(pid[i], "Uid", text, sizeof(text));
			assert_string_equal(text, "65534\t65534\t65534\t65534\n");
			status_of(pid[i], "Gid", text, sizeof(text));
			assert_string_equal(text, "65533\t65533\t65533\t65533\n");
		}
	}
	if (root) {
		assert_int_equal(count_fds(pid[0]), 4); /* 0 to 2, and the socket */
		/* … and a file in two descriptors, or three while it is read */
		assert_true(count_fds(pid[1]) <= 7);
	}
	symbolizer__free(s);
	assert_int_equal(kill(pid[0], 0), -1);
}

static bool gone(pid_t pid)
{
	struct timespec pause_ns = { .tv_nsec = 10000000 };
	char state[256];
	int i;

	for (i = 0; i < 1000; i++) {
		if (kill(pid, 0))
			return true;
		status_of(pid, "State", state, sizeof(state));
		if (state[0] == 'Z') /* whoever inherited it is slow */
			return true;
		nanosleep(&pause_ns, NULL);
	}
	return false;
}

/* The program is killed while a file hangs: no process is left behind. */
static void parent_killed(void **state)
{
	pid_t pid = fork(), zygote = 0, worker = 0;
	struct timespec pause_ns = { .tv_nsec = 10000000 };
	int i, status;

	(void)state;
	if (!pid) {
		struct symbolizer *s = new_symbolizer(60000);

		add_file(s, HANGS, "prog");
		first(s, HANGS, 0x1000);
		_exit(1);
	}
	for (i = 0; i < 1000 && !worker; i++) {
		nanosleep(&pause_ns, NULL);
		zygote = child_of(pid);
		worker = zygote ? child_of(zygote) : 0;
	}
	assert_true(worker > 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(gone(zygote));
	assert_true(gone(worker));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(without_module),
		cmocka_unit_test(prefetched),
		cmocka_unit_test(serials),
		cmocka_unit_test(replaced),
		cmocka_unit_test(a_file_that_kills),
		cmocka_unit_test(a_file_that_hangs),
		cmocka_unit_test(given_up),
		cmocka_unit_test(two_threads),
		cmocka_unit_test(no_elf),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(by_path),
		cmocka_unit_test(jit),
		cmocka_unit_test(jit_of_whom),
		cmocka_unit_test(jit_of_whom_later),
		cmocka_unit_test(vdso),
		cmocka_unit_test(no_privilege),
		cmocka_unit_test(parent_killed),
	};

	return cmocka_run_group_tests_name("symbolizer", tests, compile, remove_dir);
}
