// SPDX-License-Identifier: BSD-2-Clause
/* See runtime.h. */
#include "gops/runtime.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "space/mapped.h"
#include "space/maps.h"
#include "util/xalloc.h"

#define LIBRARIES_MAX 512 /* of one process that are looked at */
#define FILES_MAX 65536	  /* that are remembered */
#define RELEASE_MAX 16384 /* bytes of a JVM's file `release` */

/* ---- names ---- */

static const struct {
	const char *key, *words;
} names[RUNTIME_MAX] = {
	[RUNTIME_UNKNOWN] = { "unknown", "?" },
	[RUNTIME_ELF] = { "elf", "ELF" },
	[RUNTIME_CXX] = { "c++", "C++" },
	[RUNTIME_RUST] = { "rust", "Rust" },
	[RUNTIME_GO] = { "go", "" },
	[RUNTIME_PYTHON] = { "python", "Python" },
	[RUNTIME_JVM] = { "jvm", "JVM" },
	[RUNTIME_NODE] = { "node", "Node" },
	[RUNTIME_RUBY] = { "ruby", "Ruby" },
	[RUNTIME_PERL] = { "perl", "Perl" },
	[RUNTIME_DOTNET] = { "dotnet", ".NET" },
	[RUNTIME_ERLANG] = { "erlang", "Erlang" },
};

const char *runtime_key(enum runtime r)
{
	return names[r].key;
}

void runtime_words(enum runtime r, const char *version, char *buf, size_t sz)
{
	snprintf(buf, sz, "%s%s%s", names[r].words, *names[r].words && *version ? " " : "",
		 version);
}

