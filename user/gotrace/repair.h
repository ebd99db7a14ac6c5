/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace whose writer was stopped in the middle, cut back to its last whole generation.
 *
 * A generation is whole when the framing says so: an end mark closes it (header 1.26), or a batch
 * of the next one begins (before). Before 1.26 nothing closes the last one, so it is taken only
 * when the file ends with a batch and nothing in it refers to what is not there: sync and tables
 * can be read, every string and stack that is used is defined, and the turns of each goroutine and
 * processor have no gap, as they would if a batch were missing.
 *
 * The bytes of whole generations are never changed.
 */
#ifndef CTRACE_GOTRACE_REPAIR_H
#define CTRACE_GOTRACE_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/sink.h"

struct strbuf;

struct go_repair {
	uint64_t size; /* of the file as it was */
	uint64_t end; /* behind the last whole generation; the header's length when there is none */
	size_t ngen;  /* whole generations */
	unsigned minor; /* version of the header */
};

/*
 * Finds where to cut. 0, and `why` says what is wrong behind `end` when it is not the end of the
 * data (else it is empty). -EINVAL with `why` when the data are no trace.
 */
int go_repair_scan(const void *data, size_t len, struct go_repair *res, struct strbuf *why);

/*
 * The same for a file. in_place: cuts it; it is left alone when it is whole. copy: what is whole is
 * one write to the sink. Both: -ENODATA when there is no whole generation, and nothing is changed
 * then; -errno of the system with its reason in `why`, but what the sink returns without one.
 */
int go_repair_in_place(int fd, struct go_repair *res, struct strbuf *why);
int go_repair_copy(int fd, const struct sink *out, struct go_repair *res, struct strbuf *why);

#endif
