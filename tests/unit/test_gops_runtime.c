// SPDX-License-Identifier: BSD-2-Clause
/* What a program runs on: told by made files of each kind, and by living processes. */
#include "bpf/event.h" /* before <elf.h>, which has an EV_NONE too */

#include "unwind_make.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "gops/facts.h"
#include "gops/looker.h"
#include "gops/proclist.h"
#include "gops/runtime.h"

static struct facts facts_of(struct elf_make *m)
{
	struct strbuf image = STRBUF_INIT;
	struct facts f;
	int fd = memfd_create("facts", MFD_CLOEXEC);

	elf_write(m, &image);
	assert_int_equal(write(fd, image.buf, image.len), image.len);
	facts_read(&f, fd);
	close(fd);
	strbuf_free(&image);
	return f;
}

/* ---- Go ---- */

static void info_head(struct strbuf *s, uint8_t ptr_size, uint8_t flags)
{
	strbuf_add(s, "\xff Go buildinf:", 14);
	strbuf_addch(s, (char)ptr_size);
	strbuf_addch(s, (char)flags);
}

static struct facts go_of(const struct strbuf *info)
{
	struct elf_make m = { 0 };

	elf_add(&m, ".go.buildinfo", info->buf, info->len, SHF_ALLOC | SHF_WRITE);
	return facts_of(&m);
}

static struct facts go_inline(const char *version)
{
	struct strbuf s = STRBUF_INIT;
	struct facts f;

	info_head(&s, 8, 2);
	while (s.len < 32)
		strbuf_addch(&s, 0);
	strbuf_addch(&s, (char)strlen(version));
	strbuf_addstr(&s, version);
	f = go_of(&s);
	strbuf_free(&s);
	return f;
}

static void go_inside(void **state)
{
	(void)state;
	assert_string_equal(go_inline("go1.22.12").go, "go1.22.12");
	assert_string_equal(go_inline("go1.24.1 X:rangefunc").go, "go1.24.1");
	assert_string_equal(go_inline("devel +b7a85e0003 Tue Mar 1").go, "devel +b7a85e0003");
	assert_string_equal(go_inline("").go, "go");
	assert_string_equal(go_inline("\x1b[2J").go, "go");
}

/* 1.17 and older: two addresses, of a string that is elsewhere. */
static struct facts go_pointing(uint8_t ptr_size, uint64_t text_off, uint64_t len)
{
	static const char text[] = "go1.13.15";
	struct strbuf s = STRBUF_INIT, data = STRBUF_INIT, image = STRBUF_INIT;
	struct facts f;
	unsigned pass;

	/* the addresses are known when it was put together once */
	for (pass = 0; pass < 2; pass++) {
		static uint64_t at[2];
		struct elf_make m = { 0 };

		strbuf_reset(&s);
		strbuf_reset(&data);
		strbuf_reset(&image);
		info_head(&s, ptr_size, 0);
		add_num(&s, pass ? at[1] : 0, 8);
		add_num(&s, 0, 8);
		add_num(&data, pass ? at[1] + 16 + text_off : 0, 8);
		add_num(&data, len, 8);
		strbuf_addstr(&data, text);
		elf_add(&m, ".go.buildinfo", s.buf, s.len, SHF_ALLOC | SHF_WRITE);
		elf_add(&m, ".data", data.buf, data.len, SHF_ALLOC | SHF_WRITE);
		elf_write(&m, &image);
		at[1] = m.at[1];
		if (pass)
			f = facts_of(&m);
	}
	strbuf_free(&s);
	strbuf_free(&data);
	strbuf_free(&image);
	return f;
}