void runtime_version_in(const char *name, char out[FACTS_VERSION_MAX])
{
	const char *so = strstr(name, ".so"), *at = name;
	size_t n = 0;

	while (*at && !isdigit((unsigned char)*at) && at != so)
		at++;
	if (at == so) /* in front of .so stands nothing: libperl.so.5.36 */
		for (at = so + 3; *at == '.'; at++)
			;
	while (n < FACTS_VERSION_MAX - 1 && (isdigit((unsigned char)at[n]) ||
					     (at[n] == '.' && isdigit((unsigned char)at[n + 1]))))
		n++;
	memcpy(out, at, n);
	out[n] = 0;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* ---- what is remembered of files ---- */

struct known {
	uint64_t dev, ino;
	int64_t size, mtime_ns;
	uint32_t round; /* it was looked at in */
	bool program;	/* facts are there, not only marked */
	bool marked;
	struct facts facts;
};

struct runtimes {
	struct known *k;
	size_t cnt, cap;
	size_t *slot; /* index + 1; 0 none */
	size_t nslot; /* a power of two */
};

struct runtimes *runtimes__new(void)
{
	return xcalloc(1, sizeof(struct runtimes));
}

void runtimes__free(struct runtimes *r)
{
	if (!r)
		return;
	free(r->k);
	free(r->slot);
	free(r);
}

static size_t *slot_of(const struct runtimes *r, uint64_t dev, uint64_t ino)
{
	size_t at = (size_t)((ino * 0x9e3779b97f4a7c15ull) ^ (dev * 0xff51afd7ed558ccdull));

	for (at &= r->nslot - 1;; at = (at + 1) & (r->nslot - 1)) {
		struct known *k = r->slot[at] ? &r->k[r->slot[at] - 1] : NULL;

		if (!k || (k->dev == dev && k->ino == ino))
			return &r->slot[at];
	}
}

static void widen(struct runtimes *r)
{
	size_t i;

	r->nslot = r->nslot ? 2 * r->nslot : 64;
	free(r->slot);
	r->slot = xcalloc(r->nslot, sizeof(*r->slot));
	for (i = 0; i < r->cnt; i++)
		*slot_of(r, r->k[i].dev, r->k[i].ino) = i + 1;
}

/* The file's place, empty where it is new. Good until the next call. */
static struct known *know(struct runtimes *r, uint64_t dev, uint64_t ino)
{
	size_t *slot;

	if (r->cnt >= FILES_MAX) { /* most of them are gone by now */
		free(r->slot);
		r->slot = NULL;
		r->cnt = r->nslot = 0;
	}
	if (4 * (r->cnt + 1) > 3 * r->nslot)
		widen(r);
	slot = slot_of(r, dev, ino);
	if (!*slot) {
		r->k = xgrow(r->k, r->cnt, &r->cap, sizeof(*r->k));
		r->k[r->cnt++] = (struct known){ .dev = dev, .ino = ino, .size = -1 };
		*slot = r->cnt;
	}
	return &r->k[*slot - 1];
}

/* Looks at the file where it is not the one that is known. */
static void look(struct known *k, int fd, const struct stat *st, bool program, uint32_t round)
{
	int64_t mtime = st->st_mtim.tv_sec * 1000000000ll + st->st_mtim.tv_nsec;
	bool same = k->size == st->st_size && k->mtime_ns == mtime;

	if (!same) {
		k->size = st->st_size;
		k->mtime_ns = mtime;
		k->marked = facts_marked(fd);
		k->program = false;
	}
	if (program && !k->program) {
		facts_read(&k->facts, fd);
		k->program = true;
	}
	k->round = round;
}

/* ---- one process ---- */

struct asked {
	struct runtimes *r;
	uint32_t pid, round;
	uint64_t dev, ino; /* of the program, as its mapping has it; 0 not seen */
	char exe[PATH_MAX];
	size_t libraries;
	bool marked;
	char jvm[PATH_MAX], dotnet[PATH_MAX]; /* paths of the libraries; "" none */
	char python[FACTS_VERSION_MAX], ruby[FACTS_VERSION_MAX], perl[FACTS_VERSION_MAX];
	bool has_python, has_ruby, has_perl, has_node;
};

static bool take_name(const char *base, const char *prefix, bool *has, char *version)
{
	if (!begins(base, prefix))
		return false;
	*has = true;
	if (!*version)
		runtime_version_in(base, version);
	return true;
}

static void take_library(struct asked *a, const char *path)
{
	const char *base = base_of(path);
	char none[FACTS_VERSION_MAX] = "";

	if (!strcmp(base, "libjvm.so"))
		snprintf(a->jvm, sizeof(a->jvm), "%s", path);
	else if (!strcmp(base, "libcoreclr.so"))
		snprintf(a->dotnet, sizeof(a->dotnet), "%s", path);
	else if (!take_name(base, "libpython", &a->has_python, a->python) &&
		 !take_name(base, "libruby", &a->has_ruby, a->ruby) &&
		 !take_name(base, "libperl.so", &a->has_perl, a->perl))
		take_name(base, "libnode.so", &a->has_node, none);
}

static void look_at_library(struct asked *a, const struct code_mapping *m)
{
	struct known *k = know(a->r, m->dev, m->ino);
	struct stat st;
	int fd;

	if (k->round != a->round) {
		fd = mapped_open(a->pid, m);
		if (fd >= 0 && !fstat(fd, &st))
			look(k, fd, &st, false, a->round);
		else
			k->round = a->round;
		if (fd >= 0)
			close(fd);
	}
	a->marked = a->marked || k->marked;
}

static void take_mapping(void *ctx, const struct code_mapping *m)
{
	struct asked *a = ctx;

	if (!m->ino || *m->path != '/' || a->libraries++ >= LIBRARIES_MAX)
		return;
	take_library(a, m->path);
	look_at_library(a, m);
}

/* JAVA_VERSION="17.0.12" in the file `release` of the JVM, as the process sees it. path: of its
 * …/lib/server/libjvm.so, or …/jre/lib/amd64/server/libjvm.so. */
static void read_release(const struct asked *a, char out[FACTS_VERSION_MAX])
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	static const char key[] = "JAVA_VERSION=\"";
	char root[64], path[PATH_MAX], text[RELEASE_MAX], *slash;
	int root_fd, fd = -1, up;
	struct stat st;
	const char *at;
	ssize_t n = -1;

	snprintf(root, sizeof(root), "/proc/%u/root", a->pid);
	root_fd = open(root, O_PATH | O_CLOEXEC | O_DIRECTORY);
	snprintf(path, sizeof(path), "%s", a->jvm);
	for (up = 0; up < 6 && n < 0 && root_fd >= 0 && (slash = strrchr(path, '/')); up++) {
		if ((size_t)(slash - path) + sizeof("/release") > sizeof(path))
			break;
		strcpy(slash, "/release");
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
			n = pread(fd, text, sizeof(text) - 1, 0);
		if (fd >= 0)
			close(fd);
		*slash = 0;
	}
	if (root_fd >= 0)
		close(root_fd);
	text[n > 0 ? n : 0] = 0;
	at = strstr(text, key);
	if (!at || (at != text && at[-1] != '\n'))
		return;
	at += sizeof(key) - 1;
	for (n = 0; n < FACTS_VERSION_MAX - 1 &&
		    (isalnum((unsigned char)at[n]) || (at[n] && strchr("._+-", at[n])));
	     n++)
		out[n] = at[n];
	out[n] = 0;
}

