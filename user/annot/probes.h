/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting probes. Many sites of a file are one link where the kernel has uprobe_multi (6.6);
 * before, one each, for which CAP_SYS_ADMIN is needed. The kernel takes all of them back when we
 * end, however we do, and with them the semaphores that it has counted up.
 *
 * Used by one thread at a time.
 */
#ifndef CTRACE_ANNOT_PROBES_H
#define CTRACE_ANNOT_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctrace;
struct strbuf;

enum probes_prog { PROBES_HEADER, PROBES_FUNC, PROBES_GO, PROBES_USDT, PROBES_LAUNCH };

struct probe_site {
	uint64_t offset;    /* in the file */
	uint64_t semaphore; /* offset in the file, 0 none */
	uint64_t cookie;    /* bpf/mark.h */
};

/* A set of probes that are taken back together. */
struct probes;

/* The name of the program, as capture.c loads it. */
const char *probes_prog_name(enum probes_prog prog);

/*
 * The program runs whenever a process, or only this one (pid, 0: any), comes to one of the sites of
 * the file fd, which may be closed afterwards. NULL with errno and the reason in why. Sites that
 * the kernel does not take are left out when others are taken; how many, and the reason, stand in
 * why then. A set of which the kernel refuses much is not tried to its end, which would take
 * minutes.
 */
struct probes *probes__attach(struct ctrace *skel, enum probes_prog prog, uint32_t pid, int fd,
			      const struct probe_site *site, size_t cnt, struct strbuf *why);
/* The same for all sites of somebody else's marker, whose arguments are read as its notes say. */
struct probes *probes__attach_usdt(struct ctrace *skel, uint32_t pid, int fd, const char *provider,
				   const char *name, uint64_t cookie, struct strbuf *why);
/*
 * Do they still follow the process that they were set in? The kernel knows it by the thread that
 * was its first one, and an exec by another thread ends that. False also when that cannot be told.
 */
bool probes__follow(const struct probes *p);
void probes__free(struct probes *p); /* NULL is fine */

#endif