static void go_pointed_at(void **state)
{
	(void)state;
	assert_string_equal(go_pointing(8, 0, 9).go, "go1.13.15");
	assert_string_equal(go_pointing(8, 0, 6).go, "go1.13");
	/* what makes no sense is a Go program all the same */
	assert_string_equal(go_pointing(4, 0, 9).go, "go");
	assert_string_equal(go_pointing(8, 0, 0).go, "go");
	assert_string_equal(go_pointing(8, 0, 100000).go, "go");
	assert_string_equal(go_pointing(8, 1ull << 40, 9).go, "go");
	assert_string_equal(go_pointing(8, 0, UINT64_MAX).go, "go");
}

static void go_cut_off(void **state)
{
	struct strbuf s = STRBUF_INIT;

	(void)state;
	info_head(&s, 8, 0);
	assert_string_equal(go_of(&s).go, "go");
	info_head(&s, 8, 2);
	strbuf_reset(&s);
	info_head(&s, 8, 2);
	while (s.len < 32)
		strbuf_addch(&s, 0);
	strbuf_addch(&s, 100); /* longer than what follows */
	strbuf_addstr(&s, "go1.22");
	assert_string_equal(go_of(&s).go, "go");
	strbuf_free(&s);
}

/* ---- others ---- */

static struct facts with(const char *section, const char *data, size_t size)
{
	struct elf_make m = { 0 };

	elf_add(&m, section, data, size, SHF_ALLOC);
	return facts_of(&m);
}
#define WITH(section, data) with(section, data, sizeof(data))

static void by_section(void **state)
{
	struct facts f;

	(void)state;
	f = WITH(".comment", "GCC: (Debian) 12\0rustc version 1.63.0 (4b91a6ea7 2022-08-08)");
	assert_string_equal(f.rust, "1.63.0");
	assert_true(f.elf);
	assert_string_equal(f.go, "");
	assert_string_equal(WITH(".comment", "rustc version \x1b[2J").rust, "");
	assert_string_equal(WITH(".comment", "GCC: rustc versions").rust, "");
	assert_true(WITH(".dynstr", "\0libstdc++.so.6\0libc.so.6").cxx);
	assert_false(WITH(".dynstr", "\0libc.so.6").cxx);
	assert_false(WITH(".dynstr", "\0notlibstdc++.so.6").cxx);
	assert_int_equal(WITH(".dynstr", "\0Py_Main\0Py_Initialize").holds, FACTS_PYTHON);
	assert_int_equal(WITH(".dynstr", "\0Py_Main\0").holds, 0);
	assert_int_equal(WITH(".dynstr", "\0ruby_init\0ruby_run_node").holds, FACTS_RUBY);
	assert_int_equal(WITH(".dynstr", "\0perl_alloc\0perl_run").holds, FACTS_PERL);
}

#define NODE_URL "https://nodejs.org/download/release/v20.20.2/node-v20.20.2-headers.tar.gz"

/* The text lies where `at` says: also across the pieces in which the section is read. */
static struct facts node_with(size_t at, const char *url)
{
	const size_t size = 3u << 20;
	char *text = xcalloc(1, size);
	struct elf_make m = { 0 };
	struct facts f;

	memcpy(text + at, url, strlen(url));
	elf_add(&m, ".dynstr", "\0node_module_register", 22, SHF_ALLOC);
	elf_add(&m, ".rodata", text, size, SHF_ALLOC);
	f = facts_of(&m);
	free(text);
	return f;
}

static void node(void **state)
{
	size_t at;

	(void)state;
	assert_string_equal(node_with(0, NODE_URL).node, "20.20.2");
	for (at = (1u << 20) - 75; at <= (1u << 20) + 1; at += 4)
		assert_string_equal(node_with(at, NODE_URL).node, "20.20.2");
	assert_string_equal(node_with((3u << 20) - strlen(NODE_URL), NODE_URL).node, "20.20.2");
	assert_string_equal(node_with(100, "/node-v-headers.tar.gz").node, "");
	assert_string_equal(node_with(100, "/node-v1.2/node-v18.1.0-headers.tar.gz").node,
			    "18.1.0");
	assert_string_equal(node_with((3u << 20) - 7, "/node-v").node, "");
	assert_int_equal(node_with(0, "").holds, FACTS_NODE);
}