/* "8.0.1" of …/Microsoft.NETCore.App/8.0.1/libcoreclr.so, "13.1.5" of …/erts-13.1.5/bin/beam.smp */
static void version_of_directory(const char *path, const char *before, char out[FACTS_VERSION_MAX])
{
	const char *at = strstr(path, before);

	if (at)
		runtime_version_in(at + strlen(before), out);
}

static void take_version(struct runtime_told *t, const char *library, const char *base)
{
	if (*library)
		snprintf(t->version, sizeof(t->version), "%s", library);
	else
		runtime_version_in(base, t->version);
}

/*
 * A virtual machine is told by its library. An interpreter is one by its program's name and what it
 * holds: a program that merely can run Python, too, is itself.
 */
static bool is_interpreter(const struct asked *a, const struct facts *f, struct runtime_told *t)
{
	const char *base = base_of(a->exe);

	if (begins(base, "python") && (a->has_python || f->holds & FACTS_PYTHON)) {
		t->runtime = RUNTIME_PYTHON;
		take_version(t, a->python, base);
	} else if (begins(base, "ruby") && (a->has_ruby || f->holds & FACTS_RUBY)) {
		t->runtime = RUNTIME_RUBY;
		take_version(t, a->ruby, base);
	} else if (begins(base, "perl") && (a->has_perl || f->holds & FACTS_PERL)) {
		t->runtime = RUNTIME_PERL;
		take_version(t, a->perl, base);
	} else if (begins(base, "node") && (a->has_node || f->holds & FACTS_NODE)) {
		t->runtime = RUNTIME_NODE;
		memcpy(t->version, f->node, sizeof(t->version));
	} else if (begins(base, "beam.") && strstr(a->exe, "/erts-")) {
		t->runtime = RUNTIME_ERLANG;
		version_of_directory(a->exe, "/erts-", t->version);
		if (*t->version) {
			memmove(t->version + 5, t->version, sizeof(t->version) - 5);
			memcpy(t->version, "erts-", 5);
			t->version[sizeof(t->version) - 1] = 0;
		}
	} else {
		return false;
	}
	return true;
}

static void judge(const struct asked *a, const struct facts *f, struct runtime_told *t)
{
	if (*f->go) {
		t->runtime = RUNTIME_GO;
		memcpy(t->version, f->go, sizeof(t->version));
	} else if (*a->jvm) {
		t->runtime = RUNTIME_JVM;
		read_release(a, t->version);
	} else if (*a->dotnet) {
		t->runtime = RUNTIME_DOTNET;
		version_of_directory(a->dotnet, "/Microsoft.NETCore.App/", t->version);
	} else if (is_interpreter(a, f, t)) {
		return;
	} else if (*f->rust) {
		t->runtime = RUNTIME_RUST;
		memcpy(t->version, f->rust, sizeof(t->version));
	} else if (f->elf) {
		t->runtime = f->cxx ? RUNTIME_CXX : RUNTIME_ELF;
	}
}

int runtimes__ask(struct runtimes *r, uint32_t pid, uint32_t round, struct runtime_told *out)
{
	struct asked a = { .r = r, .pid = pid, .round = round };
	struct facts facts;
	struct known *k;
	char path[64];
	struct stat st;
	ssize_t n;
	int fd, err = 0;

	*out = (struct runtime_told){ 0 };
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	n = readlink(path, a.exe, sizeof(a.exe) - 1);
	if (n < 0)
		return -errno;
	a.exe[n] = 0;
	maps_tidy(a.exe);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	/* devices of mappings are numbered by the kernel, this one for programs: they never meet */
	k = know(r, ~(uint64_t)st.st_dev, st.st_ino);
	look(k, fd, &st, true, round);
	close(fd);
	a.marked = k->marked;
	facts = k->facts;
	if (maps_read(pid, take_mapping, &a) == -ESRCH)
		err = -ESRCH;
	judge(&a, &facts, out);
	out->marked = a.marked;
	return err;
}
