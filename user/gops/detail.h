/* SPDX-License-Identifier: BSD-2-Clause */
/* One process in full, with the labels of `gops PID`, and what can be recorded of it. */
#ifndef CTRACE_GOPS_DETAIL_H
#define CTRACE_GOPS_DETAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "gops/connections.h"
#include "gops/proclist.h"
#include "util/strbuf.h"

struct detail {
	struct process p;
	struct strbuf command; /* its words, apart by NULs */
	double memory, cpu; /* percent: of the machine's memory, of one CPU since it was started */
	double cpu_now;	    /* of one CPU, while we looked */
	uint64_t looked_ns; /* so long; 0: we did not */
	uint64_t age_ns;
	struct connections connections;
};

/* looking_ns: measures the CPU time of so long, too; 0 not. 0, or -ESRCH or another -errno;
 * detail_free() in both cases. */
int detail_read(struct detail *d, struct proclist *pl, uint32_t pid, uint64_t looking_ns);
void detail_free(struct detail *d);

void detail_print(struct strbuf *out, const struct detail *d);
void detail_json(struct strbuf *out, const struct detail *d);

/* "01:05", "02:00:00", "03-00:00:00", as ps has it; buf holds 32 bytes; returns buf */
char *format_elapsed(char *buf, uint64_t ns);

#endif
