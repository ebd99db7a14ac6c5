/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole files, in both directions.
 *
 * Reading: the bytes of a regular file, mapped, for who walks it by offset. They are valid until
 * file_unload(); the descriptor stays open. A pipe has to be copied to a file first.
 */
#ifndef CTRACE_UTIL_FILEIO_H
#define CTRACE_UTIL_FILEIO_H

#include <stddef.h>
#include <stdint.h>

struct strbuf;

struct file_bytes {
	const uint8_t *data;
	size_t len;
};

/* 0, or -errno with the reason in `why`: -EISDIR for a directory, -EINVAL for what else is no
 * regular file. *f can be unloaded in both cases. */
int file_load(struct file_bytes *f, int fd, struct strbuf *why);
void file_unload(struct file_bytes *f);

/* write(2) until all of it is written, also to what does not block, for which it waits. 0 or
 * -errno; a part may have been written then. */
int write_all(int fd, const void *data, size_t len);

#endif
