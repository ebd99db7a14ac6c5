/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file behind a mapping of a process, opened without being led astray: nothing but regular
 * files, and by its name only where that still leads to the very file. What a name leads to is
 * looked at before it is opened, because opening a device can have effects.
 */
#ifndef CTRACE_SPACE_MAPPED_H
#define CTRACE_SPACE_MAPPED_H

#include <stdint.h>

#include "space/maps.h"

/* Whoever calls these may wait for ever, where a file system does not answer: filework.h. */

/* For reading; -1 with errno when there is no way to it. */
int mapped_open(uint32_t pid, const struct code_mapping *map);
/*
 * Takes over a descriptor of a file and gives one that can be kept and closed without waiting:
 * where it is on another machine, or a process answers, one that only names it (O_PATH). A close of
 * the other one is told there, and waits for an answer.
 */
int mapped_keep(int fd);

/* These two do not wait. */

/* The root directory of a process (O_PATH); -1 when it is ours, or cannot be seen. */
int mapped_root(uint32_t pid);
/* Is this the file in which a JIT compiler tells what it makes? It is mapped so that others see it.
 */
bool mapped_is_jitdump(const char *path);

#endif
