/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an ELF file says of the language or the runtime that it is of. A descriptor in, facts out;
 * what is not certain is not told. Nothing in the file is trusted.
 */
#ifndef CTRACE_GOPS_FACTS_H
#define CTRACE_GOPS_FACTS_H

#include <stdbool.h>

#define FACTS_VERSION_MAX 48

/* Interpreters that a file holds, by functions that it offers to others. */
enum facts_holds {
	FACTS_PYTHON = 1,
	FACTS_RUBY = 2,
	FACTS_PERL = 4,
	FACTS_NODE = 8,
};

struct facts {
	bool elf;
	char go[FACTS_VERSION_MAX]; /* "go1.26.1", as the toolchain calls itself; "" no Go program */
	char rust[FACTS_VERSION_MAX]; /* "1.63.0"; "" none */
	char node[FACTS_VERSION_MAX]; /* "20.11.0", of nodejs.org's builds; "" not told */
	bool cxx;		      /* needs libstdc++ or libc++ */
	unsigned holds;		      /* enum facts_holds */
};

/* fd stays open. */
void facts_read(struct facts *f, int fd);

/* Has it markers of ctrace.h, or is it a Go program with tasks, regions or logs? */
bool facts_marked(int fd);

#endif
