/* SPDX-License-Identifier: BSD-2-Clause */
/* The room that file systems have left, for who is not root. One statvfs(2) each. */
#ifndef CTRACE_OUTPUT_SPACE_H
#define CTRACE_OUTPUT_SPACE_H

#include <stdint.h>

/* Bytes where the file of a descriptor lies, or where the path lies or would be made. 0 or -errno. */
int space_at(int fd, uint64_t *bytes);
int space_beside(const char *path, uint64_t *bytes);

#endif
