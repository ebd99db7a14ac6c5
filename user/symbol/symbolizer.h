/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User frames → functions, files and lines.
 *
 * Files are parsed by a process of its own, which has no privilege and a limited time and memory
 * for each question: a file that makes it crash or hang costs the names of that file and no more.
 * The answers are kept here, by frame, within a bound.
 *
 * A module is added from one thread (the one that finds modules), questions come from another (the
 * one that writes generations); both may be called at the same time.
 */
#ifndef CTRACE_SYMBOL_SYMBOLIZER_H
#define CTRACE_SYMBOL_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "util/sym_frame.h"

struct strbuf;
struct symbolizer;

struct sym_module {
	uint32_t module; /* its number in EV_FRAME() */
	uint8_t type;	 /* enum ev_module_kind */
	uint32_t pid;	 /* EV_MODULE_JIT: whose; what it wrote is believed when it belongs to
			    the user that this process has when it is read, or to root */
	uint32_t ns_pid; /* … as the process numbers itself */
	int fd;	     /* EV_MODULE_FILE: the file, open for reading, or by its name alone (O_PATH):
			then it is opened by who reads it; taken over; -1 none: path is looked for
			under the root, and taken when it has this build-id. EV_MODULE_JIT: the
			jitdump; -1: none */
	int root_fd; /* the root directory of the process, for debug files and perf maps; taken
			over; -1: our own */
	const void *image; /* EV_MODULE_VDSO: copied */
	size_t image_size;
	const char *path; /* as the process sees it; copied */
	uint8_t build_id[32];
	uint8_t nbuild;
};

struct symbolizer_opts {
	unsigned timeout_ms; /* of silence until a file is given up; default 10 s */
	size_t frames_max;   /* remembered frames beyond which symbolizer__forget() does */
	size_t bytes_max;    /* … and bytes */
	/* For tests: called in the process that reads files, before each address. */
	void (*hook)(uint32_t module, uint64_t addr);
};

/* Forks: call before any thread is started, and before privileges are dropped, which it does for
 * the child alone. NULL with errno. */
struct symbolizer *symbolizer__new(void);
struct symbolizer *symbolizer__new_with(const struct symbolizer_opts *o); /* 0: the default */
void symbolizer__free(struct symbolizer *s);				  /* NULL is fine */

/* The process that it forked; workers are that one's children. */
uint32_t symbolizer__pid(const struct symbolizer *s);

/* A module, before its first frame; a number that is there already is replaced. */
void symbolizer__add(struct symbolizer *s, const struct sym_module *m);

/* Nobody asks about this module any more: its file is closed. */
void symbolizer__drop(struct symbolizer *s, uint32_t module);

/*
 * The functions that a user frame stands in, innermost first (more than one by inlining), at most
 * EV_SYM_FRAMES; at least one, whatever the frame. *out lives until the next call of
 * symbolizer__forget().
 */
size_t symbolizer__resolve(struct symbolizer *s, uint64_t frame, const struct sym_frame **out);
/* The same for many frames in one question, so that their answers are at hand afterwards. */
void symbolizer__prefetch(struct symbolizer *s, const uint64_t *frame, size_t cnt);

/* A good moment to forget, if there is too much: between two generations. */
void symbolizer__forget(struct symbolizer *s);

/* From any thread: what is not known yet stays without name from now on, a question under way
 * included. */
void symbolizer__give_up(struct symbolizer *s);

/* What went wrong, a sentence for each module, to be told at the end; fn is called with each. */
void symbolizer__troubles(struct symbolizer *s, void (*fn)(void *ctx, const char *sentence),
			  void *ctx);

#endif
