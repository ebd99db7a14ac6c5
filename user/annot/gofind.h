/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the annotations of a Go program (1.22 and newer, stripped or not) can be listened to while
 * its own tracer is off: behind the stack check of the functions of runtime/trace, and at the
 * places where (*Region).End was inlined. An entry would fire twice, when the stack has to grow.
 *
 * An inlined End begins with a comparison with the region that stands for "not traced": the jump
 * behind it is the place. The table of inlined calls has a mark for each, too, which is often a nop
 * that was made for it. But the compiler prefers the function's first instruction that has the same
 * line, and that may be one which is executed although End is not, or before the region begins.
 */
#ifndef CTRACE_ANNOT_GOFIND_H
#define CTRACE_ANNOT_GOFIND_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/mark.h"

struct strbuf;

struct go_site {
	uint64_t offset; /* in the file */
	enum ct_go_call call;
};

struct go_sites {
	int minor; /* 22 for Go 1.22.x */
	struct go_site *site;
	size_t cnt;
	struct ct_go go; /* as the file counts addresses: bias 0, module 0 */
};

/*
 * 0; -ENODATA: no Go program, or one that never imports runtime/trace; -ENOTSUP with the sentence
 * in why: a Go that we do not know, or a program that is not built as we know it. go_sites_free()
 * in each case. What is missing though the rest works stands in why, too.
 */
int go_sites_find(struct go_sites *out, int fd, struct strbuf *why);
void go_sites_free(struct go_sites *s);

/* For a process that has the file mapped with this bias, under this EV_MODULE (0 unknown). */
struct ct_go go_placed(const struct ct_go *file, uint64_t bias, uint32_t module);

#endif