static void no_elf(void **state)
{
	struct facts f;
	int fd = memfd_create("text", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, "#!/bin/sh\n", 10), 10);
	facts_read(&f, fd);
	assert_false(f.elf);
	assert_false(facts_marked(fd));
	close(fd);
}

static void versions_in_names(void **state)
{
	static const char *const names[][2] = {
		{ "libpython3.11.so.1.0", "3.11" },
		{ "python3.11", "3.11" },
		{ "python3", "3" },
		{ "python", "" },
		{ "libruby-3.1.so.3.1", "3.1" },
		{ "libruby.so.3.1", "3.1" },
		{ "libperl.so.5.36", "5.36" },
		{ "libperl.so", "" },
		{ "8.0.1/libcoreclr.so", "8.0.1" },
		{ "13.1.5/bin", "13.1.5" },
		{ "python3.", "3" },
		{ "", "" },
	};
	char version[FACTS_VERSION_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		runtime_version_in(names[i][0], version);
		assert_string_equal(version, names[i][1]);
	}
}

static void in_words(void **state)
{
	char words[64];

	(void)state;
	runtime_words(RUNTIME_PYTHON, "3.11", words, sizeof(words));
	assert_string_equal(words, "Python 3.11");
	runtime_words(RUNTIME_GO, "go1.22.1", words, sizeof(words));
	assert_string_equal(words, "go1.22.1");
	runtime_words(RUNTIME_PERL, "", words, sizeof(words));
	assert_string_equal(words, "Perl");
	runtime_words(RUNTIME_UNKNOWN, "", words, sizeof(words));
	assert_string_equal(words, "?");
}

/* ---- processes ---- */

static const struct process *find(const struct process_set *set, pid_t pid)
{
	size_t i;

	for (i = 0; i < set->cnt; i++)
		if (set->p[i].pid == (uint32_t)pid)
			return &set->p[i];
	return NULL;
}

static pid_t child(const char *name)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		for (;;)
			pause();
	}
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool is_called(pid_t pid, const char *name)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (f && !fgets(text, sizeof(text), f))
		*text = 0;
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = 0;
	return !strcmp(text, name);
}

/* One, or those of a sanitizer with it. */
static unsigned threads_of(pid_t pid)
{
	unsigned n = 0;
	struct dirent *d;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((d = readdir(dir)))
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void listed(void **state)
{
	struct proclist *pl = proclist__new();
	const struct process *p;
	struct process_set set;
	struct strbuf json = STRBUF_INIT;
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	pid_t pid = child("odd) R \"name"), zombie = fork();
	siginfo_t info;

	(void)state;
	if (!zombie)
		_exit(0);
	waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT);
	while (!is_called(pid, "odd) R \"name"))
		;
	exe[n] = 0;
	assert_non_null(pl);
	assert_int_equal(proclist__read(pl, PROCLIST_BUDGET_ALONE_NS, &set), 0);
	p = find(&set, pid);
	assert_non_null(p);
	assert_string_equal(p->name, "odd) R \"name");
	assert_string_equal(p->path, exe);
	assert_int_equal(p->ppid, getpid());
	assert_int_equal(p->uid, geteuid());
	assert_int_equal(p->threads, threads_of(pid));
	assert_true(p->visible);
	assert_true(p->runtime == RUNTIME_ELF || p->runtime == RUNTIME_CXX);
	assert_true(process_may_be_recorded(p, NULL));
	process_json(&json, p, NULL);
	assert_non_null(strstr(json.buf, "\"name\":\"odd) R \\\"name\""));
	assert_null(find(&set, zombie));
	assert_null(find(&set, getpid()));
	assert_null(find(&set, 2)); /* kthreadd, or none */
	process_set_free(&set);
	strbuf_free(&json);
	end_child(pid);
	waitpid(zombie, NULL, 0);
	proclist__free(pl);
}

