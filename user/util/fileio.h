/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole files, in both directions.
 *
 * Reading: the bytes in memory, for who walks a file by offset; mapped when it is a regular file,
 * read to its end otherwise. They are valid until file_unload(); the descriptor stays open.
 */
#ifndef CTRACE_UTIL_FILEIO_H
#define CTRACE_UTIL_FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

struct file_bytes {
	const uint8_t *data;
	size_t len;
	bool mapped;
};

/* 0, or -errno with the reason in `why`; *f can be unloaded in both cases. */
int file_load(struct file_bytes *f, int fd, struct strbuf *why);
void file_unload(struct file_bytes *f);

/* write(2) until all of it is written. 0 or -errno; a part may have been written then. */
int write_all(int fd, const void *data, size_t len);

#endif
