/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process runs on: Go, an interpreter, a virtual machine, or nothing but itself. It is told
 * by the program's file and by what the process has mapped; what files say is remembered while they
 * stay as they are.
 *
 * Whoever asks may wait for ever, where a file system does not answer: so gops/looker.h asks.
 */
#ifndef CTRACE_GOPS_RUNTIME_H
#define CTRACE_GOPS_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gops/facts.h"

/* Numbers go to another process, and stay what they are. */
enum runtime {
	RUNTIME_UNKNOWN = 0, /* we must not look, or it is no ELF file of this machine's kind */
	RUNTIME_ELF = 1,     /* nothing else is known: C, most often */
	RUNTIME_CXX = 2,
	RUNTIME_RUST = 3,
	RUNTIME_GO = 4,
	RUNTIME_PYTHON = 5,
	RUNTIME_JVM = 6,
	RUNTIME_NODE = 7,
	RUNTIME_RUBY = 8,
	RUNTIME_PERL = 9,
	RUNTIME_DOTNET = 10,
	RUNTIME_ERLANG = 11,
	RUNTIME_MAX,
};

/* "go", "python", "jvm"; for machines */
const char *runtime_key(enum runtime r);

struct runtime_told {
	enum runtime runtime;
	char version[FACTS_VERSION_MAX]; /* "3.11", "go1.26.1"; "" not told */
	bool marked;			 /* it has markers that a recording listens to by itself */
};

/* "Python 3.11", "go1.26.1" (as Go calls itself), "ELF"; "?" where it is not known. */
void runtime_words(enum runtime r, const char *version, char *buf, size_t sz);

struct runtimes; /* what is remembered */

struct runtimes *runtimes__new(void);
void runtimes__free(struct runtimes *r);

/* round: files that were looked at in it are not looked at again. 0 or -errno: of the program's
 * file. */
int runtimes__ask(struct runtimes *r, uint32_t pid, uint32_t round, struct runtime_told *out);

/* Which version a name tells that begins so: "3.11" of "libpython3.11.so.1.0" and "python3.11",
 * "5.36" of "libperl.so.5.36"; "" none. */
void runtime_version_in(const char *name, char out[FACTS_VERSION_MAX]);

#endif