static void alone(void **state)
{
	struct proclist *pl = proclist__new();
	struct strbuf command = STRBUF_INIT;
	pid_t pid = child("one");
	struct process p;

	(void)state;
	assert_int_equal(proclist__one(pl, (uint32_t)pid, &p, &command), 0);
	assert_true(command.len > 0);
	assert_non_null(strstr(command.buf, "test_gops_runtime"));
	process_free(&p);
	end_child(pid);
	assert_int_equal(proclist__one(pl, (uint32_t)pid, &p, &command), -ESRCH);
	process_free(&p);
	strbuf_free(&command);
	proclist__free(pl);
}

/* ---- what is mapped ---- */

static char place[TEMP_LEN];

static int place_begin(void **state)
{
	(void)state;
	return temp_dir(place, "runtime");
}

static int take_away(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static int place_end(void **state)
{
	(void)state;
	return nftw(place, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file below the place, with the directories that lead to it. */
static void put(const char *path, const char *text)
{
	char full[512], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", place, path);
	for (slash = strchr(full + strlen(place) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What a child runs on that has mapped this as code. */
static struct runtime_told with_mapped(const char *path)
{
	struct runtimes *r = runtimes__new();
	struct runtime_told told;
	int fd, pair[2];
	char full[512];
	pid_t pid;
	char c;

	snprintf(full, sizeof(full), "%s%s", place, path);
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(full, O_RDONLY);
		if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ||
		    write(pair[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &c, 1), 1);
	close(pair[0]);
	assert_int_equal(runtimes__ask(r, (uint32_t)pid, 1, &told), 0);
	/* once more, by what is remembered */
	assert_int_equal(runtimes__ask(r, (uint32_t)pid, 2, &told), 0);
	end_child(pid);
	runtimes__free(r);
	return told;
}

static void virtual_machines(void **state)
{
	struct runtime_told t;

	(void)state;
	put("/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.11/libcoreclr.so", "x");
	t = with_mapped("/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.11/libcoreclr.so");
	assert_int_equal(t.runtime, RUNTIME_DOTNET);
	assert_string_equal(t.version, "8.0.11");
	put("/app/libcoreclr.so", "x");
	t = with_mapped("/app/libcoreclr.so");
	assert_int_equal(t.runtime, RUNTIME_DOTNET);
	assert_string_equal(t.version, "");
	put("/jdk/lib/server/libjvm.so", "x");
	t = with_mapped("/jdk/lib/server/libjvm.so");
	assert_int_equal(t.runtime, RUNTIME_JVM);
	assert_string_equal(t.version, "");
	put("/jdk/release", "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"21.0.5-ea+3\"\n");
	assert_string_equal(with_mapped("/jdk/lib/server/libjvm.so").version, "21.0.5-ea+3");
	put("/jdk/release", "JAVA_VERSION=\"1.8.0_412\"\n");
	assert_string_equal(with_mapped("/jdk/lib/server/libjvm.so").version, "1.8.0_412");
	put("/jdk/release", "NOT_JAVA_VERSION=\"1\"\n");
	assert_string_equal(with_mapped("/jdk/lib/server/libjvm.so").version, "");
	put("/jdk/release", "JAVA_VERSION=\"\033[2J\"\n");
	assert_string_equal(with_mapped("/jdk/lib/server/libjvm.so").version, "");
	/* Python is there, but this program is no Python */
	put("/lib/libpython3.11.so.1.0", "x");
	t = with_mapped("/lib/libpython3.11.so.1.0");
	assert_true(t.runtime == RUNTIME_ELF || t.runtime == RUNTIME_CXX);
	assert_false(t.marked);
}

/* Nothing that a file says is more than a claim. */
static void damaged(void **state)
{
	static const char text[] = "\0node_module_register\0Py_Main\0Py_Initialize\0libstdc++.so.6";
	static const char comment[] = "rustc version 1.63.0 (x)";
	struct strbuf info = STRBUF_INIT, image = STRBUF_INIT;
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	uint64_t seed = 88172645463325252ull, at;
	struct facts f;
	unsigned i, k;

	(void)state;
	info_head(&info, 8, 0);
	add_num(&info, 0x4000, 8);
	add_num(&info, 0x4000, 8);
	for (i = 0; i < 4000; i++) {
		struct elf_make m = { 0 };

		if (i % 2)
			elf_add(&m, ".go.buildinfo", info.buf, info.len, SHF_ALLOC);
		elf_add(&m, ".dynstr", text, sizeof(text), SHF_ALLOC);
		elf_add(&m, ".comment", comment, sizeof(comment), 0);
		elf_add(&m, ".rodata", NODE_URL, sizeof(NODE_URL), SHF_ALLOC);
		elf_add(&m, ".note.stapsdt", comment, sizeof(comment), 0);
		elf_write(&m, &image);
		for (k = 0; k <= i % 8; k++) {
			/* what the sections hold and their headers, or the file's */
			at = rnd(&seed) % 3 ? image.len - rnd(&seed) % 700 - 1 : rnd(&seed) % 256;
			image.buf[at] = (char)(rnd(&seed) % 4 ? rnd(&seed) : 0xff);
		}
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, image.buf, image.len, 0), image.len);
		facts_read(&f, fd);
		assert_true(strlen(f.go) < sizeof(f.go) && strlen(f.rust) < sizeof(f.rust));
		facts_marked(fd);
	}
	close(fd);
	strbuf_free(&info);
	strbuf_free(&image);
}

/* Who looks is stopped, as a file system that does not answer would do it: the listing comes,
 * without what he would have said, and others are told again later. */
static void held(void **state)
{
	struct looker *l = looker__new();
	struct runtime_told told;
	pid_t pid = child("held");
	uint32_t p, worker = 0;
	siginfo_t info;

	(void)state;
	assert_non_null(l);
	looker__begin(l, 5000000000ull);
	assert_int_equal(looker__ask(l, (uint32_t)pid, 1, &told, NULL), 0);
	for (p = 1; p <= 4194304; p++) /* the other one is our own child */
		if (looker__is(l, p) && waitid(P_PID, p, &info, WEXITED | WNOWAIT | WNOHANG))
			worker = p;
	assert_int_not_equal(worker, 0);
	kill((pid_t)worker, SIGSTOP);
	assert_int_equal(looker__ask(l, (uint32_t)pid, 1, &told, NULL), -ETIMEDOUT);
	assert_int_equal(told.runtime, RUNTIME_UNKNOWN);
	/* it is not asked about again, another one is: also one with that number */
	assert_int_equal(looker__ask(l, (uint32_t)pid, 1, &told, NULL), -ETIMEDOUT);
	assert_int_equal(looker__ask(l, (uint32_t)pid, 2, &told, NULL), 0);
	assert_int_equal(looker__ask(l, (uint32_t)getpid(), 1, &told, NULL), 0);
	looker__begin(l, 0);
	assert_int_equal(looker__ask(l, (uint32_t)getpid(), 1, &told, NULL), -EBUSY);
	end_child(pid);
	looker__free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_inside),
		cmocka_unit_test(go_pointed_at),
		cmocka_unit_test(go_cut_off),
		cmocka_unit_test(by_section),
		cmocka_unit_test(node),
		cmocka_unit_test(no_elf),
		cmocka_unit_test(versions_in_names),
		cmocka_unit_test(in_words),
		cmocka_unit_test(listed),
		cmocka_unit_test(alone),
		cmocka_unit_test(held),
		cmocka_unit_test_setup_teardown(virtual_machines, place_begin, place_end),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
