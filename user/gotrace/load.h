/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole file as bytes in memory, for readers that walk a trace by offset: mapped when it is a regular file,
 * read to its end otherwise. The bytes are the loader's until go_file_unload(); the descriptor stays open.
 */
#ifndef CTRACE_GOTRACE_LOAD_H
#define CTRACE_GOTRACE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

struct go_file {
	const uint8_t *data;
	size_t len;
	bool mapped;
};

/* 0, or -errno with the reason in `why`; *f can be unloaded in both cases. */
int go_file_load(struct go_file *f, int fd, struct strbuf *why);
void go_file_unload(struct go_file *f);

#endif
