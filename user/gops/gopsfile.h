/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file by which gops finds the agent of a process: its name is the PID, and a port is all that
 * is in it. It lies in $GOPS_CONFIG_DIR, or with the configuration of the process's owner, and is
 * written there as him. One that an agent which answers has written is left alone.
 */
#ifndef CTRACE_GOPS_GOPSFILE_H
#define CTRACE_GOPS_GOPSFILE_H

#include <stdint.h>
#include <sys/types.h>

struct gopsfile;
struct strbuf;

/* NULL with errno and the reason in why: EEXIST where the process has an agent of its own. */
struct gopsfile *gopsfile__new(pid_t pid, uint16_t port, struct strbuf *why);
/* Removes the file, if it is still this one. NULL is fine. */
void gopsfile__free(struct gopsfile *f);
const char *gopsfile__path(const struct gopsfile *f);

#endif
