/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The markers that a file carries: the stapsdt notes of its section .note.stapsdt. Each says where
 * its nop is, where the semaphore that opens it, and in which registers or memory its arguments lie.
 *
 * Format: SystemTap's wiki, "User Space Probe Implementation"; version 3 of the note. Addresses in
 * it are moved by what .stapsdt.base was moved by (prelink).
 */
#ifndef CTRACE_ANNOT_NOTES_H
#define CTRACE_ANNOT_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

struct note {
	const char *provider, *name, *args; /* args: "8@%rdi -4@-20(%rbp)", "" none */
	uint64_t addr;			    /* of the nop, as the file counts */
	uint64_t offset;    /* the same in the file, which is what a probe is set by */
	uint64_t semaphore; /* offset in the file, 0 none */
	bool nop5;	    /* five bytes long: newer kernels make it a call */
};

struct notes {
	struct note *note; /* as in the file */
	size_t cnt;
	size_t bad; /* notes that were passed over: they make no sense, or are too many (4096) */
	char *text; /* what the strings point into */
};

/* 0, also when there is none; -errno with the reason in why. fd stays open; a file that is no ELF
 * file has none. notes_free() in both cases. */
int notes_read(struct notes *out, int fd, struct strbuf *why);
void notes_free(struct notes *n);

/*
 * Which of our own markers (bpf/mark.h) is this: enum ev_mark_op; 0 none; -EINVAL: it has the name
 * of one, but not its arguments.
 */
int note_is_ours(const struct note *n);

#endif
