/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is read of the files of recorded processes. A file system may never answer, and then whoever
 * reads waits in the kernel and cannot be ended: so this is done in a process of its own, and
 * files.h asks it. A question in, an answer out; nothing is kept from one to the next.
 */
#ifndef CTRACE_SPACE_FILEWORK_H
#define CTRACE_SPACE_FILEWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "space/head.h"
#include "space/maps.h"
#include "util/strbuf.h"

struct plan_wishes;

enum filework_what {
	FILEWORK_READ = 1,   /* its head and its unwinding rules */
	FILEWORK_STAT = 2,   /* what tells whether it has changed */
	FILEWORK_PLAN = 3,   /* what is to be probed in it */
	FILEWORK_DUMP = 4,   /* the jitdump that the process has mapped: its descriptor */
	FILEWORK_LOADER = 5, /* the hook for debuggers, when it is the dynamic loader */
};

/* Goes to another process, with the path behind it. */
struct filework_ask {
	uint32_t what;	 /* enum filework_what */
	uint32_t pid;	 /* who maps it */
	uint32_t ns_pid; /* FILEWORK_DUMP: as the process numbers itself */
	bool rows;	 /* FILEWORK_READ: the rules are wanted, too */
	bool calls;	 /* FILEWORK_PLAN: features_probes_call() */
	uint64_t start, end, offset, dev, ino;
};

struct filework_told {
	int err;      /* of the file: it cannot be opened, is no ELF file (-ENOEXEC), or no loader
			 (FILEWORK_LOADER: -ENOENT) */
	int rows_err; /* FILEWORK_READ: of its rules */
	int64_t size, mtime_ns;
	struct elf_head head;
};

struct filework_answer {
	struct filework_told told;
	int fd; /* can be kept (mapped_keep()): the caller's; -1 none */
	/* FILEWORK_READ: the reason of rows_err, with its NUL, then the rows; FILEWORK_PLAN: of
	 * annot/planwire.h; FILEWORK_LOADER, where told.err is 0: a struct loader_hook */
	struct strbuf body;
};

struct filework_ask filework_ask_of(enum filework_what what, uint32_t pid,
				    const struct code_mapping *map);

/* wishes: for FILEWORK_PLAN. The caller closes fd and frees the body. */
void filework_do(const struct filework_ask *ask, const char *path, const struct plan_wishes *wishes,
		 struct filework_answer *out);

struct unwind_table;

/* The rows of an answer, checked: they are not ours. 0 or -errno with the reason in why.
 * unwind_table_free() in both cases. */
int filework_rows(const struct filework_answer *a, struct unwind_table *out, struct strbuf *why);

#endif
